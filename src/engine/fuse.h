/* engine/fuse.h - two rankings of the same rows become one. Pure, no store. Private to engine/. */
#ifndef RAGGED_ENGINE_FUSE_H
#define RAGGED_ENGINE_FUSE_H

#include "base/arena.h"
#include "engine/engine.h"

#define FUSE_NO_VECTOR (-2.0f) /* outside of every cosine */

struct fuse_row {
    int64_t chunk_id, document_id;
    float cosine;    /* FUSE_NO_VECTOR: the row has none */
    bool is_allowed; /* by the filter */
};

static inline bool fuse_has_vector(const struct fuse_row *row)
{
    return row->cosine > -1.5f;
}

struct fuse_input {
    const struct fuse_row *rows; /* ascending chunk ids */
    const float *lexical;        /* BM25 of each row; 0: no term of the query */
    size_t n_rows;
    enum engine_mode mode;
    size_t n_leg; /* best rows taken from each leg */
    enum engine_fusion fusion;
};

struct fuse_candidate {
    size_t i_row;
    double score;                     /* 0..1 */
    size_t lexical_rank, vector_rank; /* 1-based; 0: not among the leg's n_leg best */
    double lexical_part, vector_part;
};

/* Hybrid: 0.6 * max(cosine, 0) / best + 0.4 * bm25 / best over the union of both legs' best rows,
 * each candidate with both its scores; one leg: its score over its best. A hybrid candidate without
 * a vector is scored by its words alone, with their whole weight: they stand for the leg it does
 * not have yet. ENGINE_FUSION_RRF: hybrid scores are rrf_part() of both ranks instead. Best first,
 * ties by chunk id. *out is from `arena`. */
enum status fuse_rank(const struct fuse_input *input, struct arena *arena,
                      struct fuse_candidate **out, size_t *out_n, struct error *err) MUST_USE;

#endif
