#include "nn/kernel.h"

extern const struct kernel kernel_neon_fp32;

#if defined(__aarch64__)

#include "nn/kernel_attention.h"

static bool runs(void)
{
    return true;
}

const struct kernel kernel_neon_fp32 = {
    .name = "neon-fp32",
    .precision = PRECISION_FP32,
    .runs = runs,
    .convert = convert,
    .pack = pack,
    .multiply = multiply,
    .attend = attend,
    .normalise = normalise,
};

#else

static bool runs(void)
{
    return false;
}

const struct kernel kernel_neon_fp32 = {
    .name = "neon-fp32", .precision = PRECISION_FP32, .runs = runs};

#endif
