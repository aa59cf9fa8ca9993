/* vector/vector.h - unit vectors as fp16 rows and their exact cosine. Pure functions, any thread.
 */
#ifndef RAGGED_VECTOR_VECTOR_H
#define RAGGED_VECTOR_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* IEEE half precision, round to nearest even. */
void vector_to_fp16(const float *in, size_t dim, uint16_t *out);
void vector_from_fp16(const uint16_t *in, size_t dim, float *out);

/* query: [dim] floats; row: [dim] fp16, any alignment. Equal on every CPU up to rounding of sums.
 */
float vector_dot_fp16(const float *query, const void *row, size_t dim);
float vector_dot(const float *a, const float *b, size_t dim);

#endif
