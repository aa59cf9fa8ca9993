#include "nn/kernel.h"

extern const struct kernel kernel_neon_bf16;

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)

#include <asm/hwcap.h>
#include <sys/auxv.h>

#define KERNEL_BF16
#include "nn/kernel_attention.h"

static bool runs(void)
{
    return (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
}

const struct kernel kernel_neon_bf16 = {
    .name = "neon-bf16",
    .precision = PRECISION_BF16,
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

const struct kernel kernel_neon_bf16 = {
    .name = "neon-bf16", .precision = PRECISION_BF16, .runs = runs};

#endif
