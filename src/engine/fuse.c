#include "engine/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/rrf.h"

#define VECTOR_WEIGHT 0.6
#define LEXICAL_WEIGHT 0.4
#define NEIGHBOUR_WEIGHT 0.2

struct ranked {
    float score;
    size_t i_row;
};

/* Order of a leg: higher score first, then the older chunk. */
static bool is_better(struct ranked a, struct ranked b)
{
    return a.score > b.score || (a.score == b.score && a.i_row < b.i_row);
}

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return is_better(*x, *y) ? -1 : is_better(*y, *x) ? 1 : 0;
}

/* heap[0] is the worst of the best. */
static void sift_down(struct ranked *heap, size_t n, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            return;
        if (child + 1 < n && is_better(heap[child], heap[child + 1]))
            child++;
        if (!is_better(heap[i], heap[child]))
            return;
        struct ranked swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
        i = child;
    }
}

enum leg { LEG_LEXICAL, LEG_VECTOR };

/* The n_leg best rows that the leg has a score for, best first; *out_n of them. */
static struct ranked *best_of_leg(const struct fuse_input *input, enum leg leg, struct arena *arena,
                                  size_t *out_n)
{
    struct ranked *heap = arena_zalloc(arena, input->n_leg + 1, sizeof *heap);
    if (!heap)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < input->n_rows; i++) {
        const struct fuse_row *from = &input->rows[i];
        struct ranked row = {.score = leg == LEG_VECTOR ? from->cosine : input->lexical[i],
                             .i_row = i};
        if (!from->is_allowed || (leg == LEG_VECTOR ? !fuse_has_vector(from) : row.score <= 0))
            continue;
        if (n < input->n_leg) {
            heap[n++] = row;
            if (n == input->n_leg)
                for (size_t k = n / 2; k-- > 0;)
                    sift_down(heap, n, k);
        } else if (is_better(row, heap[0])) {
            heap[0] = row;
            sift_down(heap, n, 0);
        }
    }
    if (n > 1)
        qsort(heap, n, sizeof *heap, compare_ranked);
    *out_n = n;
    return heap;
}

struct pool {
    struct fuse_candidate *candidates;
    size_t n;
};

static void merge_leg(struct pool *pool, const struct ranked *leg, size_t n, enum leg from)
{
    size_t n_before = pool->n;
    for (size_t rank = 1; rank <= n; rank++) {
        size_t i = 0;
        while (i < n_before && pool->candidates[i].i_row != leg[rank - 1].i_row)
            i++;
        if (i == n_before) {
            i = pool->n++;
            pool->candidates[i] = (struct fuse_candidate){.i_row = leg[rank - 1].i_row};
        }
        *(from == LEG_VECTOR ? &pool->candidates[i].vector_rank
                             : &pool->candidates[i].lexical_rank) = rank;
    }
}

static int compare_candidates(const void *a, const void *b)
{
    const struct fuse_candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->i_row < y->i_row ? -1 : x->i_row > y->i_row;
}

/* A passage cut out of its context says less than it means: the better of its two neighbours in the
 * document lends it a part of its words' score. */
static double lexical_in_context(const struct fuse_input *input, size_t i)
{
    double near = 0;
    int64_t document_id = input->rows[i].document_id;
    if (i > 0 && input->rows[i - 1].document_id == document_id)
        near = (double)input->lexical[i - 1];
    if (i + 1 < input->n_rows && input->rows[i + 1].document_id == document_id &&
        (double)input->lexical[i + 1] > near)
        near = (double)input->lexical[i + 1];
    return (double)input->lexical[i] + NEIGHBOUR_WEIGHT * near;
}

struct best {
    double lexical, cosine;
};

static void score_convex(const struct fuse_input *input, const struct best *best,
                         struct fuse_candidate *c)
{
    double cosine = (double)input->rows[c->i_row].cosine;
    bool is_hybrid = input->mode == ENGINE_MODE_HYBRID && fuse_has_vector(&input->rows[c->i_row]);
    if (input->mode != ENGINE_MODE_LEXICAL && best->cosine > 0) {
        c->vector_part = (cosine > 0 ? cosine : 0) / best->cosine * (is_hybrid ? VECTOR_WEIGHT : 1);
    }
    if (input->mode != ENGINE_MODE_VECTOR && best->lexical > 0)
        c->lexical_part =
            lexical_in_context(input, c->i_row) / best->lexical * (is_hybrid ? LEXICAL_WEIGHT : 1);
}

/* Meaning and words by their ranks; one leg alone is no fusion. */
static void score_rrf(const struct fuse_input *input, const struct best *best,
                      struct fuse_candidate *c)
{
    bool has_vector = fuse_has_vector(&input->rows[c->i_row]);
    if (input->mode != ENGINE_MODE_HYBRID) {
        score_convex(input, best, c);
        return;
    }
    c->vector_part = rrf_part(c->vector_rank, 2);
    c->lexical_part = rrf_part(c->lexical_rank, has_vector ? 2 : 1);
}

static void (*const fusions[])(const struct fuse_input *input, const struct best *best,
                               struct fuse_candidate *c) = {
    [ENGINE_FUSION_CONVEX] = score_convex,
    [ENGINE_FUSION_RRF] = score_rrf,
};

enum status fuse_rank(const struct fuse_input *input, struct arena *arena,
                      struct fuse_candidate **out, size_t *out_n, struct error *err)
{
    struct ranked *lexical = NULL, *vector = NULL;
    size_t n_lexical = 0, n_vector = 0;
    if (input->mode != ENGINE_MODE_LEXICAL) {
        vector = best_of_leg(input, LEG_VECTOR, arena, &n_vector);
        if (!vector)
            return error_nomem(err);
    }
    if (input->mode != ENGINE_MODE_VECTOR) {
        lexical = best_of_leg(input, LEG_LEXICAL, arena, &n_lexical);
        if (!lexical)
            return error_nomem(err);
    }
    struct pool pool = {.candidates =
                            arena_zalloc(arena, n_lexical + n_vector + 1, sizeof *pool.candidates)};
    if (!pool.candidates)
        return error_nomem(err);
    merge_leg(&pool, vector, n_vector, LEG_VECTOR);
    merge_leg(&pool, lexical, n_lexical, LEG_LEXICAL);
    struct best best = {.cosine = n_vector ? (double)vector[0].score : 0};
    for (size_t i = 0; i < pool.n; i++) {
        double score = lexical_in_context(input, pool.candidates[i].i_row);
        if (score > best.lexical)
            best.lexical = score;
    }
    for (size_t i = 0; i < pool.n; i++) {
        struct fuse_candidate *c = &pool.candidates[i];
        fusions[input->fusion](input, &best, c);
        c->score = c->vector_part + c->lexical_part;
    }
    if (pool.n > 1)
        qsort(pool.candidates, pool.n, sizeof *pool.candidates, compare_candidates);
    *out = pool.candidates;
    *out_n = pool.n;
    return STATUS_OK;
}
