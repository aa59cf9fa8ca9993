#include "nn/half.h"

#include <math.h>
#include <string.h>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float half_from_bf16(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

float half_from_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    if (exponent == 0) { /* zero, or less than the smallest normal number */
        float value = ldexpf((float)fraction, -24);
        return sign ? -value : value;
    }
    uint32_t wide = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
    return float_of(sign | wide << 23 | fraction << 13);
}
