#include <string.h>

#include "vector/vector.h"
#include "vector/vector_kernel.h"

static int runs_here(void)
{
    return 1;
}

static float dot(const float *a, const float *b, size_t dim)
{
    float sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += a[i] * b[i];
    return sum;
}

static void from_fp16(const void *row, size_t dim, float *out)
{
    const unsigned char *bytes = row;
    for (size_t i = 0; i < dim; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        vector_from_fp16(&half, 1, out + i);
    }
}

static float dot_fp16(const float *query, const void *row, size_t dim)
{
    const unsigned char *bytes = row;
    float lanes[VECTOR_LANES] = {0}, values[VECTOR_LANES];
    for (size_t i = 0; i < dim; i += VECTOR_LANES) {
        size_t n = dim - i < VECTOR_LANES ? dim - i : VECTOR_LANES;
        from_fp16(bytes + 2 * i, n, values);
        for (size_t lane = 0; lane < n; lane++) {
            float product = query[i + lane] * values[lane];
            lanes[lane] += product;
        }
    }
    for (size_t half = VECTOR_LANES / 2; half > 0; half /= 2)
        for (size_t lane = 0; lane < half; lane++)
            lanes[lane] += lanes[lane + half];
    return lanes[0];
}

static uint64_t scan_block(const struct vector_scan *scan, const unsigned char *block,
                           float threshold, float *out)
{
    unsigned sums[VECTOR_BLOCK_ROWS] = {0};
    uint64_t above = 0;
    for (size_t group = 0; group < scan->n_groups; group++) {
        const unsigned char *codes = block + VECTOR_GROUP_BYTES * group;
        const unsigned char *table = scan->tables + 32 * group;
        for (size_t i = 0; i < VECTOR_GROUP_BYTES; i++) {
            sums[i] += table[codes[i] & 15];
            sums[i + VECTOR_GROUP_BYTES] += table[codes[i] >> 4];
        }
    }
    const unsigned char *factors = block + VECTOR_GROUP_BYTES * scan->n_groups;
    for (size_t row = 0; row < VECTOR_BLOCK_ROWS; row++) {
        float factor;
        memcpy(&factor, factors + sizeof factor * row, sizeof factor);
        float scaled = scan->step * (float)sums[row];
        float product = scaled + scan->offset;
        out[row] = factor * product;
        above |= (uint64_t)(out[row] > threshold) << row;
    }
    return above;
}

const struct vector_kernel vector_kernel_scalar = {
    .name = "scalar",
    .runs_here = runs_here,
    .dot = dot,
    .dot_fp16 = dot_fp16,
    .from_fp16 = from_fp16,
    .scan_block = scan_block,
};
