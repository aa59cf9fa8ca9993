/* nn/kernel_lanes_avx2.h - see kernel_lanes.h. 12 sums, 2 vectors of columns, 1 row value and 1
 * intermediate product: the 16 registers. */
#ifndef RAGGED_NN_KERNEL_LANES_AVX2_H
#define RAGGED_NN_KERNEL_LANES_AVX2_H
#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define NN_HAS_LANES
#define N_LANES ((size_t)8)
#define TILE_ROWS 6
#define TILE_PANELS ((size_t)1)

typedef float lanes __attribute__((vector_size(32)));
typedef int32_t lanes_int __attribute__((vector_size(32)));

static inline __m256i lanes_mask(size_t n)
{
    static const int32_t edge[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(const void *)(edge + N_LANES - n));
}

static inline lanes lanes_all(float x)
{
    return (lanes)_mm256_set1_ps(x);
}

static inline lanes_int lanes_all_int(int32_t x)
{
    return (lanes_int)_mm256_set1_epi32(x);
}

static inline lanes lanes_load(const float *p)
{
    return (lanes)_mm256_loadu_ps(p);
}

static inline void lanes_store(float *p, lanes v)
{
    _mm256_storeu_ps(p, (__m256)v);
}

static inline lanes_int lanes_load_int(const int32_t *p)
{
    return (lanes_int)_mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline void lanes_store_int(int32_t *p, lanes_int v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, (__m256i)v);
}

/* The first n lanes; n <= N_LANES, the others are zero or left alone. */
static inline lanes lanes_load_first(const float *p, size_t n)
{
    return (lanes)_mm256_maskload_ps(p, lanes_mask(n));
}

static inline void lanes_store_first(float *p, lanes v, size_t n)
{
    _mm256_maskstore_ps(p, lanes_mask(n), (__m256)v);
}

static inline lanes lanes_keep_first(lanes v, size_t n)
{
    return (lanes)_mm256_and_ps((__m256)v, _mm256_castsi256_ps(lanes_mask(n)));
}

/* Values must fit. */
static inline void lanes_store_int16(int16_t *p, lanes_int v)
{
    __m128i low = _mm256_castsi256_si128((__m256i)v);
    __m128i high = _mm256_extracti128_si256((__m256i)v, 1);
    _mm_storeu_si128((__m128i *)(void *)p, _mm_packs_epi32(low, high));
}

/* Both vectors one after the other: half the instructions of two stores. */
static inline void lanes_store_int16_pair(int16_t *p, lanes_int first, lanes_int second)
{
    __m256i packed = _mm256_packs_epi32((__m256i)first, (__m256i)second);
    _mm256_storeu_si256((__m256i *)(void *)p, _mm256_permute4x64_epi64(packed, 0xD8));
}

/* a[0], b[0], a[1], ... */
static inline void lanes_interleave(lanes_int a, lanes_int b, lanes_int *out)
{
    __m256i low = _mm256_unpacklo_epi32((__m256i)a, (__m256i)b);
    __m256i high = _mm256_unpackhi_epi32((__m256i)a, (__m256i)b);
    out[0] = (lanes_int)_mm256_permute2x128_si256(low, high, 0x20);
    out[1] = (lanes_int)_mm256_permute2x128_si256(low, high, 0x31);
}

static inline lanes lanes_add_product(lanes a, lanes b, lanes c)
{
    return (lanes)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return (lanes)_mm256_max_ps((__m256)a, (__m256)b);
}

static inline lanes lanes_min(lanes a, lanes b)
{
    return (lanes)_mm256_min_ps((__m256)a, (__m256)b);
}

static inline lanes_int lanes_round(lanes v)
{
    return (lanes_int)_mm256_cvtps_epi32((__m256)v);
}

static inline float lanes_sum(lanes v)
{
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

static inline float lanes_largest(lanes v)
{
    __m128 max = _mm_max_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    max = _mm_max_ps(max, _mm_movehl_ps(max, max));
    return _mm_cvtss_f32(_mm_max_ss(max, _mm_movehdup_ps(max)));
}

static inline void accumulate_fp32(lanes *sums, float row, const lanes *columns, size_t n)
{
    lanes value = lanes_all(row);
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__("vfmadd231ps %2, %1, %0" : "+x"(sums[i]) : "x"(value), "x"(columns[i]));
}

#ifdef __AVXVNNI__
static inline void accumulate_int16(lanes_int *sums, int32_t row, const lanes_int *columns,
                                    size_t n)
{
    lanes_int value = lanes_all_int(row);
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sums[i]) : "x"(value), "x"(columns[i]));
}
#else
/* Two products, then two sums, and volatile so that they stay in this order: a third faster. */
static inline void accumulate_int16(lanes_int *sums, int32_t row, const lanes_int *columns,
                                    size_t n)
{
    lanes_int value = lanes_all_int(row), products[2];
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("vpmaddwd %2, %1, %0" : "=x"(products[i]) : "x"(value), "x"(columns[i]));
#pragma GCC unroll 2
    for (size_t i = 0; i < n; i++)
        __asm__ volatile("vpaddd %1, %0, %0" : "+x"(sums[i]) : "x"(products[i]));
}
#endif

#endif
#endif
