#include "app/safe_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static bool is_unsafe(uint32_t c, enum safe_form form)
{
    static const struct range unsafe[] = {
        {0x00, 0x08},     {0x0B, 0x1F},     {0x7F, 0x9F},
        {0x202A, 0x202E}, {0x2066, 0x2069}, {0xE0000, 0xE007F},
    };
    if ((c == '\n' || c == '\t') && form == SAFE_FORM_LINE)
        return true;
    return is_in(c, unsafe, sizeof unsafe / sizeof unsafe[0]);
}

static void append_escaped(struct buf *out, uint32_t c, enum safe_form form)
{
    if (form == SAFE_FORM_JSON && c > 0xFFFF)
        buf_printf(out, "\\u%04X\\u%04X", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + (c & 0x3FF));
    else if (form == SAFE_FORM_YAML && c > 0xFFFF)
        buf_printf(out, "\\U%08X", c);
    else if (form == SAFE_FORM_JSON || form == SAFE_FORM_YAML)
        buf_printf(out, "\\u%04X", c);
    else if (c <= 0xFF)
        buf_printf(out, "\\x%02X", c);
    else
        buf_printf(out, "\\u{%X}", c);
}

void safe_text_append(struct buf *out, const char *text, size_t len, enum safe_form form)
{
    size_t clean_from = 0;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, len - i, &c);
        bool is_malformed =
            c == UTF8_REPLACEMENT && (n != 3 || memcmp(text + i, "\xEF\xBF\xBD", 3) != 0);
        if (is_malformed || is_unsafe(c, form)) {
            buf_append(out, text + clean_from, i - clean_from);
            for (size_t j = 0; is_malformed && j < n; j++)
                buf_printf(out, "\\x%02X", (unsigned char)text[i + j]);
            if (!is_malformed)
                append_escaped(out, c, form);
            clean_from = i + n;
        }
        i += n;
    }
    buf_append(out, text + clean_from, len - clean_from);
}

void safe_text_squeeze(struct buf *out, const char *text, size_t len, size_t n_max)
{
    size_t start = out->len;
    bool is_gap = false;
    for (size_t i = 0; i < len && !out->failed; i++) {
        if (strchr(" \t\r\n\f\v", text[i]) && text[i]) {
            is_gap = out->len > start;
            continue;
        }
        if (is_gap)
            buf_append_char(out, ' ');
        is_gap = false;
        buf_append_char(out, text[i]);
        if (out->len - start > n_max) {
            buf_truncate(out, start + utf8_floor(out->data + start, out->len - start, n_max));
            buf_append_text(out, "...");
            return;
        }
    }
}

size_t safe_text_width(const char *text, size_t len)
{
    static const struct range wide[] = {
        {0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
        {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
        {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD},
    };
    static const struct range none[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F}};
    size_t width = 0;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        i += utf8_decode(text + i, len - i, &c);
        if (!is_in(c, none, sizeof none / sizeof none[0]))
            width += is_in(c, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
    }
    return width;
}
