#include "lexical/kernel.h"

extern const struct lexical_kernel lexical_kernel_avx2;

#ifdef __x86_64__

#include <immintrin.h>

#include "lexical/kernel_unpack.h"

static bool runs_here(void)
{
    return __builtin_cpu_supports("avx2");
}

static void unpack(const unsigned char *in, unsigned width, uint32_t *out)
{
    unpack_any(in, width, out);
}

static void sum_up(uint32_t *io_gaps, uint32_t before)
{
    __m256i carry = _mm256_set1_epi32((int)before);
    const __m256i last = _mm256_set1_epi32(7), third = _mm256_set1_epi32(3);
    const __m256i upper = _mm256_set_epi32(-1, -1, -1, -1, 0, 0, 0, 0);
    for (size_t i = 0; i < BLOCK_POSTINGS; i += 8) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(io_gaps + i));
        x = _mm256_add_epi32(x, _mm256_slli_si256(x, 4));
        x = _mm256_add_epi32(x, _mm256_slli_si256(x, 8));
        x = _mm256_add_epi32(x, _mm256_and_si256(_mm256_permutevar8x32_epi32(x, third), upper));
        __m256i total = _mm256_permutevar8x32_epi32(x, last);
        _mm256_storeu_si256((__m256i *)(void *)(io_gaps + i), _mm256_add_epi32(x, carry));
        carry = _mm256_add_epi32(carry, total);
    }
}

/* Eight loads take less time than one gather. */
static inline __m256i lengths_of(const uint32_t *rows, const uint16_t *lengths)
{
    return _mm256_cvtepu16_epi32(_mm_setr_epi16((short)lengths[rows[0]], (short)lengths[rows[1]],
                                                (short)lengths[rows[2]], (short)lengths[rows[3]],
                                                (short)lengths[rows[4]], (short)lengths[rows[5]],
                                                (short)lengths[rows[6]], (short)lengths[rows[7]]));
}

static void score(const uint32_t *rows, const uint32_t *tfs, size_t n, const uint16_t *lengths,
                  struct score_weights weights, int32_t *out)
{
    const __m256 factor = _mm256_set1_ps(weights.factor), base = _mm256_set1_ps(weights.base);
    const __m256 slope = _mm256_set1_ps(weights.slope);
    const __m256i one = _mm256_set1_epi32(1);
    for (size_t i = 0; i < n; i += 8) {
        __m256i length = lengths_of(rows + i, lengths);
        __m256 tf =
            _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)(tfs + i)));
        __m256 damping = _mm256_add_ps(base, _mm256_mul_ps(slope, _mm256_cvtepi32_ps(length)));
        __m256 fraction = _mm256_div_ps(_mm256_mul_ps(factor, tf), _mm256_add_ps(tf, damping));
        __m256i sum = _mm256_max_epi32(_mm256_cvtps_epi32(fraction), one);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), sum);
    }
}

static inline __m256i load_sums(const int32_t *sums)
{
    return _mm256_load_si256((const __m256i *)(const void *)sums);
}

static inline __m256i larger(const int32_t *sums)
{
    return _mm256_max_epi32(load_sums(sums), load_sums(sums + 8));
}

static inline uint32_t mask_above(__m256i sums, __m256i limit)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(sums, limit)));
}

static size_t sweep(int32_t *io_sums, size_t n, int32_t limit, uint32_t base, uint32_t *out_rows,
                    int32_t *out_sums)
{
    const __m256i above = _mm256_set1_epi32(limit), zero = _mm256_setzero_si256();
    size_t n_found = 0;
    for (size_t i = 0; i < n; i += 32) {
        int32_t *sums = io_sums + i;
        uint32_t found = 0;
        if (mask_above(_mm256_max_epi32(larger(sums), larger(sums + 16)), above))
            found = mask_above(load_sums(sums), above) |
                    mask_above(load_sums(sums + 8), above) << 8 |
                    mask_above(load_sums(sums + 16), above) << 16 |
                    mask_above(load_sums(sums + 24), above) << 24;
        for (; found; found &= found - 1) {
            size_t at = (size_t)__builtin_ctz(found);
            out_rows[n_found] = base + (uint32_t)(i + at);
            out_sums[n_found++] = sums[at];
        }
        for (size_t k = 0; k < 32; k += 8)
            _mm256_store_si256((__m256i *)(void *)(sums + k), zero);
    }
    return n_found;
}

const struct lexical_kernel lexical_kernel_avx2 = {
    .name = "avx2",
    .runs_here = runs_here,
    .unpack = unpack,
    .sum_up = sum_up,
    .score = score,
    .sweep = sweep,
};

#else

static bool runs_here(void)
{
    return false;
}

const struct lexical_kernel lexical_kernel_avx2 = {.name = "avx2", .runs_here = runs_here};

#endif
