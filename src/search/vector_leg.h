/* search/vector_leg.h - searching a snapshot by meaning: the vector tail exactly, segments through
 * their codes. Private to search/. One thread at a time. */
#ifndef RAGGED_SEARCH_VECTOR_LEG_H
#define RAGGED_SEARCH_VECTOR_LEG_H

#include "base/cancel.h"
#include "index/row_list.h"
#include "search/filter.h"
#include "search/leg.h"

/* Chunks that may be found, beside the filter. */
struct chunk_set {
    int64_t *chunk_ids; /* ascending, owned */
    size_t n;
};

struct vector_leg_segment {
    const struct snapshot_segment *from;
    uint64_t *allowed; /* bitmap of rows; NULL: all */
    size_t n_allowed;
};

struct vector_leg {
    const struct snapshot *snapshot;
    const float *query; /* [dim], borrowed */
    size_t dim;
    unsigned n_threads;
    size_t rescore_factor, n_rescored;
    struct vector_leg_segment *segments;
    size_t n_segments;
    struct row_list tail; /* what may be found of it */
    size_t n_allowed;     /* rows with a vector that may be found */
    size_t n_damaged;     /* vectors that were looked at and not believed */
};

struct vector_leg_options {
    const struct snapshot *snapshot;
    const struct filter *filter;
    const struct chunk_set *only; /* NULL: all chunks */
    const float *query;
    size_t dim;
    unsigned n_threads;
    size_t rescore_factor; /* of index/recall.h; 0 is 1 */
    size_t n_rescored; /* of each segment, which gives no more then; 0: as rescore_factor says */
    const struct cancel *cancel;
};
enum status vector_leg_init(struct vector_leg *leg, const struct vector_leg_options *options,
                            struct error *err) MUST_USE;
void vector_leg_clear(struct vector_leg *leg); /* zeroed is fine */

/* The n_best rows by cosine; out: [n_best]. */
enum status vector_leg_search(struct vector_leg *leg, size_t n_best, struct leg_hit *out,
                              size_t *out_n, struct error *err) MUST_USE;

/* The cosine of any chunk. *out_has false: it has no vector, or one that is not what was written.
 */
enum status vector_leg_cosine(struct vector_leg *leg, int64_t chunk_id, double *out, bool *out_has,
                              struct error *err) MUST_USE;

#endif
