/* vector/rotation.h - a random rotation that costs n log n; private to vector/.
 *
 * Four rounds of: random signs, a Walsh-Hadamard transform of the first (in even rounds) or last
 * (in odd ones) power of two of the values, and a butterfly of the two halves. It keeps lengths and
 * dots up to rounding, and has the same bits on every CPU. */
#ifndef RAGGED_VECTOR_ROTATION_H
#define RAGGED_VECTOR_ROTATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define ROTATION_ROUNDS ((size_t)4)

/* Immutable after init: any thread. */
struct rotation {
    size_t n;     /* a multiple of 16 */
    float *signs; /* [ROTATION_ROUNDS][n] of 1 and -1, owned */
};

enum status rotation_init(struct rotation *rotation, size_t n, uint64_t seed,
                          struct error *err) MUST_USE;
void rotation_clear(struct rotation *rotation); /* zeroed is fine */

/* values: [n], in place. */
void rotation_apply(const struct rotation *rotation, float *values);

#endif
