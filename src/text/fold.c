#include <utf8proc.h>

#include "base/utf8.h"
#include "text/text.h"

#define FOLDED_MAX 4 /* of one character; the longest is three */

/* A text read character by character, folded. */
struct folder {
    const char *at;
    size_t n_left;
    utf8proc_int32_t folded[FOLDED_MAX];
    unsigned i_folded, n_folded;
};

static uint32_t lower_ascii(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20u : c;
}

static bool next_folded(struct folder *folder, uint32_t *out)
{
    if (folder->i_folded < folder->n_folded) {
        *out = (uint32_t)folder->folded[folder->i_folded++];
        return true;
    }
    if (folder->n_left == 0)
        return false;
    unsigned char c = (unsigned char)*folder->at;
    uint32_t codepoint = lower_ascii(c);
    size_t n = c < 0x80 ? 1 : utf8_decode(folder->at, folder->n_left, &codepoint);
    folder->at += n;
    folder->n_left -= n;
    if (codepoint >= 0x80) {
        int boundary = 0;
        utf8proc_ssize_t n_folded = utf8proc_decompose_char(
            (utf8proc_int32_t)codepoint, folder->folded, FOLDED_MAX, UTF8PROC_CASEFOLD, &boundary);
        if (n_folded >= 1 && n_folded <= FOLDED_MAX) {
            folder->n_folded = (unsigned)n_folded;
            folder->i_folded = 1;
            codepoint = (uint32_t)folder->folded[0];
        }
    }
    *out = codepoint;
    return true;
}

void text_fold(const char *text, size_t len, struct buf *out)
{
    struct folder folder = {.at = text, .n_left = len};
    uint32_t codepoint;
    while (next_folded(&folder, &codepoint))
        buf_append_codepoint(out, codepoint);
}

int text_compare_folded(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct folder left = {.at = a, .n_left = a_len}, right = {.at = b, .n_left = b_len};
    for (;;) {
        uint32_t x = 0, y = 0;
        bool has_x = next_folded(&left, &x), has_y = next_folded(&right, &y);
        if (!has_x || !has_y)
            return (int)has_x - (int)has_y;
        if (x != y)
            return x < y ? -1 : 1;
    }
}

static bool begins_folded(struct folder text, struct folder part)
{
    uint32_t x, y;
    while (next_folded(&part, &y))
        if (!next_folded(&text, &x) || x != y)
            return false;
    return true;
}

bool text_contains_folded(const char *text, size_t len, const char *part, size_t part_len)
{
    const struct folder wanted = {.at = part, .n_left = part_len};
    struct folder front = wanted;
    uint32_t first;
    if (!next_folded(&front, &first))
        return true;
    for (size_t i = 0;;) {
        while (i < len && (unsigned char)text[i] < 0x80 &&
               lower_ascii((unsigned char)text[i]) != first)
            i++;
        if (begins_folded((struct folder){.at = text + i, .n_left = len - i}, wanted))
            return true;
        if (i == len)
            return false;
        uint32_t codepoint;
        i += utf8_decode(text + i, len - i, &codepoint);
    }
}
