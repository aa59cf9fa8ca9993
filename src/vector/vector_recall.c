/* How many of the truly nearest a search finds, measured on the index's own rows. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "vector/vector_index.h"

struct measure {
    const struct vector_index *index;
    struct vector_search search;
    float *query;             /* [dim] */
    float *cosines;           /* of every row, exact */
    struct vector_hit *found; /* [k] */
    size_t n_wanted, n_right;
};

static size_t count_nearer(const struct measure *m, float cosine)
{
    size_t n = 0;
    for (size_t i = 0; i < m->index->n_rows; i++)
        n += m->cosines[i] > cosine;
    return n;
}

/* A hit is right when fewer than k rows are nearer: of several that are equally near any will do.
 */
static enum status ask(struct measure *m, size_t row, struct error *err)
{
    uint16_t half[VECTOR_DIM_MAX];
    const struct vector_rows *rows = m->search.rows;
    const unsigned char *at = rows_at(rows, m->index->slots[row]);
    size_t n = 0, n_rows = m->index->n_rows, k = size_min(m->search.k, n_rows);
    if (!at)
        return STATUS_OK;
    memcpy(half, at, rows->dim * sizeof *half);
    vector_from_fp16(half, rows->dim, m->query);
    enum status status = vector_index_search(m->index, &m->search, m->found, &n, err);
    if (status == STATUS_INVALID)
        return STATUS_OK; /* a row that is a data error asks nothing */
    if (status)
        return status;
    vector_cosines(rows, m->query, m->index->slots, n_rows, m->cosines);
    for (size_t i = 0; i < n; i++)
        m->n_right += count_nearer(m, m->found[i].cosine) < k;
    m->n_wanted += k;
    return STATUS_OK;
}

enum status vector_index_recall(const struct vector_index *index, const struct vector_rows *rows,
                                size_t k, size_t n_rescored, size_t n_queries,
                                const struct cancel *cancel, double *out, struct error *err)
{
    struct measure m = {
        .index = index,
        .search = {.rows = rows, .k = k, .n_rescored = n_rescored, .floor = -INFINITY},
        .query = mem_zalloc(index->shape.dim, sizeof *m.query),
        .cosines = mem_array(index->n_rows, sizeof *m.cosines),
        .found = mem_array(k, sizeof *m.found),
    };
    size_t n_asked = size_min(n_queries, index->n_rows);
    enum status status = m.query && m.cosines && m.found ? STATUS_OK : error_nomem(err);
    if (!status && rows->dim != index->shape.dim)
        status = error_set(err, STATUS_INVALID, "rows of %zu dimensions, not %zu", rows->dim,
                           (size_t)index->shape.dim);
    m.search.query = m.query;
    for (size_t i = 0; i < n_asked && !status; i++)
        status = is_cancelled(cancel) ? error_set(err, STATUS_CANCELLED, "stopped")
                                      : ask(&m, index->n_rows * i / n_asked, err);
    if (!status)
        *out = m.n_wanted > 0 ? (double)m.n_right / (double)m.n_wanted : 1;
    mem_free(m.query);
    mem_free(m.cosines);
    mem_free(m.found);
    return status;
}
