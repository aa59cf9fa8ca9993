/* nn/kernel_element.h - what a kernel multiplies: floats, or, where KERNEL_INT16 or KERNEL_BF16 is
 * defined before, pairs of those (see kernel.h). All that differs between precisions is here. */
#ifndef RAGGED_NN_KERNEL_ELEMENT_H
#define RAGGED_NN_KERNEL_ELEMENT_H

#include "nn/kernel.h"
#include "nn/kernel_lanes.h"

#ifdef NN_HAS_LANES

#ifdef KERNEL_INT16

#define ELEMENT_GROUP 2
#define VALUE_LEVEL 16383.0f       /* of the values of attention, ... */
#define PROBABILITY_SUM 131071.0f  /* ... times at most this much of probabilities: below 2^31 */
#define PROBABILITY_LEVEL 32767.0f /* of one */

typedef int16_t element;
typedef lanes_int sum_lanes;
typedef lanes_int column_lanes;

INLINE column_lanes load_group(const element *p)
{
    return lanes_load_int((const int32_t *)(const void *)p);
}

INLINE void accumulate(sum_lanes *sums, const element *row, const column_lanes *columns, size_t n)
{
    int32_t pair;
    memcpy(&pair, row, sizeof pair);
    accumulate_int16(sums, pair, columns, n);
}

/* sums in their scales, and `addend`. */
INLINE lanes scaled(sum_lanes sums, float row_scale, const float *column_scales, lanes addend)
{
    return lanes_add_product(lanes_of_int(sums) * lanes_all(row_scale), lanes_load(column_scales),
                             addend);
}

/* Four chains: a maximum takes longer than a load. */
INLINE float largest_absolute(const float *x, size_t n)
{
    lanes max[4] = {lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0)};
    size_t i = 0;
    for (; i + 4 * N_LANES <= n; i += 4 * N_LANES) {
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++)
            max[k] = lanes_max(max[k], lanes_absolute(lanes_load(x + i + k * N_LANES)));
    }
    for (; i < n; i += N_LANES)
        max[0] = lanes_max(max[0], lanes_absolute(load_within(x, i, n)));
    return lanes_largest(lanes_max(lanes_max(max[0], max[1]), lanes_max(max[2], max[3])));
}

/* The scale: x = element * scale. n_inner is a multiple of KERNEL_PANEL, max the
 * largest_absolute().
 */
INLINE float convert_row(const float *x, size_t n, size_t n_inner, float level, float max,
                         element *out)
{
    lanes factor = lanes_all(max > 0 ? level / max : 0);
    size_t i = 0;
    for (; i + 2 * N_LANES <= n; i += 2 * N_LANES)
        lanes_store_int16_pair(out + i, lanes_round(lanes_load(x + i) * factor),
                               lanes_round(lanes_load(x + i + N_LANES) * factor));
    for (; i + N_LANES <= n; i += N_LANES)
        lanes_store_int16(out + i, lanes_round(lanes_load(x + i) * factor));
    if (i < n) {
        lanes_store_int16(out + i, lanes_round(lanes_load_first(x + i, n - i) * factor));
        i += N_LANES;
    }
    if (i < n_inner)
        memset(out + i, 0, (n_inner - i) * sizeof *out);
    return max / level;
}

static float column_level(const float *w, size_t n)
{
    float max = largest_absolute(w, n);
    lanes factor = lanes_all(max > 0 ? KERNEL_LEVEL_MAX / max : 0);
    lanes_int sum = lanes_all_int(0);
    for (size_t i = 0; i < n; i += N_LANES)
        sum += lanes_round(lanes_absolute(load_within(w, i, n)) * factor);
    int32_t sums[N_LANES];
    lanes_store_int(sums, sum);
    int64_t total = 0;
    for (size_t i = 0; i < N_LANES; i++)
        total += sums[i];
    return kernel_column_level(total, n);
}

