#include "nn/kernel.h"

#include <math.h>

#define N_LANES 8 /* partial sums: less rounding than one, and room for the compiler */

static bool runs(void)
{
    return true;
}

static float sum_lanes(const float lanes[N_LANES])
{
    float sum = 0;
    for (size_t i = 0; i < N_LANES; i++)
        sum += lanes[i];
    return sum;
}

static float dot(const float *a, const float *b, size_t n)
{
    float lanes[N_LANES] = {0};
    size_t k = 0;
    for (; k + N_LANES <= n; k += N_LANES) {
        for (size_t i = 0; i < N_LANES; i++)
            lanes[i] += a[k + i] * b[k + i];
    }
    for (size_t i = 0; k + i < n; i++)
        lanes[i] += a[k + i] * b[k + i];
    return sum_lanes(lanes);
}

static void multiply(const struct product *p)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        for (size_t j = 0; j < p->n_columns; j++) {
            float sum = dot(p->a + i * p->a_stride, p->b + j * p->b_stride, p->n_inner);
            p->out[i * p->out_stride + j] = sum + (p->bias ? p->bias[j] : 0);
        }
    }
}

static void mix(const struct product *p)
{
    for (size_t i = 0; i < p->n_rows; i++) {
        float *out = p->out + i * p->out_stride;
        for (size_t j = 0; j < p->n_columns; j++)
            out[j] = 0;
        for (size_t k = 0; k < p->n_inner; k++) {
            float a = p->a[i * p->a_stride + k];
            const float *b = p->b + k * p->b_stride;
            for (size_t j = 0; j < p->n_columns; j++)
                out[j] += a * b[j];
        }
    }
}

static void softmax(float *row, size_t n, float scale)
{
    float max = row[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        max = fmaxf(max, row[i]);
    for (size_t i = 0; i < n; i++) {
        row[i] = expf(scale * (row[i] - max));
        sum += row[i];
    }
    for (size_t i = 0; i < n; i++)
        row[i] /= sum;
}

static void gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f));
}

static void normalise(float *x, size_t n, const struct norm *norm, float epsilon)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    float mean = (float)(sum / (double)n);
    for (size_t i = 0; i < n; i++)
        squares += (double)(x[i] - mean) * (double)(x[i] - mean);
    float factor = (float)(1 / sqrt(squares / (double)n + (double)epsilon));
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - mean) * factor * norm->gamma[i] + norm->beta[i];
}

extern const struct kernel kernel_scalar;
const struct kernel kernel_scalar = {
    .name = "scalar",
    .runs = runs,
    .multiply = multiply,
    .mix = mix,
    .softmax = softmax,
    .gelu = gelu,
    .normalise = normalise,
};
