#include "vector/rotation.h"

#include <math.h>

#include "base/mem.h"

/* splitmix64 (Steele, Lea, Flood 2014): the signs are part of the file format. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

enum status rotation_init(struct rotation *rotation, size_t n, uint64_t seed, struct error *err)
{
    float *signs = mem_array(ROTATION_ROUNDS * n, sizeof *signs);
    if (!signs)
        return error_nomem(err);
    for (size_t i = 0; i < ROTATION_ROUNDS * n; i++)
        signs[i] = next_random(&seed) & 1 ? 1.0f : -1.0f;
    *rotation = (struct rotation){.n = n, .signs = signs};
    return STATUS_OK;
}

void rotation_clear(struct rotation *rotation)
{
    mem_free(rotation->signs);
    *rotation = (struct rotation){0};
}

/* The first three levels in registers: their strides are too short for vectors. */
static void transform_eights(float *v, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        float *p = v + i;
        float a0 = p[0] + p[1], a1 = p[0] - p[1], a2 = p[2] + p[3], a3 = p[2] - p[3];
        float a4 = p[4] + p[5], a5 = p[4] - p[5], a6 = p[6] + p[7], a7 = p[6] - p[7];
        float b0 = a0 + a2, b2 = a0 - a2, b1 = a1 + a3, b3 = a1 - a3;
        float b4 = a4 + a6, b6 = a4 - a6, b5 = a5 + a7, b7 = a5 - a7;
        p[0] = b0 + b4;
        p[1] = b1 + b5;
        p[2] = b2 + b6;
        p[3] = b3 + b7;
        p[4] = b0 - b4;
        p[5] = b1 - b5;
        p[6] = b2 - b6;
        p[7] = b3 - b7;
    }
}

/* low, high = low + high, low - high; n is a multiple of eight. */
static void butterfly(float *restrict low, float *restrict high, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float a = low[i], b = high[i];
        low[i] = a + b;
        high[i] = a - b;
    }
}

/* n is a power of two, at least 16. */
static void transform(float *v, size_t n)
{
    transform_eights(v, n);
    for (size_t half = 8; half < n; half *= 2)
        for (size_t i = 0; i < n; i += 2 * half)
            butterfly(v + i, v + i + half, half);
}

static void scale(float *v, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        v[i] *= factor;
}

void rotation_apply(const struct rotation *rotation, float *values)
{
    size_t n = rotation->n, n_power = 16;
    while (2 * n_power <= n)
        n_power *= 2;
    float transform_scale = 1.0f / sqrtf((float)n_power), mix_scale = sqrtf(0.5f);
    for (size_t round = 0; round < ROTATION_ROUNDS; round++) {
        const float *signs = rotation->signs + round * n;
        for (size_t i = 0; i < n; i++)
            values[i] *= signs[i];
        float *part = round % 2 == 0 ? values : values + n - n_power;
        transform(part, n_power);
        scale(part, n_power, transform_scale);
        if (n_power == n)
            continue;
        butterfly(values, values + n / 2, n / 2);
        scale(values, n, mix_scale);
    }
}
