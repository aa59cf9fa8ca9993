/* nn/kernel_attention.h - one head of attention, compiled once in each kernel_<cpu>_<precision>.c.
 * Two products: queries by keys, and, softened to probabilities, by values. Keys and values are
 * packed as panels for it, so that both run through the tiles of kernel_product.h. */
#ifndef RAGGED_NN_KERNEL_ATTENTION_H
#define RAGGED_NN_KERNEL_ATTENTION_H

#include "nn/kernel_product.h"

#ifdef NN_HAS_LANES

/* The parts of struct attention's scratch; N is n rounded up to whole panels. */
struct attention_parts {
    element *keys;        /* [N / 16] panels of n_inner */
    element *values;      /* [n_inner / 16] panels of n */
    element *query;       /* [TILE_ROWS][n_inner] */
    element *probability; /* [TILE_ROWS][N] */
    float *scores;        /* [TILE_ROWS][N] */
    float *key_scales;    /* [N] */
    float *value_scales;  /* [n_inner] */
    size_t n_padded;
};

static void take_parts(const struct attention *a, struct attention_parts *out)
{
    size_t n_padded = kernel_round_up(a->n);
    float *at = a->scratch;
    out->n_padded = n_padded;
    out->keys = (element *)(void *)at;
    at += n_padded * a->n_inner;
    out->values = (element *)(void *)at;
    at += n_padded * a->n_inner;
    out->query = (element *)(void *)at;
    at += TILE_ROWS * a->n_inner;
    out->probability = (element *)(void *)at;
    at += TILE_ROWS * n_padded;
    out->scores = at;
    at += TILE_ROWS * n_padded;
    out->key_scales = at;
    at += n_padded;
    out->value_scales = at;
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
        place_column(p->query, a->n_inner / ELEMENT_GROUP, j, p->keys);
    }
}

static void pack_values(const struct attention *a, const struct attention_parts *p)
{
    size_t n_steps = (a->n + ELEMENT_GROUP - 1) / ELEMENT_GROUP;
    for (size_t c = 0; c < a->n_inner; c += N_LANES) {
        const float *column = a->value + c;
        lanes max = lanes_all(0);
        for (size_t j = 0; j < a->n; j++)
            max = lanes_max(max, lanes_absolute(lanes_load(column + j * a->stride)));
        float largest[N_LANES];
        lanes_store(largest, max);
        for (size_t i = 0; i < N_LANES; i++)
            p->value_scales[c + i] = value_scale(largest[i]);
        element *to = p->values + c / KERNEL_PANEL * panel_elements(n_steps) +
                      c % KERNEL_PANEL * ELEMENT_GROUP;
        for (size_t j = 0; j < a->n; j += ELEMENT_GROUP) {
            const float *second =
                ELEMENT_GROUP == 2 && j + 1 < a->n ? column + (j + 1) * a->stride : NULL;
            store_value_group(column + j * a->stride, second, p->value_scales + c, to);
            to += KERNEL_PANEL * ELEMENT_GROUP;
        }
    }
}

/* scores[i][j] = query * key, without the scale of the query. */
static void score_keys(const struct attention *a, const struct attention_parts *p, size_t n_rows)
{
    sum_value sums[TILE_SUMS] __attribute__((aligned(64)));
    struct tile tile = {
        .a = p->query, .a_stride = a->n_inner, .n_steps = a->n_inner / ELEMENT_GROUP};
    size_t n_panels = p->n_padded / KERNEL_PANEL, n;
    for (size_t panel = 0; panel < n_panels; panel += n) {
        n = panel + TILE_PANELS <= n_panels ? TILE_PANELS : 1;
        tile.b = p->keys + panel * panel_elements(tile.n_steps);
        sum_tile(n_rows, n, &tile, sums);
        size_t first = panel * KERNEL_PANEL, n_columns = n * KERNEL_PANEL;
        for (size_t i = 0; i < n_rows; i++) {
            for (size_t j = 0; j < n_columns; j += N_LANES)
                lanes_store(
                    p->scores + i * p->n_padded + first + j,
                    scaled(load_sums(sums + i * n_columns + j), 1, p->key_scales + first + j));
        }
    }
}

/* One row of scores to probabilities; returns what the mixed values are to be multiplied with. */
static float soften(float *scores, size_t n, float scale, element *out, size_t n_out)
{
    lanes max = lanes_all(-INFINITY), sum = lanes_all(0), factor = lanes_all(scale);
    size_t i = 0;
    for (; i + N_LANES <= n; i += N_LANES)
        max = lanes_max(max, lanes_load(scores + i));
    float largest = lanes_largest(max);
    for (; i < n; i++)
        largest = scores[i] > largest ? scores[i] : largest;
    max = lanes_all(largest);
    for (i = 0; i < n_out; i += N_LANES) {
        lanes e = exp2_negative((lanes_load(scores + i) - max) * factor);
        if (i + N_LANES > n)
            e = i < n ? lanes_keep_first(e, n - i) : lanes_all(0);
        lanes_store(scores + i, e);
        sum += e;
    }
    float total = lanes_sum(sum), level = probability_factor(total, n);
    for (i = 0; i < n_out; i += N_LANES)
        store_probabilities(out + i, lanes_load(scores + i) * lanes_all(level));
    return 1 / (total * level);
}

static void mix_values(const struct attention *a, const struct attention_parts *p, size_t first_row,
                       size_t n_rows, const float *factors)
{
    sum_value sums[TILE_SUMS] __attribute__((aligned(64)));
    struct tile tile = {.a = p->probability,
                        .a_stride = p->n_padded,
                        .n_steps = (a->n + ELEMENT_GROUP - 1) / ELEMENT_GROUP};
    size_t n_panels = a->n_inner / KERNEL_PANEL, n;
    for (size_t panel = 0; panel < n_panels; panel += n) {
        n = panel + TILE_PANELS <= n_panels ? TILE_PANELS : 1;
        tile.b = p->values + panel * panel_elements(tile.n_steps);
        sum_tile(n_rows, n, &tile, sums);
        size_t first = panel * KERNEL_PANEL, n_columns = n * KERNEL_PANEL;
        for (size_t i = 0; i < n_rows; i++) {
            float *out = a->out + (first_row + i) * a->out_stride + first;
            for (size_t j = 0; j < n_columns && first + j < a->n_out; j += N_LANES)
                lanes_store_first(out + j,
                                  scaled(load_sums(sums + i * n_columns + j), factors[i],
                                         p->value_scales + first + j),
                                  size_min(N_LANES, a->n_out - first - j));
        }
    }
}

static void attend(const struct attention *a)
{
    struct attention_parts parts;
    take_parts(a, &parts);
    pack_keys(a, &parts);
    pack_values(a, &parts);
    float scale = a->scale * 1.44269504f; /* powers of two, not of e */
    size_t n_tiles = n_tiles_of(a->n);
    for (size_t t = 0; t < n_tiles; t++) {
        size_t first = a->n * t / n_tiles, n_rows = a->n * (t + 1) / n_tiles - first;
        float scales[TILE_ROWS], factors[TILE_ROWS];
        convert(&(struct rows){a->query + first * a->stride, a->stride, n_rows, a->n_inner},
                a->n_inner, parts.query, scales);
        score_keys(a, &parts, n_rows);
        for (size_t i = 0; i < n_rows; i++)
            factors[i] = soften(parts.scores + i * parts.n_padded, a->n, scale * scales[i],
                                parts.probability + i * parts.n_padded, parts.n_padded);
        mix_values(a, &parts, first, n_rows, factors);
    }
}

#endif
#endif
