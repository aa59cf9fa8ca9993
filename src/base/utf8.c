#include "base/utf8.h"

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length by lead byte and the allowed range of the second byte (Unicode table 3-7). */
static size_t lead_length(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    if (lead < 0xE0)
        return 2;
    if (lead < 0xF0) {
        if (lead == 0xE0)
            *low = 0xA0;
        if (lead == 0xED)
            *high = 0x9F;
        return 3;
    }
    if (lead == 0xF0)
        *low = 0x90;
    if (lead == 0xF4)
        *high = 0x8F;
    return 4;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *out_codepoint)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned char low, high;
    size_t n = lead_length(s[0], &low, &high);
    if (n == 1) {
        *out_codepoint = s[0];
        return 1;
    }
    *out_codepoint = UTF8_REPLACEMENT;
    if (n == 0 || len < 2 || s[1] < low || s[1] > high)
        return 1;
    uint32_t codepoint = (uint32_t)(s[0] & (0xFF >> (n + 1))) << 6 | (s[1] & 0x3F);
    for (size_t i = 2; i < n; i++) {
        if (i >= len || !is_continuation(s[i]))
            return i;
        codepoint = codepoint << 6 | (s[i] & 0x3F);
    }
    *out_codepoint = codepoint;
    return n;
}

size_t utf8_encode(uint32_t codepoint, char out[4])
{
    if (codepoint > 0x10FFFF || (codepoint >= 0xD800 && codepoint <= 0xDFFF))
        codepoint = UTF8_REPLACEMENT;
    if (codepoint < 0x80) {
        out[0] = (char)codepoint;
        return 1;
    }
    size_t n = codepoint < 0x800 ? 2 : codepoint < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (codepoint & 0x3F));
        codepoint >>= 6;
    }
    out[0] = (char)(lead[n] | codepoint);
    return n;
}

bool utf8_is_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        if ((unsigned char)text[i] < 0x80) {
            i++;
            continue;
        }
        uint32_t codepoint;
        size_t n = utf8_decode(text + i, len - i, &codepoint);
        if (codepoint == UTF8_REPLACEMENT && (n != 3 || (unsigned char)text[i] != 0xEF))
            return false;
        i += n;
    }
    return true;
}

size_t utf8_whole_prefix(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char low, high, c = (unsigned char)text[len - back];
        if (is_continuation(c))
            continue;
        return lead_length(c, &low, &high) > back ? len - back : len;
    }
    return len;
}

size_t utf8_floor(const char *text, size_t len, size_t at)
{
    if (at >= len)
        return len;
    while (at > 0 && is_continuation((unsigned char)text[at]))
        at--;
    return at;
}
