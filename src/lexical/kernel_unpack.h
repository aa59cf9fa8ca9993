/* lexical/kernel_unpack.h - unpacking of blocks in 128-bit vectors of the compiler, for the kernel
 * rows that have them: one loop for each width, unrolled. Private to lexical/. */
#ifndef RAGGED_LEXICAL_KERNEL_UNPACK_H
#define RAGGED_LEXICAL_KERNEL_UNPACK_H

#include <string.h>

#include "lexical/kernel.h"

typedef uint32_t lanes4 __attribute__((vector_size(16)));

static inline lanes4 lanes4_load(const void *from)
{
    lanes4 lanes;
    memcpy(&lanes, from, sizeof lanes);
    return lanes;
}

static inline __attribute__((always_inline)) void unpack_width(const unsigned char *in,
                                                               unsigned width, uint32_t *out)
{
    const uint32_t low = width < 32 ? ((uint32_t)1 << width) - 1 : UINT32_MAX;
    const lanes4 mask = {low, low, low, low}, one = {1, 1, 1, 1};
#pragma GCC unroll 32
    for (unsigned i = 0; i < 32; i++) {
        unsigned word = i * width / 32, shift = i * width % 32;
        lanes4 value = width ? lanes4_load(in + 16 * word) >> shift : one - one;
        if (shift + width > 32)
            value |= lanes4_load(in + 16 * (word + 1)) << ((32 - shift) % 32);
        value = (value & mask) + one;
        memcpy(out + 4 * i, &value, sizeof value);
    }
}

#define UNPACK_CASE(n)            \
    case n:                       \
        unpack_width(in, n, out); \
        break
#define UNPACK_CASES(n) \
    UNPACK_CASE(n);     \
    UNPACK_CASE(n + 1); \
    UNPACK_CASE(n + 2); \
    UNPACK_CASE(n + 3)

static inline void unpack_any(const unsigned char *in, unsigned width, uint32_t *out)
{
    switch (width) {
        UNPACK_CASES(0);
        UNPACK_CASES(4);
        UNPACK_CASES(8);
        UNPACK_CASES(12);
        UNPACK_CASES(16);
        UNPACK_CASES(20);
        UNPACK_CASES(24);
        UNPACK_CASES(28);
    default:
        unpack_width(in, 32, out);
    }
}

#undef UNPACK_CASES
#undef UNPACK_CASE

#endif
