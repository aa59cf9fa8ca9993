/* nn/kernel_attention.h - one head of attention, compiled once in each kernel_<cpu>_<precision>.c.
 * Two products: queries by keys, and, softened to probabilities, by values. Keys and values are
 * packed as panels for it, so that both run through the tiles of kernel_product.h. */
#ifndef RAGGED_NN_KERNEL_ATTENTION_H
#define RAGGED_NN_KERNEL_ATTENTION_H

#include "nn/kernel_product.h"

#ifdef NN_HAS_LANES

#define POWERS_OF_TWO 1.44269504f /* log2(e): exp(x) = 2^(x * log2(e)) */

static const float no_bias[KERNEL_INNER_MAX];

/* Where elements go in pairs, a key's partner is N_LANES further, so that vectors of probabilities
 * are paired as they come. */
#define SOFT_BLOCK (ELEMENT_GROUP * N_LANES)

/* The parts of struct attention's scratch. */
struct attention_parts {
    element *keys;       /* [n_columns / 16] panels of n_inner */
    element *values;     /* [n_inner / 16] panels of values_inner() */
    element *queries;    /* [n_columns][n_inner] */
    float *scores;       /* [TILE_ROWS][n_padded]; probabilities take their place, row by row */
    float *mixed;        /* [TILE_ROWS][n_inner] */
    float *value_scales; /* [n_inner] */
    size_t n_columns;    /* keys in whole panels, */
    size_t n_padded;     /* and in pairs of vectors as well */
    float score_scale;   /* of the products of queries and keys, for powers of two */
};

/* The rows of probabilities begin where those of scores do. */
#define ELEMENTS_OF_SCORE (sizeof(float) / sizeof(element))

static void take_parts(const struct attention *a, struct attention_parts *out)
{
    size_t n_columns = kernel_round_up(a->n);
    size_t n_padded = (n_columns + 2 * N_LANES - 1) / (2 * N_LANES) * (2 * N_LANES);
    float *at = a->scratch;
    struct {
        void *part;
        size_t n_floats;
    } cuts[] = {
        {&out->keys, n_columns * a->n_inner},    {&out->values, n_padded * a->n_inner},
        {&out->queries, n_columns * a->n_inner}, {&out->scores, TILE_ROWS * n_padded},
        {&out->mixed, TILE_ROWS * a->n_inner},   {&out->value_scales, a->n_inner},
    };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        memcpy(cuts[i].part, &at, sizeof at);
        at += cuts[i].n_floats;
    }
    out->n_columns = n_columns;
    out->n_padded = n_padded;
}

/* Of N_LANES columns. Four chains, as in largest_absolute(). */
static lanes largest_in_columns(const float *column, size_t stride, size_t n)
{
    lanes max[4] = {lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0)};
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++)
            max[k] = lanes_max(max[k], lanes_absolute(lanes_load(column + (i + k) * stride)));
    }
    for (; i < n; i++)
        max[0] = lanes_max(max[0], lanes_absolute(lanes_load(column + i * stride)));
    return lanes_max(lanes_max(max[0], max[1]), lanes_max(max[2], max[3]));
}

/* Of rows of whole panels. */
static float largest_in_rows(const struct rows *x)
{
    lanes max = lanes_all(0);
    for (size_t k = 0; k < x->n_columns; k += N_LANES)
        max = lanes_max(max, largest_in_columns(x->at + k, x->stride, x->n));
    return lanes_largest(max);
}

/* Rows of whole panels in one scale, which is returned. */
static float convert_rows(const struct rows *x, float level, element *out)
{
    float largest = largest_in_rows(x), scale = 1;
    for (size_t i = 0; i < x->n; i++)
        scale = convert_row(x->at + i * x->stride, x->n_columns, x->n_columns, level, largest,
                            out + i * x->n_columns);
    return scale;
}

/* Keys pass through the place of the queries on their way to panels. */
static void pack_queries_and_keys(const struct attention *a, struct attention_parts *p)
{
    struct rows rows = {a->key, a->stride, a->n, a->n_inner};
    float key_scale = convert_rows(&rows, key_level(a->n_inner), p->queries);
    memset(p->queries + a->n * a->n_inner, 0, (p->n_columns - a->n) * a->n_inner * sizeof(element));
    for (size_t first = 0; first < a->n; first += KERNEL_PANEL)
        place_panel(p->queries + first * a->n_inner, a->n_inner, p->keys + first * a->n_inner);
    rows.at = a->query;
    float query_scale = convert_rows(&rows, KERNEL_ROW_LEVEL, p->queries);
    p->score_scale = query_scale * key_scale * a->scale * POWERS_OF_TWO;
}

/* Values are columns over the keys: whole groups of them. */
INLINE size_t values_inner(const struct attention *a)
{
    size_t n_rest = a->n % SOFT_BLOCK;
    return a->n - n_rest + ELEMENT_GROUP * size_min(n_rest, N_LANES);
}

/* N_LANES columns from `column` on. */
static void pack_value_columns(const struct attention *a, const float *column, float *scales,
                               element *to)
{
    float largest[N_LANES];
    lanes_store(largest, largest_in_columns(column, a->stride, a->n));
    for (size_t i = 0; i < N_LANES; i++) {
        scales[i] = scale_of(largest[i], VALUE_LEVEL);
        largest[i] = scales[i] > 0 ? 1 / scales[i] : 0;
    }
    lanes factors = lanes_load(largest);
    for (size_t block = 0; block < a->n; block += SOFT_BLOCK) {
        for (size_t j = block; j < size_min(block + N_LANES, a->n); j++) {
            lanes group[ELEMENT_GROUP];
#pragma GCC unroll 2
            for (size_t g = 0; g < ELEMENT_GROUP; g++)
                group[g] = j + g * N_LANES < a->n
                               ? lanes_load(column + (j + g * N_LANES) * a->stride) * factors
                               : lanes_all(0);
            store_group(to, group);
            to += KERNEL_PANEL * ELEMENT_GROUP;
        }
    }
}

