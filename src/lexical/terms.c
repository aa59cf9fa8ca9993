#include "lexical/terms.h"

#include "base/mem.h"
#include "lexical/fold.h"
#include "lexical/row_terms.h"
#include "lexical/term_key.h"
#include "lexical/varint.h"

#define TEXT_GAP 16 /* positions: no phrase reaches from a heading into its text */
#define ENTRY_BYTES_MAX (1 + TERM_BYTES_MAX + VARINT_BYTES_MAX)

/* What is on its way to the blob. */
struct piece {
    unsigned char bytes[4 * ENTRY_BYTES_MAX];
    size_t len;
    struct buf *out;
};

static void pass_on(struct piece *piece)
{
    buf_append(piece->out, piece->bytes, piece->len);
    piece->len = 0;
}

/* Room for the largest thing that is written at once. */
static unsigned char *room_in(struct piece *piece)
{
    if (piece->len > sizeof piece->bytes - ENTRY_BYTES_MAX)
        pass_on(piece);
    return piece->bytes + piece->len;
}

static void put_term(struct piece *piece, const struct row_term *term)
{
    unsigned char *entry = room_in(piece);
    entry[0] = (unsigned char)term->len;
    memcpy(entry + 1, term->bytes, term->len);
    piece->len += 1 + term->len + varint_write(term->tf, entry + 1 + term->len);
}

static void put_positions(struct piece *piece, const struct row_terms *row,
                          const struct row_term *term)
{
    uint32_t before = 0;
    for (uint32_t i = term->first; i != OCCURRENCE_NONE; i = row->occurrences[i].next) {
        piece->len += varint_write(row->occurrences[i].position - before, room_in(piece));
        before = row->occurrences[i].position;
    }
}

static void encode(const struct row_terms *row, const struct term_key *keys, struct buf *out)
{
    struct piece piece;
    piece.len = 0;
    piece.out = out;
    if (row->n == 0)
        return;
    for (size_t i = 0; i < row->n; i++)
        put_term(&piece, &row->terms[keys[i].i]);
    *room_in(&piece) = 0;
    piece.len++;
    for (size_t i = 0; i < row->n; i++)
        put_positions(&piece, row, &row->terms[keys[i].i]);
    pass_on(&piece);
}

static enum status sort_and_encode(const struct row_terms *row, struct buf *out, struct error *err)
{
    struct term_key *keys = mem_array(row->n, sizeof *keys);
    if (!keys)
        return error_nomem(err);
    for (size_t i = 0; i < row->n; i++)
        keys[i] = (struct term_key){.prefix = row->terms[i].prefix,
                                    .bytes = row->terms[i].bytes,
                                    .len = row->terms[i].len,
                                    .i = (uint32_t)i};
    term_keys_sort(keys, row->n);
    encode(row, keys, out);
    mem_free(keys);
    return buf_status(out, err);
}

enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err)
{
    struct row_terms row = {0};
    enum status status = STATUS_OK;
    size_t n_before = 0, len_before = out_blob->len;
    for (size_t i = 0; i < n_texts && !status; i++) {
        status = row_terms_add(&row, analyzer, texts[i], lens[i], err);
        if (row.n_occurrences > n_before)
            row.first_position = row.occurrences[row.n_occurrences - 1].position + 1 + TEXT_GAP;
        n_before = row.n_occurrences;
    }
    if (!status)
        status = sort_and_encode(&row, out_blob, err);
    if (!status)
        *out_n_terms = (uint32_t)row.n_occurrences;
    else if (out_blob->len > len_before)
        buf_truncate(out_blob, len_before);
    row_terms_clear(&row);
    return status;
}
