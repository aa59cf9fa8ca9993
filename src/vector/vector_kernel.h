/* vector/vector_kernel.h - rows of the dot-product kernels, private to vector/. */
#ifndef RAGGED_VECTOR_VECTOR_KERNEL_H
#define RAGGED_VECTOR_VECTOR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

struct vector_kernel {
    const char *name;
    int (*runs_here)(void);
    float (*dot)(const float *a, const float *b, size_t dim);
    float (*dot_fp16)(const float *query, const void *row, size_t dim);
};

extern const struct vector_kernel vector_kernel_scalar; /* the oracle */
extern const struct vector_kernel vector_kernel_avx2;

/* Best first; ends with the scalar row. */
extern const struct vector_kernel *const vector_kernels[];
extern const size_t vector_n_kernels;

#endif
