#include "engine/recall.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/engine_internal.h"

#define ROWS_MIN ((size_t)16 * 1024)
#define N_QUERIES 64
#define N_NEAREST 10
#define RECALL_WANTED 0.999
#define FACTOR_MAX 16

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
        if (recall >= RECALL_WANTED || factor == FACTOR_MAX)
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
    if (segment->rows.n < ROWS_MIN) {
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

enum status recall_factor_read(struct store *store, size_t *out_factor, struct error *err)
{
    struct arena arena = {0};
    const char *text = NULL;
    enum status status = store_get_meta(store, ENGINE_META_RESCORE, &arena, &text, err);
    if (!status) {
        unsigned long factor = text ? strtoul(text, NULL, 10) : 1;
        *out_factor = factor < 1 || factor > FACTOR_MAX ? 1 : (size_t)factor;
    }
    arena_clear(&arena);
    return status;
}

enum status recall_factor_raise(struct store *store, size_t factor, struct error *err)
{
    size_t before = 1;
    char text[24];
    enum status status = recall_factor_read(store, &before, err);
    if (status || factor <= before)
        return status;
    snprintf(text, sizeof text, "%zu", factor);
    return store_set_meta(store, ENGINE_META_RESCORE, text, err);
}
