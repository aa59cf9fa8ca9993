#include "nn/kernel.h"

extern const struct kernel kernel_avx2_fp32;

#if defined(__AVX2__)

#include "nn/kernel_attention.h"

static bool runs(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct kernel kernel_avx2_fp32 = {
    .name = "avx2-fp32",
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

const struct kernel kernel_avx2_fp32 = {
    .name = "avx2-fp32", .precision = PRECISION_FP32, .runs = runs};

#endif
