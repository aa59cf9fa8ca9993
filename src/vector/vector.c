#include "vector/vector.h"

#include <string.h>

#include "vector/vector_kernel.h"

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Round to nearest even by letting the FPU add at the right magnitude. */
static uint16_t to_fp16(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return (uint16_t)(sign | 0x7E00);
    if (magnitude >= 0x477FF000) /* rounds to 65536 or more: infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x38800000) { /* subnormal: the last place is 2^-24 */
        uint32_t shifted = bits_of(float_of(magnitude) + 0.5f);
        return (uint16_t)(sign | (shifted - 0x3F000000));
    }
    uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

static float from_fp16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7FFF;
    if (magnitude >= 0x7C00)
        return float_of(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
    /* 2^112 moves the fp16 exponent to fp32's bias, subnormals included. */
    float value = float_of(magnitude << 13) * float_of(0x77800000);
    return float_of(sign | bits_of(value));
}

void vector_to_fp16(const float *in, size_t dim, uint16_t *out)
{
    for (size_t i = 0; i < dim; i++)
        out[i] = to_fp16(in[i]);
}

void vector_from_fp16(const uint16_t *in, size_t dim, float *out)
{
    for (size_t i = 0; i < dim; i++)
        out[i] = from_fp16(in[i]);
}

float vector_dot(const float *a, const float *b, size_t dim)
{
    return vector_kernel_best()->dot(a, b, dim);
}
