/* search/fuse.h - two rankings of the same chunks become one. Pure, no store. Private to search/.
 */
#ifndef RAGGED_SEARCH_FUSE_H
#define RAGGED_SEARCH_FUSE_H

#include "search/leg.h"
#include "search/search.h"

struct fuse_candidate {
    int64_t chunk_id, document_id;
    size_t lexical_rank, vector_rank; /* 1-based; 0: not among the leg's best */
    double lexical;                   /* BM25; 0: no term of the query */
    double near_lexical;              /* of the better of its two neighbours in the document */
    double cosine;                    /* only with has_vector */
    bool has_vector;
    /* out */
    double lexical_part, vector_part;
    double score; /* 0..1 */
};

/* The union of both legs' hits (each best first, n of them), by chunk id, with their ranks. out:
 * [n_lexical + n_vector]; returns how many. */
size_t fuse_union(const struct leg_hit *lexical, size_t n_lexical, const struct leg_hit *vector,
                  size_t n_vector, struct fuse_candidate *out);

/* Scores the candidates, each of which has both its scores, and sorts them: best first, ties by
 * chunk id. Hybrid, convex: 0.6 * max(cosine, 0) / best + 0.4 * bm25 / best; one leg: its score
 * over its best. A hybrid candidate without a vector is scored by its words alone, with their whole
 * weight: they stand for the leg it does not have yet. A passage cut out of its context says less
 * than it means: its better neighbour lends it a fifth of its own words' score. Hybrid, by ranks:
 * rrf_part() of both instead. */
void fuse_rank(enum engine_mode mode, enum engine_fusion fusion, struct fuse_candidate *candidates,
               size_t n);

#endif
