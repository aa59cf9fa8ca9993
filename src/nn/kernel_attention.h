/* nn/kernel_attention.h - one head of attention, compiled once in each kernel_<cpu>_<precision>.c.
 * Two products: queries by keys, and, softened to probabilities, by values. Keys and values are
 * packed as panels for it, so that both run through the tiles of kernel_product.h. */
#ifndef RAGGED_NN_KERNEL_ATTENTION_H
#define RAGGED_NN_KERNEL_ATTENTION_H

#include "nn/kernel_product.h"

#ifdef NN_HAS_LANES

#define POWERS_OF_TWO 1.44269504f /* log2(e): exp(x) = 2^(x * log2(e)) */

/* The parts of struct attention's scratch; N is n rounded up to whole panels. */
struct attention_parts {
    element *keys;        /* [N / 16] panels of n_inner */
    element *values;      /* [n_inner / 16] panels of n */
    element *query;       /* [TILE_ROWS][n_inner] */
    element *probability; /* [TILE_ROWS][N] */
    float *scores;        /* [TILE_ROWS][N] */
    float *mixed;         /* [TILE_ROWS][n_inner] */
    float *key_scales;    /* [N] */
    float *value_scales;  /* [n_inner] */
    float *zeros;         /* [max(N, n_inner)], the bias of both products */
    size_t n_padded;
};

static void take_parts(const struct attention *a, struct attention_parts *out)
{
    size_t n_padded = kernel_round_up(a->n);
    float *at = a->scratch;
    struct {
        void *part;
        size_t n_floats;
    } cuts[] = {
        {&out->keys, n_padded * a->n_inner},
        {&out->values, n_padded * a->n_inner},
        {&out->query, TILE_ROWS * a->n_inner},
        {&out->probability, TILE_ROWS * n_padded},
        {&out->scores, TILE_ROWS * n_padded},
        {&out->mixed, TILE_ROWS * a->n_inner},
        {&out->key_scales, n_padded},
        {&out->value_scales, a->n_inner},
        {&out->zeros, size_max(n_padded, a->n_inner)},
    };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        memcpy(cuts[i].part, &at, sizeof at);
        at += cuts[i].n_floats;
    }
    out->n_padded = n_padded;
    memset(out->zeros, 0, size_max(n_padded, a->n_inner) * sizeof *out->zeros);
}

static void pack_keys(const struct attention *a, const struct attention_parts *p)
{
    float level = key_level(a->n_inner);
    for (size_t j = 0; j < p->n_padded; j++) {
        if (j < a->n) {
            p->key_scales[j] =
                convert_row(a->key + j * a->stride, a->n_inner, a->n_inner, level, p->query);
        } else {
            memset(p->query, 0, a->n_inner * sizeof *p->query);
            p->key_scales[j] = 0;
        }
        place_column(p->query, a->n_inner, j, p->keys);
    }
}

/* Values are columns over the keys: whole groups of them. */
INLINE size_t values_inner(const struct attention *a)
{
    return (a->n + ELEMENT_GROUP - 1) / ELEMENT_GROUP * ELEMENT_GROUP;
}

static void pack_values(const struct attention *a, const struct attention_parts *p)
{
    size_t n_inner = values_inner(a);
    for (size_t c = 0; c < a->n_inner; c += N_LANES) {
        const float *column = a->value + c;
        lanes max = lanes_all(0);
        for (size_t j = 0; j < a->n; j++)
            max = lanes_max(max, lanes_absolute(lanes_load(column + j * a->stride)));
        float largest[N_LANES];
        lanes_store(largest, max);
        for (size_t i = 0; i < N_LANES; i++)
            p->value_scales[c + i] = value_scale(largest[i]);
        element *to = p->values + c / KERNEL_PANEL * panel_elements(n_inner) +
                      c % KERNEL_PANEL * ELEMENT_GROUP;
        for (size_t j = 0; j < a->n; j += ELEMENT_GROUP) {
            const float *second =
                ELEMENT_GROUP == 2 && j + 1 < a->n ? column + (j + 1) * a->stride : NULL;
            store_value_group(column + j * a->stride, second, p->value_scales + c, to);
            to += KERNEL_PANEL * ELEMENT_GROUP;
        }
    }
}

