/* The reader of tokenizer.json, and texts through what it read: the bytes after the first NUL. */
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "nn/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len); /* libFuzzer calls it */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct model_config config = {.n_vocabulary = 1000};
    struct error err;
    struct tokenizer tokenizer = {0};
    int32_t ids[64];
    const uint8_t *nul = memchr(bytes, 0, len);
    size_t n_file = nul ? (size_t)(nul - bytes) : len;
    const char *text = (const char *)bytes + n_file;
    fuzz_file("tokenizer.json", bytes, n_file);
    if (tokenizer_open(fuzz_folder(), &config, &tokenizer, &err))
        return 0;
    tokenizer_encode(&tokenizer, text, len - n_file, ids, 64);
    for (size_t i = 0; i < 40; i++) /* words as long as the window */
        tokenizer_encode(&tokenizer, (const char *)bytes, n_file, NULL, SIZE_MAX);
    tokenizer_close(&tokenizer);
    return 0;
}
