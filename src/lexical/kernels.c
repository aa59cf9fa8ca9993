#include "lexical/kernel.h"

extern const struct lexical_kernel lexical_kernel_avx512, lexical_kernel_avx2,
    lexical_kernel_scalar;

const struct lexical_kernel *const lexical_kernels[] = {
    &lexical_kernel_avx512, &lexical_kernel_avx2, &lexical_kernel_scalar, NULL};

const struct lexical_kernel *lexical_kernel_best(void)
{
    size_t i = 0;
    while (!lexical_kernels[i]->runs_here())
        i++;
    return lexical_kernels[i];
}
