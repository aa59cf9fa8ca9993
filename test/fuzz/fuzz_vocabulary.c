/* The reader of vocab.txt, and texts through what it read: the bytes after the first NUL. */
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "nn/vocabulary.h"
#include "nn/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len); /* libFuzzer calls it */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error err;
    struct vocabulary vocabulary = {0};
    int32_t ids[64];
    const uint8_t *nul = memchr(bytes, 0, len);
    size_t n_file = nul ? (size_t)(nul - bytes) : len;
    const char *text = (const char *)bytes + n_file;
    if (vocabulary_open(fuzz_file("vocab.txt", bytes, n_file), &vocabulary, &err))
        return 0;
    for (int casing = CASING_UNCASED; casing <= CASING_STRIPPED; casing++)
        wordpiece_encode(&vocabulary, (enum casing)casing, text, len - n_file, ids, 64);
    vocabulary_close(&vocabulary);
    return 0;
}
