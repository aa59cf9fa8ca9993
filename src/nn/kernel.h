/* nn/kernel.h - the arithmetic of the forward pass, one row of functions per instruction set.
 *
 * Every output element is computed in an order that depends only on the lengths of its own inputs,
 * never on how many rows or columns surround it: a text gives the same bits alone and in a batch.
 * Pointers are aligned to 4 bytes only. Pure functions, any thread. */
#ifndef RAGGED_NN_KERNEL_H
#define RAGGED_NN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/weights.h"

/* Matrices by rows; a stride is the distance between rows in floats. */
struct product {
    const float *a; /* [n_rows][n_inner] */
    const float *b;
    const float *bias; /* [n_columns], or NULL for none */
    float *out;        /* [n_rows][n_columns] */
    size_t a_stride, b_stride, out_stride;
    size_t n_rows, n_columns, n_inner;
};

struct kernel {
    const char *name;
    bool (*runs)(void); /* on this CPU; the other functions may be called only then */
    /* out[i][j] = bias[j] + sum over k of a[i][k] * b[j][k]; b is [n_columns][n_inner]. */
    void (*multiply)(const struct product *p);
    /* out[i][j] = sum over k of a[i][k] * b[k][j]; b is [n_inner][n_columns], no bias. */
    void (*mix)(const struct product *p);
    /* row[i] = exp(scale * row[i]) / sum, in place; n >= 1, scale > 0. */
    void (*softmax)(float *row, size_t n, float scale);
    /* x[i] = x[i] * Phi(x[i]), the exact form with erf, within 1e-6 of it for |x| < 10. */
    void (*gelu)(float *x, size_t n);
    /* x = gamma * (x - mean) / sqrt(variance + epsilon) + beta, in place. */
    void (*normalise)(float *x, size_t n, const struct norm *norm, float epsilon);
};

/* Best first; ends with NULL. "scalar" is plain C, always runs and is what the others are tested
 * against. */
extern const struct kernel *const nn_kernels[];

/* The best row that runs for NULL or "auto", else the named one; INVALID names the rows. */
enum status kernel_find(const char *name, const struct kernel **out, struct error *err) MUST_USE;

#endif