static void pack_values(const struct attention *a, const struct attention_parts *p)
{
    for (size_t c = 0; c < a->n_inner; c += N_LANES)
        pack_value_columns(a, a->value + c, p->value_scales + c,
                           p->values + c / KERNEL_PANEL * panel_elements(values_inner(a)) +
                               c % KERNEL_PANEL * ELEMENT_GROUP);
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

/* One row of scores, in place: 2^(score * scale + offset), zeros behind them; returns the sums by
 * lanes. */
INLINE lanes raise(float *scores, size_t n, float scale, float offset)
{
    lanes sum[2] = {lanes_all(0), lanes_all(0)};
    for (size_t i = 0; i < n; i += 2 * N_LANES) {
#pragma GCC unroll 2
        for (size_t g = 0; g < 2; g++) {
            size_t at = i + g * N_LANES;
            lanes x =
                lanes_add_product(lanes_load(scores + at), lanes_all(scale), lanes_all(offset));
            x = ELEMENT_GROUP == 1 ? exp2_exact(x) : exp2_rounded(x);
            if (at + N_LANES > n)
                x = at < n ? lanes_keep_first(x, n - at) : lanes_all(0);
            lanes_store(scores + at, x);
            sum[g] += x;
        }
    }
    return sum[0] + sum[1];
}

/* In place: what is stored takes no more than what was loaded. */
INLINE void store_probabilities(float *x, size_t n, float factor)
{
    element *out = (element *)(void *)x;
    for (size_t i = 0; i < n; i += SOFT_BLOCK) {
        lanes group[ELEMENT_GROUP];
#pragma GCC unroll 2
        for (size_t g = 0; g < ELEMENT_GROUP; g++)
            group[g] = lanes_load(x + i + g * N_LANES) * lanes_all(factor);
        store_group(out + i, group);
    }
}

/* What makes no power of two larger than 1, rounded as it is. */
static float offset_of(float largest)
{
    return -largest - fabsf(largest) * 1.2e-7f;
}

/* The scores of a tile to probabilities; out_scales[n_rows]: what their products with values are to
 * be multiplied with. Step by step, so that rows do not wait for each other: across lanes a maximum
 * or a sum takes as long as a few vectors do. */
static void soften(const struct attention_parts *p, size_t n_rows, size_t n, float *out_scales)
{
    size_t stride = p->n_padded;
    float scale = p->score_scale;
    float offsets[TILE_ROWS], factors[TILE_ROWS];
    lanes sums[TILE_ROWS];
    for (size_t i = 0; i < n_rows; i++)
        offsets[i] = offset_of(scale * largest_of(p->scores + i * stride, n));
    for (size_t i = 0; i < n_rows; i++)
        sums[i] = raise(p->scores + i * stride, n, scale, offsets[i]);
    for (size_t i = 0; i < n_rows; i++) {
        float sum = lanes_sum(sums[i]);
        factors[i] = probability_factor(sum, n);
        out_scales[i] = 1 / (sum * factors[i]);
    }
    for (size_t i = 0; i < n_rows; i++)
        store_probabilities(p->scores + i * stride, n, factors[i]);
}

/* Queries first .. first + n_rows, TILE_ROWS at most. */
static void attend_rows(const struct attention *a, const struct attention_parts *p, size_t first,
                        size_t n_rows)
{
    multiply(&(struct product){.a = p->queries + first * a->n_inner,
                               .a_stride = a->n_inner,
                               .b = p->keys,
                               .out = p->scores,
                               .out_stride = p->n_padded,
                               .n_rows = n_rows,
                               .n_columns = p->n_columns,
                               .n_inner = a->n_inner});
    float scales[TILE_ROWS];
    soften(p, n_rows, a->n, scales);
    bool is_whole = a->n_out == a->n_inner;
    float *out = a->out + first * a->out_stride;
    multiply(&(struct product){.a = p->scores,
                               .a_scales = scales,
                               .a_stride = p->n_padded * ELEMENTS_OF_SCORE,
                               .b = p->values,
                               .b_scales = p->value_scales,
                               .bias = no_bias,
                               .out = is_whole ? out : p->mixed,
                               .out_stride = is_whole ? a->out_stride : a->n_inner,
                               .n_rows = n_rows,
                               .n_columns = a->n_inner,
                               .n_inner = values_inner(a)});
    for (size_t i = 0; i < n_rows && !is_whole; i++)
        memcpy(out + i * a->out_stride, p->mixed + i * a->n_inner, a->n_out * sizeof *out);
}

static void attend(const struct attention *a)
{
    struct attention_parts parts;
    take_parts(a, &parts);
    pack_queries_and_keys(a, &parts);
    pack_values(a, &parts);
    size_t n_tiles = n_tiles_of(a->n);
    for (size_t t = 0; t < n_tiles; t++) {
        size_t first = a->n * t / n_tiles;
        attend_rows(a, &parts, first, a->n * (t + 1) / n_tiles - first);
    }
}

#endif
#endif
