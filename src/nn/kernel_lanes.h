/* nn/kernel_lanes.h - the vectors of the instruction set that a kernel file is compiled for: one
 * set of names, so that everything above the registers is written once. NN_HAS_LANES is defined
 * when there is such a set.
 *
 *   lanes, lanes_int     N_LANES floats or int32; +, -, *, / are those of the compiler
 *   TILE_ROWS            rows of a product that are summed in registers at a time,
 *   TILE_PANELS          and panels of 16 columns
 *   HAS_LANES_EXP2       where lanes_fraction() and lanes_scale() are instructions
 *   accumulate_*         one step of such a sum, in assembly: compilers spill or reorder it */
#ifndef RAGGED_NN_KERNEL_LANES_H
#define RAGGED_NN_KERNEL_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#include "nn/kernel_lanes_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "nn/kernel_lanes_avx2.h"
#elif defined(__aarch64__)
#include "nn/kernel_lanes_neon.h"
#endif

#ifdef NN_HAS_LANES

#define PANEL_VECTORS (KERNEL_PANEL / N_LANES)
#define TILE_VECTORS (TILE_PANELS * PANEL_VECTORS)

INLINE lanes lanes_of_int(lanes_int v)
{
    return __builtin_convertvector(v, lanes);
}

INLINE lanes_int lanes_bits(lanes v)
{
    return (lanes_int)v;
}

INLINE lanes lanes_absolute(lanes v)
{
    return (lanes)(lanes_bits(v) & 0x7FFFFFFF);
}

/* The vector at x[at..], zero from x[n] on. */
INLINE lanes load_within(const float *x, size_t at, size_t n)
{
    return at + N_LANES <= n ? lanes_load(x + at) : lanes_load_first(x + at, n - at);
}

#endif
#endif
