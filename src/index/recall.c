#include "index/recall.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define N_QUERIES 64
#define N_NEAREST 10
#define RECALL_WANTED 0.999

static enum status measure(const struct vector_index *index, const struct vector_rows *rows,
                           const struct cancel *cancel, size_t *out_factor, struct error *err)
{
    size_t factor = 1;
    double recall = 0;
    enum status status = STATUS_OK;
    for (; !status; factor *= 2) {
        size_t n_rescored = factor * vector_n_rescored(vector_index_n_rows(index), N_NEAREST);
        status = vector_index_recall(index, rows, N_NEAREST, n_rescored, N_QUERIES, cancel, &recall,
                                     err);
        if (recall >= RECALL_WANTED || factor == RECALL_FACTOR_MAX)
            break;
    }
    if (!status)
        *out_factor = factor;
    return status;
}

enum status recall_factor(const struct new_segment *segment, const struct vector_rows *rows,
                          const struct cancel *cancel, size_t *out_factor, struct error *err)
{
    struct segment *opened = NULL;
    struct vector_index *index = NULL;
    size_t factor = 1;
    if (segment->rows.n < RECALL_ROWS_MIN) {
        *out_factor = 1;
        return STATUS_OK;
    }
    enum status status = segment_open(segment->path, SEGMENT_VECTOR, &segment->stamp, &opened, err);
    if (!status)
        status = vector_index_open(opened, &index, err);
    if (!status)
        status = measure(index, rows, cancel, &factor, err);
    if (!status)
        *out_factor = factor;
    vector_index_close(index);
    segment_close(opened);
    return status;
}

/* "4 2026-11-29T16:00:00Z"; libraries of an older version have only the number. */
enum status recall_factor_read(struct store *store, size_t *out_factor, char out_since[32],
                               struct error *err)
{
    struct arena arena = {0};
    const char *text = NULL;
    enum status status = store_get_meta(store, STORE_META_RESCORE, &arena, &text, err);
    if (!status) {
        char *end = NULL;
        unsigned long factor = text ? strtoul(text, &end, 10) : 1;
        bool is_known = factor >= 1 && factor <= RECALL_FACTOR_MAX;
        *out_factor = is_known ? (size_t)factor : 1;
        if (out_since)
            snprintf(out_since, 32, "%s", is_known && end && *end == ' ' ? end + 1 : "");
    }
    arena_clear(&arena);
    return status;
}

enum status recall_factor_raise(struct store *store, size_t factor, struct error *err)
{
    size_t before = 1;
    char text[64], now[32], since[32];
    enum status status = recall_factor_read(store, &before, since, err);
    if (status || factor < before || (factor == before && (factor == 1 || *since)))
        return status;
    clock_format_utc(clock_wall_ms(), now);
    snprintf(text, sizeof text, "%zu %s", factor, now);
    return store_set_meta(store, STORE_META_RESCORE, text, err);
}
