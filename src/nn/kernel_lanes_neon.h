/* nn/kernel_lanes_neon.h - see kernel_lanes.h. 24 sums, 4 vectors of columns, 1 row value of the 32
 * registers. */
#ifndef RAGGED_NN_KERNEL_LANES_NEON_H
#define RAGGED_NN_KERNEL_LANES_NEON_H
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define NN_HAS_LANES
#define N_LANES ((size_t)4)
#define TILE_ROWS 6
#define TILE_PANELS ((size_t)1)

typedef float lanes __attribute__((vector_size(16)));
typedef int32_t lanes_int __attribute__((vector_size(16)));

static inline lanes lanes_all(float x)
{
    return (lanes)vdupq_n_f32(x);
}

static inline lanes_int lanes_all_int(int32_t x)
{
    return (lanes_int)vdupq_n_s32(x);
}

static inline lanes lanes_load(const float *p)
{
    return (lanes)vld1q_f32(p);
}

static inline void lanes_store(float *p, lanes v)
{
    vst1q_f32(p, (float32x4_t)v);
}

static inline lanes_int lanes_load_int(const int32_t *p)
{
    return (lanes_int)vld1q_s32(p);
}

static inline void lanes_store_int(int32_t *p, lanes_int v)
{
    vst1q_s32(p, (int32x4_t)v);
}

/* The first n lanes; n <= N_LANES, the others are zero or left alone. */
static inline lanes lanes_load_first(const float *p, size_t n)
{
    float values[4] = {0};
    for (size_t i = 0; i < n; i++)
        values[i] = p[i];
    return lanes_load(values);
}

static inline void lanes_store_first(float *p, lanes v, size_t n)
{
    float values[4];
    lanes_store(values, v);
    for (size_t i = 0; i < n; i++)
        p[i] = values[i];
}

static inline lanes lanes_keep_first(lanes v, size_t n)
{
    float values[4];
    lanes_store(values, v);
    return lanes_load_first(values, n);
}

/* Values must fit. */
static inline void lanes_store_int16(int16_t *p, lanes_int v)
{
    vst1_s16(p, vmovn_s32((int32x4_t)v));
}

static inline void lanes_store_int16_pair(int16_t *p, lanes_int first, lanes_int second)
{
    lanes_store_int16(p, first);
    lanes_store_int16(p + N_LANES, second);
}

/* a[0], b[0], a[1], ... */
static inline void lanes_interleave(lanes_int a, lanes_int b, lanes_int *out)
{
    out[0] = (lanes_int)vzip1q_s32((int32x4_t)a, (int32x4_t)b);
    out[1] = (lanes_int)vzip2q_s32((int32x4_t)a, (int32x4_t)b);
}

static inline lanes lanes_add_product(lanes a, lanes b, lanes c)
{
    return (lanes)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return (lanes)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return (lanes)vminq_f32((float32x4_t)a, (float32x4_t)b);
}

static inline lanes_int lanes_round(lanes v)
{
    return (lanes_int)vcvtnq_s32_f32((float32x4_t)v);
}

static inline float lanes_sum(lanes v)
{
    return vaddvq_f32((float32x4_t)v);
}

static inline float lanes_largest(lanes v)
{
    return vmaxvq_f32((float32x4_t)v);
}

static inline void accumulate_fp32(lanes *sums, float row, const lanes *columns, size_t n)
{
    lanes value = lanes_all(row);
#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++)
        __asm__("fmla %0.4s, %1.4s, %2.4s" : "+w"(sums[i]) : "w"(value), "w"(columns[i]));
}

static inline void accumulate_bf16(lanes *sums, int32_t row, const lanes_int *columns, size_t n)
{
    lanes_int value = lanes_all_int(row);
#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++)
        __asm__("bfdot %0.4s, %1.8h, %2.8h" : "+w"(sums[i]) : "w"(value), "w"(columns[i]));
}

/* No faster than floats here, but the same numbers as on other machines. */
static inline void accumulate_int16(lanes_int *sums, int32_t row, const lanes_int *columns,
                                    size_t n)
{
    int16x8_t value = vreinterpretq_s16_s32(vdupq_n_s32(row));
#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++) {
        int16x8_t pairs = (int16x8_t)columns[i];
        int32x4_t low = vmull_s16(vget_low_s16(pairs), vget_low_s16(value));
        int32x4_t high = vmull_high_s16(pairs, value);
        sums[i] += (lanes_int)vpaddq_s32(low, high);
    }
}

#endif
#endif
