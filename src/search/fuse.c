#include "search/fuse.h"

#include <stdlib.h>

#include "base/trace.h"
#include "search/rrf.h"

#define VECTOR_WEIGHT 0.6
#define LEXICAL_WEIGHT 0.4
#define NEIGHBOUR_WEIGHT 0.2

static int compare_chunks(const void *a, const void *b)
{
    const struct fuse_candidate *x = a, *y = b;
    return x->chunk_id < y->chunk_id ? -1 : x->chunk_id > y->chunk_id;
}

size_t fuse_union(const struct leg_hit *lexical, size_t n_lexical, const struct leg_hit *vector,
                  size_t n_vector, struct fuse_candidate *out)
{
    size_t n = 0, n_kept = 0;
    for (size_t i = 0; i < n_lexical; i++)
        out[n++] = (struct fuse_candidate){.chunk_id = lexical[i].chunk_id,
                                           .document_id = lexical[i].document_id,
                                           .lexical_rank = i + 1};
    for (size_t i = 0; i < n_vector; i++)
        out[n++] = (struct fuse_candidate){.chunk_id = vector[i].chunk_id,
                                           .document_id = vector[i].document_id,
                                           .vector_rank = i + 1};
    if (n > 1)
        qsort(out, n, sizeof *out, compare_chunks);
    for (size_t i = 0; i < n; i++) {
        if (n_kept > 0 && out[n_kept - 1].chunk_id == out[i].chunk_id) {
            out[n_kept - 1].lexical_rank += out[i].lexical_rank;
            out[n_kept - 1].vector_rank += out[i].vector_rank;
        } else {
            out[n_kept++] = out[i];
        }
    }
    return n_kept;
}

static int compare_scores(const void *a, const void *b)
{
    const struct fuse_candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return compare_chunks(a, b);
}

static double words_in_context(const struct fuse_candidate *c)
{
    return c->lexical + NEIGHBOUR_WEIGHT * c->near_lexical;
}

static double closeness(const struct fuse_candidate *c)
{
    return c->has_vector && c->cosine > 0 ? c->cosine : 0;
}

struct best {
    double lexical, cosine;
};

static void score_convex(enum engine_mode mode, const struct best *best, struct fuse_candidate *c)
{
    bool is_hybrid = mode == ENGINE_MODE_HYBRID && c->has_vector;
    if (mode != ENGINE_MODE_LEXICAL && best->cosine > 0)
        c->vector_part = closeness(c) / best->cosine * (is_hybrid ? VECTOR_WEIGHT : 1);
    if (mode != ENGINE_MODE_VECTOR && best->lexical > 0)
        c->lexical_part = words_in_context(c) / best->lexical * (is_hybrid ? LEXICAL_WEIGHT : 1);
}

/* Meaning and words by their ranks; one leg alone is no fusion. */
static void score_rrf(enum engine_mode mode, const struct best *best, struct fuse_candidate *c)
{
    if (mode != ENGINE_MODE_HYBRID) {
        score_convex(mode, best, c);
        return;
    }
    c->vector_part = rrf_part(c->vector_rank, 2);
    c->lexical_part = rrf_part(c->lexical_rank, c->has_vector ? 2 : 1);
}

static void (*const fusions[])(enum engine_mode mode, const struct best *best,
                               struct fuse_candidate *c) = {
    [ENGINE_FUSION_CONVEX] = score_convex,
    [ENGINE_FUSION_RRF] = score_rrf,
};

void fuse_rank(enum engine_mode mode, enum engine_fusion fusion, struct fuse_candidate *candidates,
               size_t n)
{
    TRACE(TRACE_STAGE_FUSE);
    struct best best = {0};
    for (size_t i = 0; i < n; i++) {
        double lexical = words_in_context(&candidates[i]), cosine = closeness(&candidates[i]);
        best.lexical = lexical > best.lexical ? lexical : best.lexical;
        best.cosine = cosine > best.cosine ? cosine : best.cosine;
    }
    for (size_t i = 0; i < n; i++) {
        struct fuse_candidate *c = &candidates[i];
        fusions[fusion](mode, &best, c);
        c->score = c->vector_part + c->lexical_part;
    }
    if (n > 1)
        qsort(candidates, n, sizeof *candidates, compare_scores);
}
