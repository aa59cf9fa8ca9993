#include "nn/kernel.h"

extern const struct kernel kernel_avx512_int16;

#if defined(__AVX512VNNI__)

#define KERNEL_INT16
#include "nn/kernel_attention.h"

static bool runs(void)
{
    return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

const struct kernel kernel_avx512_int16 = {
    .name = "avx512-int16",
    .precision = PRECISION_INT16,
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

const struct kernel kernel_avx512_int16 = {
    .name = "avx512-int16", .precision = PRECISION_INT16, .runs = runs};

#endif
