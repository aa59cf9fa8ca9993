/* The map of a normaliser in its own bytes, and what it replaces: keys are the bytes of the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/charsmap.h"

static char *encode(const uint8_t *bytes, size_t len, size_t *out_len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(len / 3 * 4 + 5);
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        size_t n_bytes = len - i < 3 ? len - i : 3;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < n_bytes ? bytes[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            text[n++] = k <= n_bytes ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    *out_len = n;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len); /* libFuzzer calls it */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct error err;
    struct charsmap map = {0};
    size_t n_text = 0;
    char *text = encode(bytes, len, &n_text);
    if (charsmap_open(text, n_text, &map, &err) == STATUS_OK) {
        for (size_t i = 0; i < len; i++) {
            const char *found = charsmap_find(&map, (const char *)bytes + i, len - i);
            if (found && strlen(found) > map.n_texts)
                abort();
        }
        charsmap_clear(&map);
    }
    free(text);
    return 0;
}
