/* base/bitmap.h - a set of small numbers, one bit each, in 64-bit words. Any thread may read one
 * that nobody changes. */
#ifndef RAGGED_BASE_BITMAP_H
#define RAGGED_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bitmap_n_words(size_t n_bits)
{
    return n_bits / 64 + (n_bits % 64 != 0);
}

static inline bool bitmap_has(const uint64_t *words, size_t i)
{
    return words[i / 64] >> (i % 64) & 1;
}

static inline void bitmap_add(uint64_t *words, size_t i)
{
    words[i / 64] |= (uint64_t)1 << (i % 64);
}

/* Adds or removes [first, end). */
static inline void bitmap_set_range(uint64_t *words, size_t first, size_t end, bool value)
{
    while (first < end) {
        size_t i = first / 64, n = 64 - first % 64;
        if (n > end - first)
            n = end - first;
        uint64_t mask = (n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1) << (first % 64);
        words[i] = value ? words[i] | mask : words[i] & ~mask;
        first += n;
    }
}

static inline size_t bitmap_count(const uint64_t *words, size_t n_words)
{
    size_t n = 0;
    for (size_t i = 0; i < n_words; i++)
        n += (size_t)__builtin_popcountll(words[i]);
    return n;
}

#endif