/* Keys are columns for the queries: n * level * KERNEL_ROW_LEVEL < 2^31. */
static float key_level(size_t n_inner)
{
    float bound = 2147483000.0f / KERNEL_ROW_LEVEL / (float)n_inner;
    return bound < KERNEL_ROW_LEVEL ? (float)(int)bound : KERNEL_ROW_LEVEL;
}

/* What exp(x - max) is multiplied with before it becomes an element, for n of them. */
static float probability_factor(float sum, size_t n)
{
    float factor = (PROBABILITY_SUM - (float)n) / sum;
    return factor < PROBABILITY_LEVEL ? factor : PROBABILITY_LEVEL;
}

static float scale_of(float largest, float level)
{
    return largest / level;
}

INLINE lanes lanes_of_sum(sum_lanes sum)
{
    return lanes_of_int(sum);
}

/* Elements of the same place next to each other. */
INLINE void store_group(element *out, const lanes *group)
{
    lanes_int low = lanes_round(group[0]), high = lanes_round(group[1]);
    lanes_store_int((int32_t *)(void *)out, (low & 0xFFFF) | high << 16);
}

#else

#ifdef KERNEL_BF16

#define ELEMENT_GROUP 2

typedef uint16_t element;
typedef lanes sum_lanes;
typedef lanes_int column_lanes;

/* The upper halves of floats, rounded to the nearest, ties to even. */
INLINE lanes_int upper_halves(lanes v)
{
    lanes_int bits = lanes_bits(v);
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF;
}

INLINE column_lanes load_group(const element *p)
{
    return lanes_load_int((const int32_t *)(const void *)p);
}

INLINE void accumulate(sum_lanes *sums, const element *row, const column_lanes *columns, size_t n)
{
    int32_t pair;
    memcpy(&pair, row, sizeof pair);
    accumulate_bf16(sums, pair, columns, n);
}

INLINE void store_elements(element *out, lanes v)
{
    lanes_store_int16((int16_t *)out, upper_halves(v));
}

INLINE void store_group(element *out, const lanes *group)
{
    lanes_store_int((int32_t *)(void *)out, upper_halves(group[0]) | upper_halves(group[1]) << 16);
}

#else

#define ELEMENT_GROUP 1

typedef float element;
typedef lanes sum_lanes;
typedef lanes column_lanes;

INLINE column_lanes load_group(const element *p)
{
    return lanes_load(p);
}

INLINE void accumulate(sum_lanes *sums, const element *row, const column_lanes *columns, size_t n)
{
    accumulate_fp32(sums, *row, columns, n);
}

INLINE void store_elements(element *out, lanes v)
{
    lanes_store(out, v);
}

INLINE void store_group(element *out, const lanes *group)
{
    lanes_store(out, group[0]);
}

#endif

/* What floats of any width have in common: scales and levels of 1. */

#define VALUE_LEVEL 1.0f

INLINE lanes scaled(sum_lanes sums, float row_scale, const float *column_scales, lanes addend)
{
    (void)column_scales;
    return lanes_add_product(sums, lanes_all(row_scale), addend);
}

static float largest_absolute(const float *x, size_t n)
{
    (void)x;
    (void)n;
    return 0;
}

INLINE float convert_row(const float *x, size_t n, size_t n_inner, float level, float max,
                         element *out)
{
    (void)level;
    (void)max;
    for (size_t i = 0; i < n; i += N_LANES)
        store_elements(out + i, load_within(x, i, n));
    size_t n_stored = (n + N_LANES - 1) / N_LANES * N_LANES;
    memset(out + n_stored, 0, (n_inner - n_stored) * sizeof *out);
    return 1;
}

static float column_level(const float *w, size_t n)
{
    (void)w;
    (void)n;
    return 1;
}

static float key_level(size_t n_inner)
{
    (void)n_inner;
    return 1;
}

static float probability_factor(float sum, size_t n)
{
    (void)sum;
    (void)n;
    return 1;
}

static float scale_of(float largest, float level)
{
    (void)largest;
    (void)level;
    return 1;
}

INLINE lanes lanes_of_sum(sum_lanes sum)
{
    return sum;
}

#endif
#endif
#endif
