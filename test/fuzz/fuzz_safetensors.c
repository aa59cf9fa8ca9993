/* The reader of weight files, and what is bound from them. */
#include <stdint.h>

#include "fuzz.h"
#include "nn/safetensors.h"
#include "nn/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len); /* libFuzzer calls it */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct model_config config = {.n_layers = 1,
                                               .dim = 2,
                                               .n_heads = 1,
                                               .n_inner = 2,
                                               .n_vocabulary = 3,
                                               .n_positions = 4,
                                               .n_types = 1,
                                               .position_offset = 2,
                                               .n_labels = 1};
    struct error err;
    struct safetensors file = {0};
    struct weights weights = {0};
    struct head head = {0};
    const char *path = fuzz_file("model.safetensors", bytes, len);
    if (safetensors_open(path, &file, &err))
        return 0;
    for (size_t i = 0; i < file.n_tensors; i++)
        fuzz_touch(file.tensors[i].data.bytes, file.tensors[i].data.len);
    (void)!safetensors_widen(&file, &err);
    if (weights_bind(&file, &config, &weights, &err) == STATUS_OK)
        weights_clear(&weights);
    (void)!weights_bind_head(&file, &config, &head, &err);
    safetensors_close(&file);
    return 0;
}
