/* Every precision in plain C, one value after the other: slow, obvious, and what every other row is
 * compared with. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "nn/kernel.h"

#define VALUE_LEVEL 16383
#define PROBABILITY_LEVEL 32767
#define PROBABILITY_SUM 131071

static bool runs(void)
{
    return true;
}

static float largest_absolute(const float *x, size_t n, size_t stride)
{
    float max = 0;
    for (size_t i = 0; i < n; i++)
        max = fmaxf(max, fabsf(x[i * stride]));
    return max;
}

static void normalise(float *x, size_t stride, size_t n_rows, size_t n, const float *gamma,
                      const float *beta, float epsilon)
{
    for (size_t row = 0; row < n_rows; row++, x += stride) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)x[i] / (double)n;
        for (size_t i = 0; i < n; i++)
            variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        double factor = 1 / sqrt(variance + (double)epsilon);
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(((double)x[i] - mean) * factor) * gamma[i] + beta[i];
    }
}

/* Where element `i_inner` of column `i_column` stands in panels. */
static size_t panel_at(size_t i_column, size_t i_inner, size_t n_inner, size_t n_group)
{
    return i_column / KERNEL_PANEL * n_inner * KERNEL_PANEL +
           i_inner / n_group * KERNEL_PANEL * n_group + i_column % KERNEL_PANEL * n_group +
           i_inner % n_group;
}

static void finish(const struct product *p, size_t i, size_t j, float value)
{
    float *out = &p->out[i * p->out_stride + j];
    value += p->bias[j];
    value += p->is_added ? *out : 0;
    if (p->has_gelu)
        value = (float)(0.5 * (double)value * (1 + erf((double)value * 0.70710678118654752)));
    *out = value;
}

/* One row of scores to probabilities that sum to 1. */
static void soften(double *row, size_t n)
{
    double max = row[0], sum = 0;
    for (size_t j = 1; j < n; j++)
        max = fmax(max, row[j]);
    for (size_t j = 0; j < n; j++)
        sum += row[j] = exp(row[j] - max);
    for (size_t j = 0; j < n; j++)
        row[j] /= sum;
}

/* ---- fp32 ---- */

static void convert_fp32(const struct rows *x, size_t n_inner, void *out, float *out_scales)
{
    float *to = out;
    memset(to, 0, x->n * n_inner * sizeof *to);
    for (size_t i = 0; i < x->n; i++) {
        memcpy(to + i * n_inner, x->at + i * x->stride, x->n_columns * sizeof *to);
        out_scales[i] = 1;
    }
}

static void pack_fp32(const struct rows *w, size_t n_inner, void *out, float *out_scales)
{
    size_t n = kernel_round_up(w->n);
    float *to = out;
    memset(to, 0, n * n_inner * sizeof *to);
    for (size_t j = 0; j < n; j++)
        out_scales[j] = j < w->n ? 1 : 0;
    for (size_t j = 0; j < w->n; j++)
        for (size_t k = 0; k < w->n_columns; k++)
            to[panel_at(j, k, n_inner, 1)] = w->at[j * w->stride + k];
}

static void multiply_fp32(const struct product *p)
{
    const float *a = p->a, *b = p->b;
    for (size_t i = 0; i < p->n_rows; i++) {
        for (size_t j = 0; j < p->n_columns; j++) {
            const float *column = b + panel_at(j, 0, p->n_inner, 1);
            float sums[4] = {0};
            for (size_t k = 0; k < p->n_inner; k++)
                sums[k % 4] += a[i * p->a_stride + k] * column[k * KERNEL_PANEL];
            finish(p, i, j, (sums[0] + sums[1]) + (sums[2] + sums[3]));
        }
    }
}

