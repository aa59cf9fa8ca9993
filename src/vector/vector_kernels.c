#include "vector/vector_kernel.h"

const struct vector_kernel *const vector_kernels[] = {
    &vector_kernel_avx512,
    &vector_kernel_avx2,
    &vector_kernel_neon,
    &vector_kernel_scalar,
};
const size_t vector_n_kernels = sizeof vector_kernels / sizeof vector_kernels[0];

int vector_runs_nowhere(void)
{
    return 0;
}

/* A load and a test a row: cheaper than a global to initialise, beside 384 multiply-adds. */
const struct vector_kernel *vector_kernel_best(void)
{
    size_t i = 0;
    while (!vector_kernels[i]->runs_here())
        i++;
    return vector_kernels[i];
}