static float largest_of(const float *x, size_t n)
{
    lanes max[2] = {lanes_all(-INFINITY), lanes_all(-INFINITY)};
    size_t i = 0;
    for (; i + 2 * N_LANES <= n; i += 2 * N_LANES) {
        max[0] = lanes_max(max[0], lanes_load(x + i));
        max[1] = lanes_max(max[1], lanes_load(x + i + N_LANES));
    }
    for (; i + N_LANES <= n; i += N_LANES)
        max[0] = lanes_max(max[0], lanes_load(x + i));
    float largest = lanes_largest(lanes_max(max[0], max[1]));
    for (; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* One row of scores to probabilities; returns what the mixed values are to be multiplied with. */
static float soften(float *scores, size_t n, float scale, element *out, size_t n_out)
{
    lanes sum = lanes_all(0), factor = lanes_all(scale);
    lanes max = lanes_all(largest_of(scores, n));
    size_t i;
    for (i = 0; i < n_out; i += N_LANES) {
        lanes e = exp2_negative((lanes_load(scores + i) - max) * factor);
        if (i + N_LANES > n)
            e = i < n ? lanes_keep_first(e, n - i) : lanes_all(0);
        lanes_store(scores + i, e);
        sum += e;
    }
    float total = lanes_sum(sum), level = probability_factor(total, n);
    for (i = 0; i < n_out; i += N_LANES)
        store_elements(out + i, lanes_load(scores + i) * lanes_all(level));
    return 1 / (total * level);
}

/* Queries first .. first + n_rows, TILE_ROWS at most. */
static void attend_rows(const struct attention *a, const struct attention_parts *p, size_t first,
                        size_t n_rows)
{
    float scales[TILE_ROWS];
    convert(&(struct rows){a->query + first * a->stride, a->stride, n_rows, a->n_inner}, a->n_inner,
            p->query, scales);
    multiply(&(struct product){.a = p->query,
                               .a_scales = scales,
                               .a_stride = a->n_inner,
                               .b = p->keys,
                               .b_scales = p->key_scales,
                               .bias = p->zeros,
                               .out = p->scores,
                               .out_stride = p->n_padded,
                               .n_rows = n_rows,
                               .n_columns = p->n_padded,
                               .n_inner = a->n_inner});
    for (size_t i = 0; i < n_rows; i++)
        scales[i] = soften(p->scores + i * p->n_padded, a->n, a->scale * POWERS_OF_TWO,
                           p->probability + i * p->n_padded, p->n_padded);
    multiply(&(struct product){.a = p->probability,
                               .a_scales = scales,
                               .a_stride = p->n_padded,
                               .b = p->values,
                               .b_scales = p->value_scales,
                               .bias = p->zeros,
                               .out = p->mixed,
                               .out_stride = a->n_inner,
                               .n_rows = n_rows,
                               .n_columns = a->n_inner,
                               .n_inner = values_inner(a)});
    for (size_t i = 0; i < n_rows; i++)
        memcpy(a->out + (first + i) * a->out_stride, p->mixed + i * a->n_inner,
               a->n_out * sizeof *a->out);
}

static void attend(const struct attention *a)
{
    struct attention_parts parts;
    take_parts(a, &parts);
    pack_keys(a, &parts);
    pack_values(a, &parts);
    size_t n_tiles = n_tiles_of(a->n);
    for (size_t t = 0; t < n_tiles; t++) {
        size_t first = a->n * t / n_tiles;
        attend_rows(a, &parts, first, a->n * (t + 1) / n_tiles - first);
    }
}

#endif
#endif
