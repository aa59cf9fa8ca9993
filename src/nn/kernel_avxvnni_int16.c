#include "nn/kernel.h"

extern const struct kernel kernel_avxvnni_int16;

#if defined(__AVXVNNI__)

#include <cpuid.h>

#define KERNEL_INT16
#include "nn/kernel_attention.h"

/* CPUID leaf 7, subleaf 1, EAX bit 4: the compilers have no name for it yet. */
static bool runs(void)
{
    unsigned a = 0, b, c, d;
    bool has_leaf = __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0;
    return has_leaf && (a & 1u << 4) && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");
}

const struct kernel kernel_avxvnni_int16 = {
    .name = "avxvnni-int16",
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

const struct kernel kernel_avxvnni_int16 = {
    .name = "avxvnni-int16", .precision = PRECISION_INT16, .runs = runs};

#endif