static void attend_fp32(const struct attention *a)
{
    double *row = a->scratch;
    for (size_t i = 0; i < a->n; i++) {
        const float *query = a->query + i * a->stride;
        for (size_t j = 0; j < a->n; j++) {
            row[j] = 0;
            for (size_t k = 0; k < a->n_inner; k++)
                row[j] += (double)query[k] * (double)a->key[j * a->stride + k];
            row[j] *= (double)a->scale;
        }
        soften(row, a->n);
        for (size_t k = 0; k < a->n_out; k++) {
            double sum = 0;
            for (size_t j = 0; j < a->n; j++)
                sum += row[j] * (double)a->value[j * a->stride + k];
            a->out[i * a->out_stride + k] = (float)sum;
        }
    }
}

const struct kernel kernel_scalar_fp32 = {
    .name = "scalar-fp32",
    .precision = PRECISION_FP32,
    .runs = runs,
    .convert = convert_fp32,
    .pack = pack_fp32,
    .multiply = multiply_fp32,
    .attend = attend_fp32,
    .normalise = normalise,
};

/* ---- int16 ---- */

static int16_t rounded(float x, float level, float max)
{
    return max > 0 ? (int16_t)lrintf(x * (level / max)) : 0;
}

static float convert_row(const float *x, size_t n, size_t n_inner, float level, int16_t *out)
{
    float max = largest_absolute(x, n, 1);
    memset(out, 0, n_inner * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = rounded(x[i], level, max);
    return max / level;
}

static void convert_int16(const struct rows *x, size_t n_inner, void *out, float *out_scales)
{
    int16_t *to = out;
    for (size_t i = 0; i < x->n; i++)
        out_scales[i] = convert_row(x->at + i * x->stride, x->n_columns, n_inner, KERNEL_ROW_LEVEL,
                                    to + i * n_inner);
}

static float column_level(const float *w, size_t n)
{
    float max = largest_absolute(w, n, 1);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += rounded(fabsf(w[i]), KERNEL_LEVEL_MAX, max);
    return kernel_column_level(sum, n);
}

static void pack_int16(const struct rows *w, size_t n_inner, void *out, float *out_scales)
{
    int16_t column[KERNEL_INNER_MAX], *to = out;
    for (size_t j = 0; j < kernel_round_up(w->n); j++) {
        const float *from = w->at + j * w->stride;
        memset(column, 0, sizeof column);
        out_scales[j] = 0;
        if (j < w->n)
            out_scales[j] =
                convert_row(from, w->n_columns, n_inner, column_level(from, w->n_columns), column);
        for (size_t k = 0; k < n_inner; k++)
            to[panel_at(j, k, n_inner, 2)] = column[k];
    }
}

static void multiply_int16(const struct product *p)
{
    const int16_t *a = p->a, *b = p->b;
    for (size_t i = 0; i < p->n_rows; i++) {
        for (size_t j = 0; j < p->n_columns; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < p->n_inner; k++)
                sum += a[i * p->a_stride + k] * b[panel_at(j, k, p->n_inner, 2)];
            finish(p, i, j, (float)sum * p->a_scales[i] * p->b_scales[j]);
        }
    }
}

/* Keys and values are rounded again for each query, which keeps them out of memory. */
static void score_int16(const struct attention *a, size_t i, double *row)
{
    int16_t query[KERNEL_INNER_MAX], key[KERNEL_INNER_MAX];
    float bound = 2147483000.0f / KERNEL_ROW_LEVEL / (float)a->n_inner;
    float level = bound < KERNEL_ROW_LEVEL ? floorf(bound) : KERNEL_ROW_LEVEL;
    float scale =
        convert_row(a->query + i * a->stride, a->n_inner, a->n_inner, KERNEL_ROW_LEVEL, query);
    for (size_t j = 0; j < a->n; j++) {
        float key_scale = convert_row(a->key + j * a->stride, a->n_inner, a->n_inner, level, key);
        int32_t sum = 0;
        for (size_t k = 0; k < a->n_inner; k++)
            sum += query[k] * key[k];
        row[j] = (double)sum * (double)scale * (double)key_scale * (double)a->scale;
    }
}

