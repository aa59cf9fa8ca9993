#include "lexical/kernel.h"

extern const struct lexical_kernel lexical_kernel_avx512;

#ifdef __x86_64__

#include <immintrin.h>

#include "lexical/kernel_unpack.h"

static bool runs_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

static void unpack(const unsigned char *in, unsigned width, uint32_t *out)
{
    unpack_any(in, width, out);
}

static void sum_up(uint32_t *io_gaps, uint32_t before)
{
    __m512i carry = _mm512_set1_epi32((int)before);
    const __m512i last = _mm512_set1_epi32(15), zero = _mm512_setzero_si512();
    for (size_t i = 0; i < BLOCK_POSTINGS; i += 16) {
        __m512i x = _mm512_loadu_si512(io_gaps + i);
        x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 15));
        x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 14));
        x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 12));
        x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 8));
        _mm512_storeu_si512(io_gaps + i, _mm512_add_epi32(x, carry));
        carry = _mm512_add_epi32(carry, _mm512_permutexvar_epi32(last, x));
    }
}

static inline __m512i lengths_of(__m512i rows, const uint16_t *lengths)
{
    __m512i pairs = _mm512_i32gather_epi32(rows, lengths, sizeof *lengths);
    return _mm512_and_si512(pairs, _mm512_set1_epi32(UINT16_MAX));
}

static void score(const uint32_t *rows, const uint32_t *tfs, size_t n, const uint16_t *lengths,
                  struct score_weights weights, int32_t *out)
{
    const __m512 factor = _mm512_set1_ps(weights.factor), base = _mm512_set1_ps(weights.base);
    const __m512 slope = _mm512_set1_ps(weights.slope);
    const __m512i one = _mm512_set1_epi32(1);
    for (size_t i = 0; i < n; i += 16) {
        __m512 length = _mm512_cvtepi32_ps(lengths_of(_mm512_loadu_si512(rows + i), lengths));
        __m512 tf = _mm512_cvtepi32_ps(_mm512_loadu_si512(tfs + i));
        __m512 damping = _mm512_add_ps(base, _mm512_mul_ps(slope, length));
        __m512 fraction = _mm512_div_ps(_mm512_mul_ps(factor, tf), _mm512_add_ps(tf, damping));
        _mm512_storeu_si512(out + i, _mm512_max_epi32(_mm512_cvtps_epi32(fraction), one));
    }
}

static inline __m512i larger(const int32_t *sums)
{
    return _mm512_max_epi32(_mm512_load_si512(sums), _mm512_load_si512(sums + 16));
}

static inline uint64_t mask_above(const int32_t *sums, __m512i limit)
{
    return _mm512_cmpgt_epi32_mask(_mm512_load_si512(sums), limit);
}

static size_t sweep(int32_t *io_sums, size_t n, int32_t limit, uint32_t base, uint32_t *out_rows,
                    int32_t *out_sums)
{
    const __m512i above = _mm512_set1_epi32(limit), zero = _mm512_setzero_si512();
    size_t n_found = 0;
    for (size_t i = 0; i < n; i += 64) {
        int32_t *sums = io_sums + i;
        __m512i largest = _mm512_max_epi32(larger(sums), larger(sums + 32));
        uint64_t found = 0;
        if (_mm512_cmpgt_epi32_mask(largest, above))
            found = mask_above(sums, above) | mask_above(sums + 16, above) << 16 |
                    mask_above(sums + 32, above) << 32 | mask_above(sums + 48, above) << 48;
        for (; found; found &= found - 1) {
            size_t at = (size_t)__builtin_ctzll(found);
            out_rows[n_found] = base + (uint32_t)(i + at);
            out_sums[n_found++] = sums[at];
        }
        for (size_t k = 0; k < 64; k += 16)
            _mm512_store_si512(sums + k, zero);
    }
    return n_found;
}

const struct lexical_kernel lexical_kernel_avx512 = {
    .name = "avx512",
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

const struct lexical_kernel lexical_kernel_avx512 = {.name = "avx512", .runs_here = runs_here};

#endif
