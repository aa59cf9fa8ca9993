#include "nn/kernel.h"

extern const struct kernel kernel_neon_int16;

#if defined(__aarch64__)

#define KERNEL_INT16
#include "nn/kernel_attention.h"

static bool runs(void)
{
    return true;
}

const struct kernel kernel_neon_int16 = {
    .name = "neon-int16",
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

const struct kernel kernel_neon_int16 = {
    .name = "neon-int16", .precision = PRECISION_INT16, .runs = runs};

#endif
