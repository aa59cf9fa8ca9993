#include "nn/cluster.h"

#include <stdbool.h>
#include <stdint.h>
#include <utf8proc.h>

#include "base/utf8.h"

/* Marks that Unicode 15.1, 16 and 17 added, found by asking the reference implementation about each
 * code point: the library may be older. Ordered. */
static const struct {
    uint32_t first, last;
} late_marks[] = {
    {0x0897, 0x0897},   {0x1ACF, 0x1ADD},   {0x1AE0, 0x1AEB},   {0x10D69, 0x10D6D},
    {0x10EFA, 0x10EFC}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2}, {0x113C5, 0x113C5},
    {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2}, {0x113E1, 0x113E2},
    {0x11B60, 0x11B67}, {0x11F5A, 0x11F5A}, {0x1611E, 0x1612F}, {0x1E5EE, 0x1E5EF},
    {0x1E6E3, 0x1E6E3}, {0x1E6E6, 0x1E6E6}, {0x1E6EE, 0x1E6EF}, {0x1E6F5, 0x1E6F5},
};
#define N_LATE_MARKS (sizeof late_marks / sizeof late_marks[0])

static bool is_late_mark(uint32_t c)
{
    if (c < late_marks[0].first || c > late_marks[N_LATE_MARKS - 1].last)
        return false;
    size_t i = 0;
    while (c > late_marks[i].last)
        i++;
    return c >= late_marks[i].first;
}

static bool is_control(uint32_t c)
{
    unsigned kind = utf8proc_get_property((utf8proc_int32_t)c)->boundclass;
    return kind == UTF8PROC_BOUNDCLASS_CONTROL || kind == UTF8PROC_BOUNDCLASS_CR ||
           kind == UTF8PROC_BOUNDCLASS_LF;
}

size_t cluster_length(const char *text, size_t len)
{
    uint32_t before, c;
    utf8proc_int32_t state = 0;
    size_t at = utf8_decode(text, len, &before);
    while (at < len) {
        size_t n = utf8_decode(text + at, len - at, &c);
        bool is_end =
            utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)c, &state);
        if (is_end && (!is_late_mark(c) || is_control(before)))
            break;
        before = c;
        at += n;
    }
    return at;
}
