#include "load/power.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define POWER_BYTES_MAX 32
#define MINUS "\xE2\x88\x92" /* U+2212 */

static size_t sign_len(const char *text)
{
    size_t n = strlen(MINUS);
    return *text == '+' || *text == '-' ? 1 : strncmp(text, MINUS, n) == 0 ? n : 0;
}

static bool is_letter(char c)
{
    return isascii((unsigned char)c) && isalpha((unsigned char)c);
}

/* A number or one letter, with or without a sign. */
static bool is_simple(const char *text)
{
    const char *at = text + sign_len(text);
    if (is_letter(*at))
        return !at[1];
    return *at && at[strspn(at, "0123456789.,")] == '\0';
}

/* More letters than one in a row are a word. */
static bool is_expression(const char *text)
{
    bool has_more = false;
    for (const char *at = text; *at; at++) {
        size_t n_sign = sign_len(at);
        if (is_letter(*at) && is_letter(at[1]))
            return false;
        if (!n_sign && !is_letter(*at) && !strchr("0123456789.,*/() ", *at))
            return false;
        has_more |= n_sign > 0 || isdigit((unsigned char)*at);
        at += n_sign > 1 ? n_sign - 1 : 0;
    }
    return has_more;
}

/* Letters of other alphabets are bytes above 0x7F. */
static bool has_power(unsigned char before)
{
    return before >= 0x80 || isalnum(before) || before == ')' || before == ']';
}

void power_mark(struct buf *text, size_t start)
{
    char raised[POWER_BYTES_MAX + 1];
    size_t len = start < text->len ? text->len - start : 0;
    if (text->failed || start == 0 || len == 0 || len > POWER_BYTES_MAX ||
        !has_power((unsigned char)text->data[start - 1]))
        return;
    memcpy(raised, text->data + start, len);
    raised[len] = '\0';
    bool is_plain = is_simple(raised);
    if (strlen(raised) != len || (!is_plain && !is_expression(raised)))
        return;
    buf_truncate(text, start);
    buf_printf(text, is_plain ? "^%s" : "^(%s)", raised);
}
