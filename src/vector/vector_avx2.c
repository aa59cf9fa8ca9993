/* Compiled with AVX2, FMA and F16C; nothing here runs before runs_here() said yes. */
#include "vector/vector_kernel.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>
#include <string.h>

#include "vector/vector.h"

static int runs_here(void)
{
    /* Every CPU with AVX2 has F16C; clang's builtin does not know that name. */
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static float sum_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static float dot(const float *a, const float *b, size_t dim)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0;
    size_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
    }
    float sum = sum_lanes(_mm256_add_ps(s0, s1));
    for (; i < dim; i++)
        sum += a[i] * b[i];
    return sum;
}

static __m256 load_fp16(const unsigned char *at)
{
    __m128i half;
    memcpy(&half, at, sizeof half);
    return _mm256_cvtph_ps(half);
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    const unsigned char *bytes = row;
    __m256 s0 = _mm256_setzero_ps(), s1 = s0;
    size_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), load_fp16(bytes + 2 * i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 8), load_fp16(bytes + 2 * i + 16), s1);
    }
    float sum = sum_lanes(_mm256_add_ps(s0, s1));
    if (i < dim)
        sum += vector_kernel_scalar.dot_fp16(query + i, bytes + 2 * i, dim - i);
    return sum;
}

#else

static int runs_here(void)
{
    return 0;
}

static float dot(const float *a, const float *b, size_t dim)
{
    return vector_kernel_scalar.dot(a, b, dim);
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    return vector_kernel_scalar.dot_fp16(query, row, dim);
}

#endif

const struct vector_kernel vector_kernel_avx2 = {
    .name = "avx2",
    .runs_here = runs_here,
    .dot = dot,
    .dot_fp16 = dot_fp16,
};