static void attend_int16(const struct attention *a)
{
    double *row = a->scratch;
    for (size_t i = 0; i < a->n; i++) {
        score_int16(a, i, row);
        soften(row, a->n);
        double max = 0;
        for (size_t j = 0; j < a->n; j++)
            max = fmax(max, row[j]);
        double factor = fmin(PROBABILITY_LEVEL / max, PROBABILITY_SUM - (double)a->n);
        for (size_t k = 0; k < a->n_out; k++) {
            float largest = largest_absolute(a->value + k, a->n, a->stride);
            int32_t sum = 0;
            for (size_t j = 0; j < a->n; j++)
                sum += (int32_t)lrint(row[j] * factor) *
                       rounded(a->value[j * a->stride + k], VALUE_LEVEL, largest);
            a->out[i * a->out_stride + k] =
                (float)((double)sum / factor * (double)largest / VALUE_LEVEL);
        }
    }
}

const struct kernel kernel_scalar_int16 = {
    .name = "scalar-int16",
    .precision = PRECISION_INT16,
    .runs = runs,
    .convert = convert_int16,
    .pack = pack_int16,
    .multiply = multiply_int16,
    .attend = attend_int16,
    .normalise = normalise,
};

/* ---- bf16 ---- */

static uint16_t upper_half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static float widened(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void convert_bf16(const struct rows *x, size_t n_inner, void *out, float *out_scales)
{
    uint16_t *to = out;
    memset(to, 0, x->n * n_inner * sizeof *to);
    for (size_t i = 0; i < x->n; i++) {
        for (size_t k = 0; k < x->n_columns; k++)
            to[i * n_inner + k] = upper_half(x->at[i * x->stride + k]);
        out_scales[i] = 1;
    }
}

static void pack_bf16(const struct rows *w, size_t n_inner, void *out, float *out_scales)
{
    size_t n = kernel_round_up(w->n);
    uint16_t *to = out;
    memset(to, 0, n * n_inner * sizeof *to);
    for (size_t j = 0; j < n; j++)
        out_scales[j] = j < w->n ? 1 : 0;
    for (size_t j = 0; j < w->n; j++)
        for (size_t k = 0; k < w->n_columns; k++)
            to[panel_at(j, k, n_inner, 2)] = upper_half(w->at[j * w->stride + k]);
}

static void multiply_bf16(const struct product *p)
{
    const uint16_t *a = p->a, *b = p->b;
    for (size_t i = 0; i < p->n_rows; i++) {
        for (size_t j = 0; j < p->n_columns; j++) {
            float sum = 0;
            for (size_t k = 0; k < p->n_inner; k++)
                sum += widened(a[i * p->a_stride + k]) * widened(b[panel_at(j, k, p->n_inner, 2)]);
            finish(p, i, j, sum);
        }
    }
}

static double rounded_to_bf16(double x)
{
    return (double)widened(upper_half((float)x));
}

static void attend_bf16(const struct attention *a)
{
    double *row = a->scratch;
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < a->n; j++) {
            row[j] = 0;
            for (size_t k = 0; k < a->n_inner; k++)
                row[j] += rounded_to_bf16((double)a->query[i * a->stride + k]) *
                          rounded_to_bf16((double)a->key[j * a->stride + k]);
            row[j] *= (double)a->scale;
        }
        soften(row, a->n);
        for (size_t k = 0; k < a->n_out; k++) {
            double sum = 0;
            for (size_t j = 0; j < a->n; j++)
                sum +=
                    rounded_to_bf16(row[j]) * rounded_to_bf16((double)a->value[j * a->stride + k]);
            a->out[i * a->out_stride + k] = (float)sum;
        }
    }
}

const struct kernel kernel_scalar_bf16 = {
    .name = "scalar-bf16",
    .precision = PRECISION_BF16,
    .runs = runs,
    .convert = convert_bf16,
    .pack = pack_bf16,
    .multiply = multiply_bf16,
    .attend = attend_bf16,
    .normalise = normalise,
};
