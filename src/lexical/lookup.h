/* lexical/lookup.h - the terms of one query in one index. Private to lexical/. */
#ifndef RAGGED_LEXICAL_LOOKUP_H
#define RAGGED_LEXICAL_LOOKUP_H

#include "lexical/lexical_index.h"
#include "lexical/postings.h"

/* A term that the index has. A list with blocks is read block by block; anything shorter, and the
 * union of what a prefix stands for, is an array of postings. */
struct lookup_term {
    uint32_t i_term; /* in the query */
    uint32_t df;
    struct list list; /* of blocks */
    /* The array, padded to KERNEL_LANES_MAX; NULL: blocks. */
    uint32_t *rows, *tfs;
    /* The block that was read last. */
    struct block *block; /* NULL: an array */
    int32_t *scores;     /* of the block or the array; valid when has_scores */
    size_t i_block;      /* SIZE_MAX: none yet */
    bool has_scores;
};

struct lexical_lookup {
    const struct lexical_index *index;
    const struct lexical_query *query;
    const struct lexical_kernel *kernel;
    struct arena arena;        /* of all below */
    struct lookup_term *terms; /* ascending by i_term */
    size_t n_terms;
    struct search_space *space; /* made by the first search */
};

static inline bool lookup_is_array(const struct lookup_term *term)
{
    return term->block == NULL;
}

static inline struct score_weights lookup_weights(const struct lexical_lookup *lookup,
                                                  const struct lookup_term *term)
{
    return score_weights_of(lookup->query, term->i_term);
}

/* Makes block `i` of the term the one that was read last; n is 0 when it is damaged. */
static inline void lookup_read_rows(const struct lexical_lookup *lookup, struct lookup_term *term,
                                    size_t i)
{
    if (term->i_block == i)
        return;
    term->i_block = i;
    term->has_scores = false;
    postings_read_rows(lookup->index, lookup->kernel, &term->list, i, term->block);
}

/* And the scores of all its postings. */
static inline void lookup_read_scores(const struct lexical_lookup *lookup, struct lookup_term *term,
                                      size_t i)
{
    lookup_read_rows(lookup, term, i);
    if (term->has_scores)
        return;
    postings_read_tfs(lookup->kernel, term->block);
    lookup->kernel->score(term->block->rows, term->block->tfs, term->block->n,
                          lookup->index->lengths, lookup_weights(lookup, term), term->scores);
    term->has_scores = true;
}

/* The first of rows[0..n-1], ascending, that is not below `row`. */
static inline size_t rows_lower_bound(const uint32_t *rows, size_t n, uint32_t row)
{
    size_t low = 0;
    while (n > 1) {
        size_t half = n / 2;
        low += rows[low + half - 1] < row ? half : 0;
        n -= half;
    }
    return low + (n == 1 && rows[low] < row);
}

/* The term's score in a row, 0 when it isn't there. *io_i: where to begin looking (a block, or a
 * posting of the array); ascends with the rows. */
int32_t lookup_score_at(const struct lexical_lookup *lookup, struct lookup_term *term, uint32_t row,
                        size_t *io_i);

#endif
