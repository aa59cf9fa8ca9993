#include "load/entity.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    const char *name;
    uint16_t codepoint;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xA0},    {"copy", 0xA9},    {"reg", 0xAE},      {"trade", 0x2122}, {"deg", 0xB0},
    {"plusmn", 0xB1},  {"times", 0xD7},   {"divide", 0xF7},   {"middot", 0xB7},  {"sect", 0xA7},
    {"para", 0xB6},    {"euro", 0x20AC},  {"pound", 0xA3},    {"cent", 0xA2},    {"yen", 0xA5},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"bull", 0x2022},  {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D},  {"laquo", 0xAB},   {"raquo", 0xBB},
    {"larr", 0x2190},  {"rarr", 0x2192},  {"uarr", 0x2191},   {"darr", 0x2193},  {"le", 0x2264},
    {"ge", 0x2265},    {"ne", 0x2260},    {"asymp", 0x2248},  {"infin", 0x221E}, {"micro", 0xB5},
    {"frac12", 0xBD},  {"frac14", 0xBC},  {"frac34", 0xBE},   {"alpha", 0x3B1},  {"beta", 0x3B2},
    {"gamma", 0x3B3},  {"delta", 0x3B4},  {"lambda", 0x3BB},  {"mu", 0x3BC},     {"pi", 0x3C0},
    {"sigma", 0x3C3},  {"omega", 0x3C9},  {"auml", 0xE4},     {"ouml", 0xF6},    {"uuml", 0xFC},
    {"Auml", 0xC4},    {"Ouml", 0xD6},    {"Uuml", 0xDC},     {"szlig", 0xDF},   {"eacute", 0xE9},
    {"egrave", 0xE8},  {"agrave", 0xE0},  {"ccedil", 0xE7},   {"ntilde", 0xF1},  {"aring", 0xE5},
    {"oslash", 0xF8},  {"ensp", ' '},     {"emsp", ' '},      {"thinsp", ' '},   {"check", 0x2713},
    {"zwj", 0x200D},   {"zwnj", 0x200C},
};

/* "&#10;" or "&#xA;" between the '#' and the ';'; 0 when it is no number. */
static uint32_t decode_number(const char *digits, size_t len)
{
    bool is_hex = len > 0 && (digits[0] == 'x' || digits[0] == 'X');
    uint32_t value = 0;
    for (size_t i = is_hex ? 1 : 0; i < len; i++) {
        const char *all = "0123456789abcdef0123456789ABCDEF";
        const char *found = digits[i] ? strchr(all, digits[i]) : NULL;
        uint32_t digit = found ? (uint32_t)(found - all) % 16 : 16;
        if (digit >= (is_hex ? 16u : 10u) || value > 0x10FFFF)
            return 0;
        value = value * (is_hex ? 16 : 10) + digit;
    }
    return value <= 0x10FFFF ? value : UTF8_REPLACEMENT;
}

void entity_decode(const char *text, size_t len, struct buf *out)
{
    uint32_t codepoint = 0;
    size_t n_name = len >= 2 ? len - 2 : 0;
    if (n_name > 1 && text[1] == '#')
        codepoint = decode_number(text + 2, n_name - 1);
    for (size_t i = 0; !codepoint && i < sizeof entities / sizeof entities[0]; i++)
        if (strlen(entities[i].name) == n_name && memcmp(entities[i].name, text + 1, n_name) == 0)
            codepoint = entities[i].codepoint;
    if (codepoint)
        buf_append_codepoint(out, codepoint);
    else
        buf_append(out, text, len);
}

void entity_strip_tags(const char *html, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        const char *end = NULL;
        if (html[i] == '<' && len - i >= 4 && memcmp(html + i, "<!--", 4) == 0) {
            end = memmem(html + i, len - i, "-->", 3);
            i = end ? (size_t)(end - html) + 3 : len;
        } else if (html[i] == '<') {
            end = memchr(html + i, '>', len - i);
            i = end ? (size_t)(end - html) + 1 : len;
            buf_append_char(out, ' ');
        } else if (html[i] == '&' && (end = memchr(html + i, ';', len - i < 12 ? len - i : 12))) {
            entity_decode(html + i, (size_t)(end - html) - i + 1, out);
            i = (size_t)(end - html) + 1;
        } else {
            buf_append_char(out, html[i++]);
        }
    }
}
