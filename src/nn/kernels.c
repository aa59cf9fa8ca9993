#include <string.h>

#include "base/buf.h"
#include "nn/kernel.h"
#include "nn/nn.h"

#define TILE_ROWS_MAX 12

extern const struct kernel kernel_avx512_int16, kernel_avx512_fp32, kernel_avx512_bf16,
    kernel_avxvnni_int16, kernel_avx2_int16, kernel_avx2_fp32, kernel_neon_fp32, kernel_neon_int16,
    kernel_neon_bf16, kernel_scalar_fp32, kernel_scalar_int16, kernel_scalar_bf16;

/* bf16 is never taken unasked: on x86 int16 is as fast and nearer to fp32. */
const struct kernel *const nn_kernels[] = {
    &kernel_avx512_int16,
    &kernel_avxvnni_int16,
    &kernel_avx2_int16,
    &kernel_avx512_fp32,
    &kernel_avx2_fp32,
    &kernel_neon_fp32,
    &kernel_neon_int16,
    &kernel_avx512_bf16,
    &kernel_neon_bf16,
    &kernel_scalar_fp32,
    &kernel_scalar_int16,
    &kernel_scalar_bf16,
    NULL,
};

static const struct {
    const char *name;
    size_t element_bytes;
} precisions[PRECISION_COUNT] = {
    [PRECISION_FP32] = {"fp32", sizeof(float)},
    [PRECISION_INT16] = {"int16", sizeof(int16_t)},
    [PRECISION_BF16] = {"bf16", sizeof(uint16_t)},
};

const char *precision_name(enum precision precision)
{
    return precisions[precision].name;
}

size_t precision_element_bytes(enum precision precision)
{
    return precisions[precision].element_bytes;
}

const char *nn_kernel_name(size_t i)
{
    return i < sizeof nn_kernels / sizeof nn_kernels[0] && nn_kernels[i] ? nn_kernels[i]->name
                                                                         : NULL;
}

static const struct kernel *find_row(const char *name)
{
    for (size_t i = 0; nn_kernels[i]; i++) {
        if (strcmp(nn_kernels[i]->name, name) == 0)
            return nn_kernels[i];
    }
    return NULL;
}

int nn_kernel_runs(const char *name)
{
    const struct kernel *row = find_row(name);
    return row && row->runs();
}

static bool is_any(const char *name)
{
    return !name || strcmp(name, "auto") == 0;
}

static enum status unknown_row(const char *name, struct error *err)
{
    enum status status = error_set(err, STATUS_INVALID, "unknown kernel \"%.40s\"", name);
    struct buf names = {0};
    for (size_t i = 0; nn_kernels[i]; i++)
        buf_printf(&names, ", %s", nn_kernels[i]->name);
    error_hint(err, "kernels are auto%s", buf_text(&names));
    buf_clear(&names);
    return status;
}

enum status kernel_find(const char *name, const char *precision, const struct kernel **out,
                        struct error *err)
{
    if (!is_any(name)) {
        const struct kernel *row = find_row(name);
        if (!row)
            return unknown_row(name, err);
        if (!row->runs())
            return error_set(err, STATUS_INVALID, "this CPU can't run kernel \"%s\"", name);
        *out = row;
        return STATUS_OK;
    }
    for (size_t i = 0; nn_kernels[i]; i++) {
        const struct kernel *row = nn_kernels[i];
        bool is_wanted =
            is_any(precision) || strcmp(precision_name(row->precision), precision) == 0;
        if (is_wanted && row->runs()) {
            *out = row;
            return STATUS_OK;
        }
    }
    enum status status = error_set(err, STATUS_INVALID, "unknown precision \"%.40s\"", precision);
    error_hint(err, "precisions are auto, fp32, int16 and bf16");
    return status;
}

/* Keys and values; a tile of queries and their results, of scores and probabilities; scales. The
 * widest rows store two panels of probabilities at a time. A double for each key serves the scalar
 * rows. */
size_t kernel_scratch_bytes(size_t n, size_t n_inner)
{
    size_t n_padded = kernel_round_up(n) + KERNEL_PANEL;
    return sizeof(float) * (3 * n_padded * n_inner + (TILE_ROWS_MAX + 1) * (n_inner + n_padded));
}
