#include <math.h>

#include "base/checked.h"
#include "base/mem.h"
#include "vector/vector_index.h"

#define PREFETCH_ROWS ((size_t)8)
#define CACHE_LINE ((size_t)64)
/* How many rows are scanned while one is scored exactly, out of a memory that is not cached. */
#define ROWS_A_SCORE ((size_t)40)

size_t vector_n_rescored(size_t n_rows, size_t k)
{
    static const struct {
        size_t n_rows, n_rescored;
    } sizes[] = {{30000, 256}, {300000, 512}, {3000000, 1024}, {SIZE_MAX, 2048}};
    size_t i = 0;
    while (n_rows > sizes[i].n_rows)
        i++;
    if (k <= 10)
        return sizes[i].n_rescored;
    return 2 * sizes[i].n_rescored * (k / 100 + (k % 100 != 0));
}

/* False: the query has no direction. */
static bool query_unit(const float *query, size_t dim, float *out)
{
    double square = 0;
    for (size_t i = 0; i < dim; i++)
        square += (double)query[i] * (double)query[i];
    if (!isfinite(square) || square <= 0)
        return false;
    double scale = 1 / sqrt(square);
    for (size_t i = 0; i < dim; i++)
        out[i] = (float)((double)query[i] * scale);
    return true;
}

static void row_prefetch(const unsigned char *row, size_t dim)
{
    for (size_t at = 0; row && at < 2 * dim; at += CACHE_LINE)
        __builtin_prefetch(row + at);
}

static bool row_is_zero(const unsigned char *row, size_t dim)
{
    unsigned bits = 0;
    for (size_t i = 0; i < dim; i++)
        bits |= (unsigned)row[2 * i] | (row[2 * i + 1] & 0x7Fu);
    return bits == 0;
}

/* -INFINITY where there is no row, or one that is a data error. */
static void score_slots(const struct vector_kernel *kernel, const struct vector_rows *rows,
                        const float *unit, const uint32_t *slots, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        if (i + PREFETCH_ROWS < n)
            row_prefetch(rows_at(rows, slots[i + PREFETCH_ROWS]), rows->dim);
        const unsigned char *row = rows_at(rows, slots[i]);
        float cosine = row ? kernel->dot_fp16(unit, row, rows->dim) : NAN;
        bool is_error = !isfinite(cosine) || (cosine == 0 && row_is_zero(row, rows->dim));
        out[i] = is_error ? -INFINITY : cosine;
    }
}

void vector_cosines(const struct vector_rows *rows, const float *query, const uint32_t *slots,
                    size_t n, float *out)
{
    float unit[VECTOR_DIM_MAX];
    if (rows->dim <= VECTOR_DIM_MAX && query_unit(query, rows->dim, unit))
        score_slots(vector_kernel_best(), rows, unit, slots, n, out);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = -INFINITY;
}

/* Rows to score exactly, and room for what that takes. */
struct pool {
    uint32_t *rows, *slots; /* [n], owned */
    float *cosines;         /* [n], owned */
    size_t n;
};

static enum status pool_init(struct pool *pool, size_t n, struct error *err)
{
    struct pool made = {.rows = mem_array(n, sizeof *made.rows),
                        .slots = mem_array(n, sizeof *made.slots),
                        .cosines = mem_array(n, sizeof *made.cosines)};
    *pool = made;
    return made.rows && made.slots && made.cosines ? STATUS_OK : error_nomem(err);
}

static void pool_clear(struct pool *pool)
{
    mem_free(pool->rows);
    mem_free(pool->slots);
    mem_free(pool->cosines);
}

