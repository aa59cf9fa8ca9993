#include "nn/kernel.h"

extern const struct kernel kernel_avx512_fp32;

#if defined(__AVX512DQ__)

#include "nn/kernel_attention.h"

static bool runs(void)
{
    return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
}

const struct kernel kernel_avx512_fp32 = {
    .name = "avx512-fp32",
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

const struct kernel kernel_avx512_fp32 = {
    .name = "avx512-fp32", .precision = PRECISION_FP32, .runs = runs};

#endif
