#include "vector/codes.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

#define VALUES_MULTIPLE ((size_t)16) /* four groups: what adds up in a byte */
#define SAMPLE_MAX ((size_t)1 << 16)
#define SAMPLE_SQUARE_MAX 256.0f
#define N_LANES ((size_t)16)

struct codes_shape codes_shape_of(size_t dim)
{
    size_t n_values = (dim + VALUES_MULTIPLE - 1) / VALUES_MULTIPLE * VALUES_MULTIPLE;
    size_t n_groups = n_values / VECTOR_GROUP_DIMS;
    return (struct codes_shape){.dim = dim,
                                .n_values = n_values,
                                .n_groups = n_groups,
                                .block_bytes = n_groups * VECTOR_GROUP_BYTES +
                                               VECTOR_BLOCK_ROWS * sizeof(float)};
}

size_t codes_n_blocks(size_t n_rows)
{
    return n_rows / VECTOR_BLOCK_ROWS + (n_rows % VECTOR_BLOCK_ROWS != 0);
}

enum status coder_init(struct coder *coder, size_t dim, uint64_t rotation_seed, const float *mean,
                       struct error *err)
{
    struct coder made = {.shape = codes_shape_of(dim), .kernel = vector_kernel_best()};
    made.mean = mem_zalloc(made.shape.n_values, sizeof *made.mean);
    if (!made.mean)
        return error_nomem(err);
    memcpy(made.mean, mean, dim * sizeof *mean);
    enum status status = rotation_init(&made.rotation, made.shape.n_values, rotation_seed, err);
    if (status != STATUS_OK) {
        mem_free(made.mean);
        return status;
    }
    *coder = made;
    return STATUS_OK;
}

void coder_clear(struct coder *coder)
{
    rotation_clear(&coder->rotation);
    mem_free(coder->mean);
    *coder = (struct coder){0};
}

static float sum_lanes(float lanes[N_LANES])
{
    for (size_t half = N_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

/* Sums in lanes have one order on every CPU, and one that its vectors can follow. */
static float square_of(const float *values, size_t n)
{
    float lanes[N_LANES] = {0};
    size_t i = 0;
    for (; i + N_LANES <= n; i += N_LANES)
        for (size_t lane = 0; lane < N_LANES; lane++)
            lanes[lane] += values[i + lane] * values[i + lane];
    for (size_t lane = 0; i + lane < n; lane++)
        lanes[lane] += values[i + lane] * values[i + lane];
    return sum_lanes(lanes);
}

/* n is a multiple of N_LANES. */
static float absolute_of(const float *values, size_t n)
{
    float lanes[N_LANES] = {0};
    for (size_t i = 0; i < n; i += N_LANES)
        for (size_t lane = 0; lane < N_LANES; lane++)
            lanes[lane] += fabsf(values[i + lane]);
    return sum_lanes(lanes);
}

static int is_direction(float square)
{
    return isfinite(square) && square > 0;
}

static unsigned bit_of(float value)
{
    return !signbit(value);
}

static void put_code(const struct codes_shape *shape, const float *values, size_t row,
                     unsigned char *block)
{
    unsigned char *at = block + row % VECTOR_GROUP_BYTES;
    unsigned shift = row < VECTOR_GROUP_BYTES ? 0 : 4;
    for (size_t group = 0; group < shape->n_groups; group++) {
        const float *v = values + VECTOR_GROUP_DIMS * group;
        unsigned code = bit_of(v[0]) | bit_of(v[1]) << 1 | bit_of(v[2]) << 2 | bit_of(v[3]) << 3;
        at[VECTOR_GROUP_BYTES * group] |= (unsigned char)(code << shift);
    }
}

/* False: the row is a data error. */
static bool values_of(const struct coder *coder, const unsigned char *row, float *values)
{
    size_t dim = coder->shape.dim, n = coder->shape.n_values;
    coder->kernel->from_fp16(row, dim, values);
    if (!is_direction(square_of(values, dim)))
        return false;
    for (size_t i = 0; i < dim; i++)
        values[i] -= coder->mean[i];
    memset(values + dim, 0, (n - dim) * sizeof *values);
    rotation_apply(&coder->rotation, values);
    return true;
}

void coder_encode_block(const struct coder *coder, const struct vector_rows *rows,
                        const uint32_t *slots, size_t n, float *scratch, unsigned char *block)
{
    const struct codes_shape *shape = &coder->shape;
    float factors[VECTOR_BLOCK_ROWS];
    memset(block, 0, shape->block_bytes);
    for (size_t row = 0; row < VECTOR_BLOCK_ROWS; row++) {
        factors[row] = NAN;
        if (row >= n || !values_of(coder, rows_at(rows, slots[row]), scratch))
            continue;
        put_code(shape, scratch, row, block);
        float square = square_of(scratch, shape->n_values);
        float absolute = absolute_of(scratch, shape->n_values);
        factors[row] = absolute > 0 ? square / absolute : 0;
    }
    memcpy(block + shape->n_groups * VECTOR_GROUP_BYTES, factors, sizeof factors);
}

/* fp16 values are multiples of 2^-24. With at most 2^16 of them that lie within 16 a sum has less
 * than 53 bits: doubles add them exactly, in any order. */
void codes_mean_of(const struct vector_rows *rows, const uint32_t *slots, size_t n, double *sums,
                   float *scratch, float *out)
{
    const struct vector_kernel *kernel = vector_kernel_best();
    size_t dim = rows->dim, step = n / SAMPLE_MAX + 1, n_added = 0;
    memset(sums, 0, dim * sizeof *sums);
    for (size_t row = 0; row < n; row += step) {
        kernel->from_fp16(rows_at(rows, slots[row]), dim, scratch);
        float square = square_of(scratch, dim);
        if (!is_direction(square) || square > SAMPLE_SQUARE_MAX)
            continue;
        for (size_t i = 0; i < dim; i++)
            sums[i] += (double)scratch[i];
        n_added++;
    }
    for (size_t i = 0; i < dim; i++)
        out[i] = n_added > 0 ? (float)(sums[i] / (double)n_added) : 0.0f;
}
