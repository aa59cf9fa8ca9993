/* nn/kernel_lanes_avx512.h - see kernel_lanes.h. 24 sums, 2 vectors of columns, 1 row value. */
#ifndef RAGGED_NN_KERNEL_LANES_AVX512_H
#define RAGGED_NN_KERNEL_LANES_AVX512_H
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define NN_HAS_LANES
#define N_LANES ((size_t)16)
#define TILE_ROWS 12
#define TILE_PANELS ((size_t)2)

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lanes_int __attribute__((vector_size(64)));

static inline __mmask16 lanes_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline lanes lanes_all(float x)
{
    return (lanes)_mm512_set1_ps(x);
}

static inline lanes_int lanes_all_int(int32_t x)
{
    return (lanes_int)_mm512_set1_epi32(x);
}

static inline lanes lanes_load(const float *p)
{
    return (lanes)_mm512_loadu_ps(p);
}

static inline void lanes_store(float *p, lanes v)
{
    _mm512_storeu_ps(p, (__m512)v);
}

static inline lanes_int lanes_load_int(const int32_t *p)
{
    return (lanes_int)_mm512_loadu_si512(p);
}

static inline void lanes_store_int(int32_t *p, lanes_int v)
{
    _mm512_storeu_si512(p, (__m512i)v);
}

/* The first n lanes; n <= N_LANES, the others are zero or left alone. */
static inline lanes lanes_load_first(const float *p, size_t n)
{
    return (lanes)_mm512_maskz_loadu_ps(lanes_mask(n), p);
}

static inline void lanes_store_first(float *p, lanes v, size_t n)
{
    _mm512_mask_storeu_ps(p, lanes_mask(n), (__m512)v);
}

static inline lanes lanes_keep_first(lanes v, size_t n)
{
    return (lanes)_mm512_maskz_mov_ps(lanes_mask(n), (__m512)v);
}

/* Values must fit. */
static inline void lanes_store_int16(int16_t *p, lanes_int v)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16((__m512i)v));
}

/* Both vectors one after the other: half the instructions of two stores. */
static inline void lanes_store_int16_pair(int16_t *p, lanes_int first, lanes_int second)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i packed = _mm512_packs_epi32((__m512i)first, (__m512i)second);
    _mm512_storeu_si512(p, _mm512_permutexvar_epi64(order, packed));
}

/* a[0], b[0], a[1], ... */
static inline void lanes_interleave(lanes_int a, lanes_int b, lanes_int *out)
{
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    out[0] = (lanes_int)_mm512_permutex2var_epi32((__m512i)a, low, (__m512i)b);
    out[1] = (lanes_int)_mm512_permutex2var_epi32((__m512i)a, high, (__m512i)b);
}

static inline lanes lanes_add_product(lanes a, lanes b, lanes c)
{
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return (lanes)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return (lanes)_mm512_min_ps((__m512)a, (__m512)b);
}

static inline lanes_int lanes_round(lanes v)
{
    return (lanes_int)_mm512_cvtps_epi32((__m512)v);
}

static inline float lanes_sum(lanes v)
{
    return _mm512_reduce_add_ps((__m512)v);
}

static inline float lanes_largest(lanes v)
{
    return _mm512_reduce_max_ps((__m512)v);
}

#define HAS_LANES_EXP2
/* What x is above the whole number below it; y * 2^(that number). */
static inline lanes lanes_fraction(lanes x)
{
    return (lanes)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF);
}

static inline lanes lanes_scale(lanes y, lanes x)
{
    return (lanes)_mm512_scalef_ps((__m512)y, (__m512)x);
}

static inline void accumulate_fp32(lanes *sums, float row, const lanes *columns, size_t n)
{
    lanes value = lanes_all(row);
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__("vfmadd231ps %2, %1, %0" : "+v"(sums[i]) : "v"(value), "v"(columns[i]));
}

static inline void accumulate_bf16(lanes *sums, int32_t row, const lanes_int *columns, size_t n)
{
    lanes_int value = lanes_all_int(row);
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__("vdpbf16ps %2, %1, %0" : "+v"(sums[i]) : "v"(value), "v"(columns[i]));
}

static inline void accumulate_int16(lanes_int *sums, int32_t row, const lanes_int *columns,
                                    size_t n)
{
    lanes_int value = lanes_all_int(row);
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sums[i]) : "v"(value), "v"(columns[i]));
}

#endif
#endif
