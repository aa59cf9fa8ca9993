#include "lexical/terms.h"

#include "base/mem.h"
#include "lexical/collector.h"
#include "lexical/fold.h"
#include "lexical/term_key.h"
#include "lexical/varint.h"

#define TEXT_GAP 16 /* positions: no phrase reaches from a heading into its text */

static size_t end_of_equal(const struct term_key *keys, size_t n, size_t first)
{
    size_t end = first + 1;
    while (end < n && term_keys_are_equal(&keys[end], &keys[first]))
        end++;
    return end;
}

/* `keys` are sorted, and number the collected terms. */
static void encode(const struct collector *c, const struct term_key *keys, struct buf *out)
{
    for (size_t i = 0, end; i < c->n; i = end) {
        unsigned char entry[1 + TERM_BYTES_MAX + VARINT_BYTES_MAX];
        end = end_of_equal(keys, c->n, i);
        entry[0] = (unsigned char)keys[i].len;
        memcpy(entry + 1, keys[i].bytes, keys[i].len);
        size_t len = 1 + keys[i].len;
        buf_append(out, entry, len + varint_write(end - i, entry + len));
    }
    if (c->n > 0)
        buf_append_char(out, '\0');
    for (size_t i = 0, end; i < c->n; i = end) {
        uint32_t previous = 0;
        for (end = end_of_equal(keys, c->n, i); i < end; i++) {
            uint32_t position = c->terms[keys[i].i].position;
            buf_append_varint(out, position - previous);
            previous = position;
        }
    }
}

static enum status sort_and_encode(const struct collector *c, struct buf *out, struct error *err)
{
    struct term_key *keys = mem_array(c->n, sizeof *keys);
    if (!keys)
        return error_nomem(err);
    for (size_t i = 0; i < c->n; i++)
        keys[i] = term_key_of(c->terms[i].bytes, c->terms[i].len, i);
    term_keys_sort(keys, c->n);
    encode(c, keys, out);
    mem_free(keys);
    return buf_status(out, err);
}

enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err)
{
    struct collector c = {0};
    enum status status = STATUS_OK;
    size_t n_terms = 0, len_before = out_blob->len;
    for (size_t i = 0; i < n_texts && !status; i++) {
        status = collector_add(&c, analyzer, ANALYZER_INDEX, texts[i], lens[i], err);
        if (c.n > n_terms)
            c.first_position = c.terms[c.n - 1].position + 1 + TEXT_GAP;
        n_terms = c.n;
    }
    if (!status)
        status = sort_and_encode(&c, out_blob, err);
    if (!status)
        *out_n_terms = (uint32_t)n_terms;
    else if (out_blob->len > len_before)
        buf_truncate(out_blob, len_before);
    collector_clear(&c);
    return status;
}
