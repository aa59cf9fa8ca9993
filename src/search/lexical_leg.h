/* search/lexical_leg.h - searching a snapshot by words: the tail row by row, segments through their
 * postings, with the same scores in both. Private to search/. One thread at a time. */
#ifndef RAGGED_SEARCH_LEXICAL_LEG_H
#define RAGGED_SEARCH_LEXICAL_LEG_H

#include "search/fuse.h"
#include "search/vector_leg.h"

struct lexical_leg_segment {
    const struct snapshot_segment *from;
    struct lexical_lookup *lookup; /* the query in this segment */
    uint64_t *allowed;             /* bitmap of rows; NULL: all */
    size_t n_allowed;
};

struct lexical_leg {
    const struct snapshot *snapshot;
    struct lexical_query *query; /* borrowed */
    struct lexical_leg_segment *segments;
    size_t n_segments;
    struct lexical_tail *tail;
    struct row_list tail_rows;  /* of `tail` */
    uint64_t *tail_allowed;     /* bitmap */
    const int32_t *tail_scores; /* of each row, borrowed from `tail` */
    size_t n_allowed;           /* rows that may be found */
};

struct lexical_leg_options {
    const struct snapshot *snapshot;
    const struct filter *filter;
    struct lexical_query *query; /* its idf is set over the whole library */
    const struct cancel *cancel;
};
enum status lexical_leg_init(struct lexical_leg *leg, const struct lexical_leg_options *options,
                             struct error *err) MUST_USE;
void lexical_leg_clear(struct lexical_leg *leg); /* zeroed is fine */

/* The n_best rows by BM25; out: [n_best]. */
enum status lexical_leg_search(struct lexical_leg *leg, size_t n_best, struct leg_hit *out,
                               size_t *out_n, struct error *err) MUST_USE;

/* Sets lexical and near_lexical of candidates. */
enum status lexical_leg_score(struct lexical_leg *leg, struct fuse_candidate *candidates, size_t n,
                              struct error *err) MUST_USE;

/* Every chunk that may be found: what the query's phrases and exclusions leave. */
enum status lexical_leg_chunks(const struct lexical_leg *leg, struct chunk_set *out,
                               struct error *err) MUST_USE;

#endif
