#include <string.h>

#include "lexical/kernel.h"

extern const struct lexical_kernel lexical_kernel_scalar;

static bool runs_here(void)
{
    return true;
}

static uint32_t word_at(const unsigned char *in, size_t i)
{
    uint32_t word;
    memcpy(&word, in + 4 * i, sizeof word);
    return word;
}

uint32_t block_number(const unsigned char *in, unsigned width, size_t i)
{
    size_t bit = i / 4 * width, word = bit / 32 * 4 + i % 4, shift = bit % 32;
    uint64_t value = width ? word_at(in, word) : 0, mask = ((uint64_t)1 << width) - 1;
    if (shift + width > 32)
        value |= (uint64_t)word_at(in, word + 4) << 32;
    return (uint32_t)(value >> shift & mask) + 1;
}

static void unpack(const unsigned char *in, unsigned width, uint32_t *out)
{
    for (size_t i = 0; i < BLOCK_POSTINGS; i++)
        out[i] = block_number(in, width, i);
}

static void sum_up(uint32_t *io_gaps, uint32_t before)
{
    for (size_t i = 0; i < BLOCK_POSTINGS; i++)
        before = io_gaps[i] += before;
}

static void score(const uint32_t *rows, const uint32_t *tfs, size_t n, const uint16_t *lengths,
                  struct score_weights weights, int32_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = score_of(weights, tfs[i], lengths[rows[i]]);
}

static size_t sweep(int32_t *io_sums, size_t n, int32_t limit, uint32_t base, uint32_t *out_rows,
                    int32_t *out_sums)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n; i++)
        if (io_sums[i] > limit) {
            out_rows[n_found] = base + (uint32_t)i;
            out_sums[n_found++] = io_sums[i];
        }
    memset(io_sums, 0, n * sizeof *io_sums);
    return n_found;
}

const struct lexical_kernel lexical_kernel_scalar = {
    .name = "scalar",
    .runs_here = runs_here,
    .unpack = unpack,
    .sum_up = sum_up,
    .score = score,
    .sweep = sweep,
};

unsigned block_width(const uint32_t *numbers)
{
    uint32_t all = 0;
    for (size_t i = 0; i < BLOCK_POSTINGS; i++)
        all |= numbers[i];
    return all ? 32 - (unsigned)__builtin_clz(all) : 0;
}

void block_pack(const uint32_t *numbers, unsigned width, unsigned char *out)
{
    uint32_t words[4 * BLOCK_WIDTH_MAX] = {0};
    for (size_t i = 0; i < BLOCK_POSTINGS && width > 0; i++) {
        size_t bit = i / 4 * width, word = bit / 32 * 4 + i % 4, shift = bit % 32;
        words[word] |= numbers[i] << shift;
        if (shift + width > 32)
            words[word + 4] |= numbers[i] >> (32 - shift);
    }
    memcpy(out, words, (size_t)16 * width);
}
