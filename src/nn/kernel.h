/* nn/kernel.h - the arithmetic of the forward pass, one row of functions for each instruction set
 * and precision.
 *
 * A matrix is multiplied in blocks of its inner dimension of at most KERNEL_INNER_MAX values. The
 * left side of a product is converted row by row, the right side ("panels") once when the model is
 * opened; both have one float scale per row or column and block:
 *
 *   panels: [n_columns / 16][n_inner / group][16][group] elements, zeros where there is no column
 *   fp32    elements are floats, group 1, scales 1
 *   int16   elements are int16, group 2. A row's largest value becomes KERNEL_ROW_LEVEL, a column's
 *           kernel_column_level(): no sum of products leaves int32, so sums are exact in any order.
 *   bf16    elements are the upper halves of floats, group 2, scales 1
 *
 * Every output element is computed in an order that depends only on the lengths of its own inputs,
 * never on how many rows or columns surround it: a text gives the same bits alone and in a batch.
 * Floats are aligned to 4 bytes, elements to 64. Pure functions, any thread. */
#ifndef RAGGED_NN_KERNEL_H
#define RAGGED_NN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define KERNEL_PANEL ((size_t)16)      /* columns of a panel */
#define KERNEL_INNER_MAX ((size_t)384) /* of a block */
#define KERNEL_ROW_LEVEL 8191          /* int16: the largest value of a converted row */

enum precision { PRECISION_FP32, PRECISION_INT16, PRECISION_BF16, PRECISION_COUNT };

/* Row-major floats; the stride is the distance between rows. */
struct rows {
    const float *at;
    size_t stride, n, n_columns;
};

/* One block: out = a * b + bias, or out += with is_added, then gelu if has_gelu. n_columns is a
 * multiple of KERNEL_PANEL, n_inner of the group. */
struct product {
    const void *a;         /* [n_rows][n_inner] with a stride, converted */
    const float *a_scales; /* [n_rows] */
    const void *b;         /* panels */
    const float *b_scales; /* [n_columns] */
    const float *bias;     /* [n_columns] */
    float *out;            /* [n_rows][n_columns] with a stride */
    size_t a_stride, out_stride, n_rows, n_columns, n_inner;
    bool is_added, has_gelu;
};

/* One head of one sequence: out = softmax(scale * query * key^T) * value. */
struct attention {
    const float *query, *key, *value; /* [n][n_inner], all with the same stride */
    size_t stride, n;
    size_t n_inner; /* a multiple of KERNEL_PANEL; zeros from n_out on */
    float scale;
    float *out; /* [n][n_out] with a stride */
    size_t out_stride, n_out;
    void *scratch; /* kernel_scratch_bytes(n, n_inner), aligned to 64 bytes */
};

struct kernel {
    const char *name;
    enum precision precision;
    bool (*runs)(void); /* on this CPU; the other functions may be called only then */
    /* Rows to one block of elements: out is [n][n_inner], zeros from n_columns on. */
    void (*convert)(const struct rows *x, size_t n_inner, void *out, float *out_scales);
    /* The columns of a product, which are the rows of `w`, to panels of one block. */
    void (*pack)(const struct rows *w, size_t n_inner, void *out, float *out_scales);
    void (*multiply)(const struct product *p);
    void (*attend)(const struct attention *a);
    /* Each row: x = gamma * (x - mean) / sqrt(variance + epsilon) + beta, in place. */
    void (*normalise)(float *x, size_t stride, size_t n_rows, size_t n, const float *gamma,
                      const float *beta, float epsilon);
};

/* Best first; ends with NULL. The scalar rows are plain C, always run, and are what the others are
 * tested against. */
extern const struct kernel *const nn_kernels[];

/* The named row, or for NULL and "auto" the best that runs; `precision` NULL and "auto" mean any.
 * INVALID names the rows or the precisions. */
enum status kernel_find(const char *name, const char *precision, const struct kernel **out,
                        struct error *err) MUST_USE;

const char *precision_name(enum precision precision);
size_t precision_element_bytes(enum precision precision);

#define KERNEL_LEVEL_MAX 32767

/* Sum of absolute values times KERNEL_ROW_LEVEL stays below 2^31, with half a step a value left for
 * rounding. `sum` is that sum at KERNEL_LEVEL_MAX, in whole numbers, so that all rows agree on it.
 */
static inline float kernel_column_level(int64_t sum, size_t n)
{
    int64_t bound = (int64_t)INT32_MAX / KERNEL_ROW_LEVEL - (int64_t)n;
    int64_t level = bound * KERNEL_LEVEL_MAX / (sum + (int64_t)n);
    return (float)(level < KERNEL_LEVEL_MAX ? level : KERNEL_LEVEL_MAX);
}

static inline size_t kernel_round_up(size_t n)
{
    return (n + KERNEL_PANEL - 1) / KERNEL_PANEL * KERNEL_PANEL;
}

/* Of struct attention, for sequences up to n. */
size_t kernel_scratch_bytes(size_t n, size_t n_inner);

#endif