static enum status pool_allowed(struct pool *pool, const struct vector_index *index,
                                const uint64_t *allowed, size_t n_allowed, struct error *err)
{
    enum status status = pool_init(pool, n_allowed, err);
    for (size_t block = 0; status == STATUS_OK && block < index->n_blocks; block++) {
        uint64_t rows = vector_index_rows_of_block(index, allowed, block);
        for (; rows; rows &= rows - 1)
            pool->rows[pool->n++] =
                (uint32_t)(block * VECTOR_BLOCK_ROWS + (size_t)__builtin_ctzll(rows));
    }
    return status;
}

static enum status pool_estimated(struct pool *pool, const struct vector_index *index,
                                  const struct vector_search *search, const float *unit,
                                  size_t n_rescored, struct error *err)
{
    struct candidates best = {0};
    enum status status = candidates_init(&best, n_rescored, err);
    if (status == STATUS_OK)
        status = vector_index_scan(index, unit, search->allowed, search->n_threads, &best, err);
    if (status == STATUS_OK)
        status = pool_init(pool, best.n, err);
    for (; status == STATUS_OK && pool->n < best.n; pool->n++)
        pool->rows[pool->n] = candidates_row(best.keys[pool->n]);
    candidates_clear(&best);
    return status;
}

/* Scoring wins while the rows allowed are few, or lie scattered over many blocks. */
static enum status pool_fill(struct pool *pool, const struct vector_index *index,
                             const struct vector_search *search, const float *unit,
                             struct error *err)
{
    size_t n_allowed = 0, n_scanned = 0, n_rescored = search->n_rescored;
    for (size_t block = 0; block < index->n_blocks; block++) {
        uint64_t rows = vector_index_rows_of_block(index, search->allowed, block);
        n_allowed += (size_t)__builtin_popcountll(rows);
        n_scanned += rows ? VECTOR_BLOCK_ROWS : 0;
    }
    if (n_rescored == 0)
        n_rescored = vector_n_rescored(index->n_rows, search->k);
    n_rescored = size_min(size_max(n_rescored, search->k), n_allowed);
    if ((n_allowed - n_rescored) * ROWS_A_SCORE <= n_scanned)
        return pool_allowed(pool, index, search->allowed, n_allowed, err);
    return pool_estimated(pool, index, search, unit, n_rescored, err);
}

static enum status pool_best(const struct pool *pool, const struct vector_search *search,
                             struct vector_hit *out, size_t *out_n, struct error *err)
{
    struct candidates best = {0};
    enum status status = candidates_init(&best, size_min(search->k, pool->n), err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < pool->n; i++)
        if (pool->cosines[i] > -INFINITY && pool->cosines[i] >= search->floor)
            candidates_add(&best, pool->cosines[i], pool->rows[i]);
    candidates_sort(&best);
    for (size_t i = 0; i < best.n; i++)
        out[i] = (struct vector_hit){.row = candidates_row(best.keys[i]),
                                     .cosine = candidates_score(best.keys[i])};
    *out_n = best.n;
    candidates_clear(&best);
    return STATUS_OK;
}

enum status vector_index_search(const struct vector_index *index,
                                const struct vector_search *search, struct vector_hit *out,
                                size_t *out_n, struct error *err)
{
    float unit[VECTOR_DIM_MAX];
    size_t dim = index->shape.dim;
    if (search->rows->dim != dim)
        return error_set(err, STATUS_INVALID, "vectors of %zu dimensions for a segment of %zu",
                         search->rows->dim, dim);
    if (!query_unit(search->query, dim, unit))
        return error_set(err, STATUS_INVALID, "the vector of the query is zero or not finite");
    struct pool pool = {0};
    enum status status = pool_fill(&pool, index, search, unit, err);
    if (status == STATUS_OK) {
        /* First all slots, then all rows: the misses of each kind overlap. */
        for (size_t i = 0; i < pool.n; i++)
            pool.slots[i] = index->slots[pool.rows[i]];
        score_slots(index->kernel, search->rows, unit, pool.slots, pool.n, pool.cosines);
        status = pool_best(&pool, search, out, out_n, err);
    }
    pool_clear(&pool);
    return status;
}
