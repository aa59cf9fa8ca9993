/* nn/kernel_math.h - the functions between the products, over lanes. */
#ifndef RAGGED_NN_KERNEL_MATH_H
#define RAGGED_NN_KERNEL_MATH_H

#include "nn/kernel_lanes.h"

#ifdef NN_HAS_LANES

#include <math.h>

/* Highest power first. */
INLINE lanes polynomial(lanes x, const float *c, size_t n)
{
    lanes y = lanes_all(c[0]);
#pragma GCC unroll 16
    for (size_t i = 1; i < n; i++)
        y = lanes_add_product(y, x, lanes_all(c[i]));
    return y;
}

/* 2^x for x <= 0 is a polynomial, minimax, of the fraction times 2^(the whole number). Below 2^-100
 * it stays there: it is nothing beside 1, and denormal floats cost a hundred times as much to
 * compute with. */
#define EXP2_LEAST -100.0f
#ifdef HAS_LANES_EXP2
static const float exact_terms[] = {1.87757669e-3f, 8.98934063e-3f, 5.58263175e-2f,
                                    2.40153611e-1f, 6.93153083e-1f, 9.9999994e-1f};
static const float rounded_terms[] = {7.8024521e-2f, 2.26067156e-1f, 6.9583354e-1f, 9.9992522e-1f};
#else
static const float exact_terms[] = {1.3276472e-3f,  9.6755410e-3f,  5.5507131e-2f,
                                    2.40221202e-1f, 6.93146944e-1f, 1.0f};
static const float rounded_terms[] = {5.5171663e-2f, 2.42611121e-1f, 6.93260991e-1f, 9.9992807e-1f};
#define EXP2_SHIFT 12582912.0f /* 1.5 * 2^23: added it rounds, with the number in the low bits */

INLINE lanes lanes_fraction(lanes x)
{
    return x - (x + lanes_all(EXP2_SHIFT) - lanes_all(EXP2_SHIFT));
}

INLINE lanes lanes_scale(lanes y, lanes x)
{
    return (lanes)(lanes_bits(y) + (lanes_bits(x + lanes_all(EXP2_SHIFT)) << 23));
}
#endif

INLINE lanes exp2_by(lanes x, const float *terms, size_t n)
{
    x = lanes_max(x, lanes_all(EXP2_LEAST));
    return lanes_scale(polynomial(lanes_fraction(x), terms, n), x);
}

/* Within 1e-7 of 2^x relatively. */
INLINE lanes exp2_exact(lanes x)
{
    return exp2_by(x, exact_terms, sizeof exact_terms / sizeof exact_terms[0]);
}

/* Within 7.5e-5. */
INLINE lanes exp2_rounded(lanes x)
{
    return exp2_by(x, rounded_terms, sizeof rounded_terms / sizeof rounded_terms[0]);
}

/* x * Phi(x) with the rational minimax of Eigen's float erf, odd over even in x, clamped to 4:
 * within 1e-6 for |x| < 10. */
INLINE lanes gelu_exact(lanes x)
{
    static const float odd[] = {-2.72614225801306e-10f, 2.77068142495902e-08f,
                                -2.10102402082508e-06f, -5.69250639462346e-05f,
                                -7.34990630326855e-04f, -2.95459980854025e-03f,
                                -1.60960333262415e-02f};
    static const float even[] = {-1.45660718464996e-05f, -2.13374055278905e-04f,
                                 -1.68282697438203e-03f, -7.37332916720468e-03f,
                                 -1.42647390514189e-02f};
    lanes z = lanes_max(lanes_min(x * lanes_all(0.70710678f), lanes_all(4)), lanes_all(-4));
    lanes square = z * z;
    lanes erf = z * polynomial(square, odd, 7) / polynomial(square, even, 5);
    lanes half = x * lanes_all(0.5f);
    return lanes_add_product(half, erf, half);
}

/* x * (1/2 + y * p(y^2)) with y = x clamped to 4.5: minimax, within 1.2e-5 * max(|x|, 4), without a
 * division. That is below the step of an int16 row in which x stands. */
INLINE lanes gelu_rounded(lanes x)
{
    static const float c[] = {3.0364287e-11f,  -3.3146692e-09f, 1.5910004e-07f,
                              -4.4517360e-06f, 8.1425242e-05f,  -1.03759184e-03f,
                              9.5852045e-03f,  -6.5984659e-02f, 3.98712605e-01f};
    lanes y = lanes_max(lanes_min(x, lanes_all(4.5f)), lanes_all(-4.5f));
    return x * lanes_add_product(y, polynomial(y * y, c, 9), lanes_all(0.5f));
}

/* Four chains: a sum takes longer than a load. */
static float mean_of(const float *x, size_t n)
{
    lanes sum[4] = {lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0)};
    size_t i = 0;
    for (; i + 4 * N_LANES <= n; i += 4 * N_LANES) {
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++)
            sum[k] += lanes_load(x + i + k * N_LANES);
    }
    for (; i < n; i += N_LANES)
        sum[0] += load_within(x, i, n);
    return lanes_sum((sum[0] + sum[1]) + (sum[2] + sum[3])) / (float)n;
}

static float variance_of(const float *x, size_t n, float mean)
{
    lanes squares[4] = {lanes_all(0), lanes_all(0), lanes_all(0), lanes_all(0)};
    lanes middle = lanes_all(mean);
    size_t i = 0;
    for (; i + 4 * N_LANES <= n; i += 4 * N_LANES) {
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++) {
            lanes a = lanes_load(x + i + k * N_LANES) - middle;
            squares[k] = lanes_add_product(a, a, squares[k]);
        }
    }
    for (; i < n; i += N_LANES) {
        size_t n_here = n - i < N_LANES ? n - i : N_LANES;
        lanes a = lanes_keep_first(lanes_load_first(x + i, n_here) - middle, n_here);
        squares[0] = lanes_add_product(a, a, squares[0]);
    }
    return lanes_sum((squares[0] + squares[1]) + (squares[2] + squares[3])) / (float)n;
}

static void normalise(float *x, size_t stride, size_t n_rows, size_t n, const float *gamma,
                      const float *beta, float epsilon)
{
    for (size_t row = 0; row < n_rows; row++, x += stride) {
        float mean = mean_of(x, n), variance = variance_of(x, n, mean);
        lanes middle = lanes_all(mean), factor = lanes_all(1 / sqrtf(variance + epsilon));
        size_t i = 0;
        for (; i + N_LANES <= n; i += N_LANES) {
            lanes v = (lanes_load(x + i) - middle) * factor;
            lanes_store(x + i, lanes_add_product(v, lanes_load(gamma + i), lanes_load(beta + i)));
        }
        if (i < n) {
            lanes v = (lanes_load_first(x + i, n - i) - middle) * factor;
            v = lanes_add_product(v, lanes_load_first(gamma + i, n - i),
                                  lanes_load_first(beta + i, n - i));
            lanes_store_first(x + i, v, n - i);
        }
    }
}

#endif
#endif
