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

/* Lane i of the 32 is lane i % 8 of sums[i / 8]. */
static float sum_32_lanes(const __m256 sums[4])
{
    __m256 v = _mm256_add_ps(_mm256_add_ps(sums[0], sums[2]), _mm256_add_ps(sums[1], sums[3]));
    return sum_lanes(v);
}

static void add_products(__m256 sums[4], const float *query, const unsigned char *row)
{
    for (size_t i = 0; i < 4; i++) {
        __m256 product = _mm256_mul_ps(_mm256_loadu_ps(query + 8 * i), load_fp16(row + 16 * i));
        sums[i] = _mm256_add_ps(sums[i], product);
    }
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    const unsigned char *bytes = row;
    __m256 zero = _mm256_setzero_ps(), sums[4] = {zero, zero, zero, zero};
    size_t i = 0;
    for (; i + VECTOR_LANES <= dim; i += VECTOR_LANES)
        add_products(sums, query + i, bytes + 2 * i);
    if (i < dim) {
        float rest[VECTOR_LANES] = {0};
        unsigned char rest_row[2 * VECTOR_LANES] = {0};
        memcpy(rest, query + i, (dim - i) * sizeof *rest);
        memcpy(rest_row, bytes + 2 * i, 2 * (dim - i));
        add_products(sums, rest, rest_row);
    }
    return sum_32_lanes(sums);
}

static void from_fp16(const void *row, size_t dim, float *out)
{
    const unsigned char *bytes = row;
    size_t i = 0;
    for (; i + 8 <= dim; i += 8)
        _mm256_storeu_ps(out + i, load_fp16(bytes + 2 * i));
    vector_kernel_scalar.from_fp16(bytes + 2 * i, dim - i, out + i);
}

#define PREFETCH_BYTES 2048

/* 16 sums of 16 bits. Bytes are added up as pairs, with what they carry into each other; the upper
 * one is also kept alone and taken away at the end. */
struct sums {
    __m256i pair, upper;
};

static void sums_add(struct sums *sums, __m256i bytes)
{
    sums->pair = _mm256_add_epi16(sums->pair, bytes);
    sums->upper = _mm256_add_epi16(sums->upper, _mm256_srli_epi16(bytes, 8));
}

static __m256i load_256(const unsigned char *at)
{
    return _mm256_loadu_si256((const __m256i_u *)at);
}

/* Rows 16 * n to 16 * n + 15, as 16-bit numbers in order, for the 32 rows that were added. */
static void sums_in_order(const struct sums *sums, __m256i out[2])
{
    __m256i even = _mm256_sub_epi16(sums->pair, _mm256_slli_epi16(sums->upper, 8));
    __m256i low = _mm256_unpacklo_epi16(even, sums->upper);
    __m256i high = _mm256_unpackhi_epi16(even, sums->upper);
    out[0] = _mm256_permute2x128_si256(low, high, 0x20);
    out[1] = _mm256_permute2x128_si256(low, high, 0x31);
}

static uint64_t estimate_8(const struct vector_scan *scan, __m128i sums,
                           const unsigned char *factors, __m256 threshold, float *out)
{
    __m256 sum = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(sums));
    __m256 scaled = _mm256_mul_ps(_mm256_set1_ps(scan->step), sum);
    __m256 product = _mm256_add_ps(scaled, _mm256_set1_ps(scan->offset));
    __m256 estimate = _mm256_mul_ps(_mm256_castsi256_ps(load_256(factors)), product);
    _mm256_store_ps(out, estimate);
    return (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_cmp_ps(estimate, threshold, _CMP_GT_OQ));
}

static uint64_t scan_block(const struct vector_scan *scan, const unsigned char *block,
                           float threshold, float *out)
{
    const __m256i mask = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    struct sums low = {zero, zero}, high = {zero, zero};
    for (size_t group = 0; group < scan->n_groups; group += 4) {
        const unsigned char *codes = block + VECTOR_GROUP_BYTES * group;
        const unsigned char *tables = scan->tables + 32 * group;
        __m256i low_bytes = zero, high_bytes = zero;
        _mm_prefetch((const char *)codes + PREFETCH_BYTES, _MM_HINT_T0);
        _mm_prefetch((const char *)codes + PREFETCH_BYTES + 64, _MM_HINT_T0);
        for (size_t i = 0; i < 4; i++) {
            __m256i code = load_256(codes + 32 * i), table = load_256(tables + 32 * i);
            __m256i code_high = _mm256_and_si256(_mm256_srli_epi16(code, 4), mask);
            low_bytes = _mm256_add_epi8(low_bytes,
                                        _mm256_shuffle_epi8(table, _mm256_and_si256(code, mask)));
            high_bytes = _mm256_add_epi8(high_bytes, _mm256_shuffle_epi8(table, code_high));
        }
        sums_add(&low, low_bytes);
        sums_add(&high, high_bytes);
    }
    __m256i sums[4];
    sums_in_order(&low, sums);
    sums_in_order(&high, sums + 2);
    const unsigned char *factors = block + VECTOR_GROUP_BYTES * scan->n_groups;
    __m256 limit = _mm256_set1_ps(threshold);
    uint64_t above = 0;
    for (size_t i = 0; i < 4; i++) {
        __m128i half[2] = {_mm256_castsi256_si128(sums[i]), _mm256_extracti128_si256(sums[i], 1)};
        for (size_t j = 0; j < 2; j++) {
            size_t row = 16 * i + 8 * j;
            above |= estimate_8(scan, half[j], factors + 4 * row, limit, out + row) << row;
        }
    }
    return above;
}

const struct vector_kernel vector_kernel_avx2 = {
    .name = "avx2",
    .runs_here = runs_here,
    .dot = dot,
    .dot_fp16 = dot_fp16,
    .from_fp16 = from_fp16,
    .scan_block = scan_block,
};

#else

const struct vector_kernel vector_kernel_avx2 = {.name = "avx2", .runs_here = vector_runs_nowhere};

#endif
