#include "lexical/fold.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

/* Lower case; characters that only look different become one: the apostrophe of print, full-width
 * ASCII, the Greek sigma at a word's end (its capital tells no difference). */
static uint32_t fold(uint32_t codepoint)
{
    if (codepoint == 0x2019)
        return '\'';
    if (codepoint >= 0xFF01 && codepoint <= 0xFF5E)
        codepoint -= 0xFF01 - '!';
    codepoint = (uint32_t)utf8proc_tolower((utf8proc_int32_t)codepoint);
    return codepoint == 0x03C2 ? 0x03C3 : codepoint;
}

size_t fold_text(const char *text, size_t len, char out[TERM_BYTES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80) {
            if (n == TERM_BYTES_MAX)
                break;
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
            i++;
            continue;
        }
        uint32_t codepoint;
        char bytes[4];
        i += utf8_decode(text + i, len - i, &codepoint);
        size_t n_bytes = utf8_encode(fold(codepoint), bytes);
        if (n + n_bytes > TERM_BYTES_MAX)
            break;
        memcpy(out + n, bytes, n_bytes);
        n += n_bytes;
    }
    return n;
}
