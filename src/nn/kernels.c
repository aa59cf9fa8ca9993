#include "nn/kernel.h"

#include <string.h>

#include "nn/nn.h"

extern const struct kernel kernel_avx2;
extern const struct kernel kernel_scalar;

const struct kernel *const nn_kernels[] = {&kernel_avx2, &kernel_scalar, NULL};

static const char *const names[] = {"avx2", "scalar", NULL};

const char *const *nn_kernel_names(void)
{
    return names;
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

enum status kernel_find(const char *name, const struct kernel **out, struct error *err)
{
    if (!name || strcmp(name, "auto") == 0) {
        size_t i = 0;
        while (!nn_kernels[i]->runs())
            i++;
        *out = nn_kernels[i];
        return STATUS_OK;
    }
    const struct kernel *row = find_row(name);
    if (!row) {
        enum status status = error_set(err, STATUS_INVALID, "unknown kernel \"%.40s\"", name);
        error_hint(err, "kernels are \"auto\", \"avx2\" and \"scalar\"");
        return status;
    }
    if (!row->runs())
        return error_set(err, STATUS_INVALID, "this CPU can't run kernel \"%s\"", name);
    *out = row;
    return STATUS_OK;
}
