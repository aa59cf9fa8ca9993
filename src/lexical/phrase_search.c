#include "lexical/phrase_search.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "lexical/phrase.h"
#include "lexical/positions.h"

/* One word of the phrase: its postings and positions, read forward. A word that comes twice has two
 * of these, but one block: so each keeps its own copy. */
struct word_reader {
    struct lookup_term *term;
    struct span positions; /* of the whole list */
    struct block block;
    size_t i_block; /* SIZE_MAX: none */
    size_t i_next;  /* `reader` stands before this posting of the block */
    struct span_reader reader;
    uint32_t *at; /* positions in the row, owned */
    size_t n_at, n_at_max;
};

static bool read_block(struct lexical_lookup *lookup, struct word_reader *word, size_t i)
{
    if (word->i_block == i)
        return true;
    word->i_block = i;
    word->i_next = 0;
    word->reader = positions_of_block(word->positions, &word->term->list, i);
    return !word->reader.is_short &&
           postings_read(lookup->index, lookup->kernel, &word->term->list, i, &word->block);
}

/* Goes to the first posting at or behind `row`; false at the end. *io_row becomes its row. */
static bool seek(struct lexical_lookup *lookup, struct word_reader *word, uint32_t *io_row,
                 size_t *out_i, bool *out_damaged)
{
    const struct list *list = &word->term->list;
    size_t i = word->i_block == SIZE_MAX ? 0 : word->i_block;
    if (list->n_blocks)
        while (i + 1 < list->n_blocks && list_last_row(lookup->index, list, i) < *io_row)
            i++;
    if (!read_block(lookup, word, i)) {
        *out_damaged = true;
        return false;
    }
    size_t at = rows_lower_bound(word->block.rows, word->block.n, *io_row);
    if (at == word->block.n)
        return false;
    *io_row = word->block.rows[at];
    *out_i = at;
    return true;
}

/* The positions of posting `i` of the block that the reader is in. */
static enum status read_positions(struct word_reader *word, size_t i, struct positions *out,
                                  struct error *err)
{
    uint64_t position = 0;
    void *at = word->at;
    enum status status =
        mem_reserve(&at, &word->n_at_max, word->block.tfs[i], sizeof *word->at, err);
    word->at = at;
    if (status)
        return status;
    if (word->i_next > i) { /* the same row again */
        *out = (struct positions){word->at, word->n_at};
        return STATUS_OK;
    }
    for (; word->i_next < i; word->i_next++)
        for (uint32_t k = 0; k < word->block.tfs[word->i_next]; k++)
            span_take_varint(&word->reader);
    word->n_at = 0;
    word->i_next = i + 1;
    for (uint32_t k = 0; k < word->block.tfs[i]; k++) {
        position += span_take_varint(&word->reader);
        if (position <= UINT32_MAX)
            word->at[word->n_at++] = (uint32_t)position;
    }
    if (word->reader.is_short)
        return error_set(err, STATUS_DAMAGED, "the positions of words are damaged");
    *out = (struct positions){word->at, word->n_at};
    return STATUS_OK;
}

struct phrase {
    struct lexical_lookup *lookup;
    struct word_reader *words; /* [n] */
    struct positions *found;   /* [n] */
    size_t *i_posting;         /* [n] */
    size_t n;
};

/* Moves *io_row to the next row at or behind it that has all words; false at the end. */
static bool next_common(struct phrase *p, uint32_t *io_row, bool *out_damaged)
{
    for (size_t i = 0, n_same = 0; n_same < p->n; i = (i + 1) % p->n) {
        uint32_t row = *io_row;
        if (!seek(p->lookup, &p->words[i], &row, &p->i_posting[i], out_damaged))
            return false;
        n_same = row == *io_row ? n_same + 1 : 1;
        *io_row = row;
    }
    return true;
}

static enum status run(struct phrase *p, uint64_t *io_found, struct error *err)
{
    enum status status = STATUS_OK;
    bool is_damaged = false;
    for (uint32_t row = 0; !status && next_common(p, &row, &is_damaged); row++) {
        for (size_t i = 0; i < p->n && !status; i++)
            status = read_positions(&p->words[i], p->i_posting[i], &p->found[i], err);
        if (!status && phrase_occurs(p->found, p->n))
            bitmap_add(io_found, row);
    }
    if (!status && is_damaged)
        status = error_set(err, STATUS_DAMAGED, "the postings of a word are damaged");
    return status;
}

enum status phrase_search(struct lexical_lookup *lookup, struct lookup_term *const *terms, size_t n,
                          uint64_t *io_found, struct error *err)
{
    struct phrase p = {.lookup = lookup,
                       .n = n,
                       .words = mem_aligned(n, sizeof *p.words),
                       .found = mem_array(n, sizeof *p.found),
                       .i_posting = mem_array(n, sizeof *p.i_posting)};
    enum status status = p.words && p.found && p.i_posting ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < n && p.words; i++)
        p.words[i] = (struct word_reader){.i_block = SIZE_MAX};
    for (size_t i = 0; i < n && !status; i++) {
        p.words[i].term = terms[i];
        p.words[i].positions = positions_of_list(lookup->index, &terms[i]->list);
        if (!p.words[i].positions.bytes)
            status = error_set(err, STATUS_DAMAGED, "the positions of words are damaged");
    }
    if (!status)
        status = run(&p, io_found, err);
    for (size_t i = 0; i < n && p.words; i++)
        mem_free(p.words[i].at);
    mem_free(p.words);
    mem_free(p.found);
    mem_free(p.i_posting);
    return status;
}
