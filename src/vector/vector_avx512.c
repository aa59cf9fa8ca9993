/* Compiled with AVX-512 F, BW and VL; nothing here runs before runs_here() said yes. */
#include "vector/vector_kernel.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>
#include <string.h>

static int runs_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
}

static __m512 load_fp16(const unsigned char *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)at));
}

/* Lane i of the 32 is lane i % 16 of sums[i / 16]. */
static float sum_32_lanes(const __m512 sums[2])
{
    __m512 v = _mm512_add_ps(sums[0], sums[1]);
    __m512 v8 = _mm512_add_ps(v, _mm512_shuffle_f32x4(v, v, 0x0E));
    __m128 s = _mm_add_ps(_mm512_castps512_ps128(v8), _mm512_extractf32x4_ps(v8, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static void add_products(__m512 sums[2], const float *query, const unsigned char *row)
{
    for (size_t i = 0; i < 2; i++) {
        __m512 product = _mm512_mul_ps(_mm512_loadu_ps(query + 16 * i), load_fp16(row + 32 * i));
        sums[i] = _mm512_add_ps(sums[i], product);
    }
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    const unsigned char *bytes = row;
    __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
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

#define PREFETCH_BYTES 2048

/* 32 sums of 16 bits, of two halves of the groups; as in vector_avx2.c. */
struct sums {
    __m512i pair, upper;
};

static void sums_add(struct sums *sums, __m512i bytes)
{
    sums->pair = _mm512_add_epi16(sums->pair, bytes);
    sums->upper = _mm512_add_epi16(sums->upper, _mm512_srli_epi16(bytes, 8));
}

static __m256i add_halves(__m512i v)
{
    return _mm256_add_epi16(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

static void sums_in_order(const struct sums *sums, __m256i out[2])
{
    __m256i upper = add_halves(sums->upper);
    __m256i even = _mm256_sub_epi16(add_halves(sums->pair), _mm256_slli_epi16(upper, 8));
    __m256i low = _mm256_unpacklo_epi16(even, upper), high = _mm256_unpackhi_epi16(even, upper);
    out[0] = _mm256_permute2x128_si256(low, high, 0x20);
    out[1] = _mm256_permute2x128_si256(low, high, 0x31);
}

/* Two groups. */
static void add_looked_up(const unsigned char *codes, const unsigned char *tables, __m512i *low,
                          __m512i *high)
{
    const __m512i mask = _mm512_set1_epi8(15);
    __m512i code = _mm512_loadu_si512(codes), table = _mm512_loadu_si512(tables);
    __m512i code_high = _mm512_and_si512(_mm512_srli_epi16(code, 4), mask);
    *low = _mm512_add_epi8(*low, _mm512_shuffle_epi8(table, _mm512_and_si512(code, mask)));
    *high = _mm512_add_epi8(*high, _mm512_shuffle_epi8(table, code_high));
}

static uint64_t estimate_16(const struct vector_scan *scan, __m256i sums,
                            const unsigned char *factors, __m512 threshold, float *out)
{
    __m512 sum = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sums));
    __m512 scaled = _mm512_mul_ps(_mm512_set1_ps(scan->step), sum);
    __m512 product = _mm512_add_ps(scaled, _mm512_set1_ps(scan->offset));
    __m512 estimate = _mm512_mul_ps(_mm512_loadu_ps(factors), product);
    _mm512_store_ps(out, estimate);
    return _mm512_cmp_ps_mask(estimate, threshold, _CMP_GT_OQ);
}

/* Eight groups are four look-ups a half; the last four are two. */
static uint64_t scan_block(const struct vector_scan *scan, const unsigned char *block,
                           float threshold, float *out)
{
    const __m512i zero = _mm512_setzero_si512();
    struct sums low = {zero, zero}, high = {zero, zero};
    size_t group = 0;
    for (; group + 8 <= scan->n_groups; group += 8) {
        __m512i low_bytes = zero, high_bytes = zero;
        for (size_t i = 0; i < 4; i++) {
            const unsigned char *codes = block + 32 * group + 64 * i;
            _mm_prefetch((const char *)codes + PREFETCH_BYTES, _MM_HINT_T0);
            add_looked_up(codes, scan->tables + 32 * group + 64 * i, &low_bytes, &high_bytes);
        }
        sums_add(&low, low_bytes);
        sums_add(&high, high_bytes);
    }
    if (group < scan->n_groups) {
        __m512i low_bytes = zero, high_bytes = zero;
        for (size_t i = 0; i < 2; i++)
            add_looked_up(block + 32 * group + 64 * i, scan->tables + 32 * group + 64 * i,
                          &low_bytes, &high_bytes);
        sums_add(&low, low_bytes);
        sums_add(&high, high_bytes);
    }
    __m256i sums[4];
    sums_in_order(&low, sums);
    sums_in_order(&high, sums + 2);
    const unsigned char *factors = block + VECTOR_GROUP_BYTES * scan->n_groups;
    __m512 limit = _mm512_set1_ps(threshold);
    uint64_t above = 0;
    for (size_t i = 0; i < 4; i++)
        above |= estimate_16(scan, sums[i], factors + 64 * i, limit, out + 16 * i) << 16 * i;
    return above;
}

/* For a single pair of floats there is nothing to gain over AVX2. */
static float dot(const float *a, const float *b, size_t dim)
{
    return vector_kernel_avx2.dot(a, b, dim);
}

static void from_fp16(const void *row, size_t dim, float *out)
{
    vector_kernel_avx2.from_fp16(row, dim, out);
}

const struct vector_kernel vector_kernel_avx512 = {
    .name = "avx512",
    .runs_here = runs_here,
    .dot = dot,
    .dot_fp16 = dot_fp16,
    .from_fp16 = from_fp16,
    .scan_block = scan_block,
};

#else

const struct vector_kernel vector_kernel_avx512 = {.name = "avx512",
                                                   .runs_here = vector_runs_nowhere};

#endif
