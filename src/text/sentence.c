#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "text/text.h"

/* Words before a full stop that does not end a sentence; sorted by nothing, the list is short. */
static const char *const abbreviations[] = {
    "al",  "approx", "cf",  "ch",   "col", "corp", "dept", "dr",  "e.g",  "ed",   "eds",  "eq",
    "eqs", "est",    "fig", "figs", "gen", "gov",  "i.e",  "inc", "jr",   "lt",   "ltd",  "mr",
    "mrs", "ms",     "mt",  "no",   "nos", "op",   "p",    "pp",  "prof", "ref",  "refs", "rev",
    "sec", "sgt",    "sr",  "st",   "tab", "vol",  "vols", "vs",  "viz",  "resp",
};

static bool is_abbreviation(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof abbreviations / sizeof abbreviations[0]; i++)
        if (strlen(abbreviations[i]) == len && strncasecmp(abbreviations[i], word, len) == 0)
            return true;
    return false;
}

/* The word that ends right before text[dot]: letters and inner points. */
static bool dot_belongs_to_word(const char *text, size_t from, size_t dot)
{
    size_t start = dot;
    while (start > from && (isalpha((unsigned char)text[start - 1]) || text[start - 1] == '.'))
        start--;
    size_t len = dot - start;
    bool is_initial = len == 1 && isupper((unsigned char)text[start]) &&
                      (start == from || !isalnum((unsigned char)text[start - 1]));
    return is_initial || is_abbreviation(text + start, len);
}

static size_t skip_closers(const char *text, size_t len, size_t at)
{
    for (;;) {
        if (at < len && strchr(")]}\"'", text[at]) && text[at])
            at++;
        else if (len - at >= 3 && (memcmp(text + at, "\xE2\x80\x9D", 3) == 0 ||
                                   memcmp(text + at, "\xE2\x80\x99", 3) == 0 ||
                                   memcmp(text + at, "\xE3\x80\x8D", 3) == 0))
            at += 3;
        else if (len - at >= 2 && memcmp(text + at, "\xC2\xBB", 2) == 0)
            at += 2;
        else
            return at;
    }
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && isspace((unsigned char)text[at]))
        at++;
    return at;
}

static bool begins_lower(const char *text, size_t len, size_t at)
{
    if (at >= len)
        return false;
    uint32_t codepoint;
    utf8_decode(text + at, len - at, &codepoint);
    return utf8proc_category((utf8proc_int32_t)codepoint) == UTF8PROC_CATEGORY_LL;
}

/* Is the Latin mark at text[at] the end of the sentence that began at `from`? *out_end: behind its
 * blanks. */
static bool ends_here(const char *text, size_t len, size_t from, size_t at, size_t *out_end)
{
    size_t last = at;
    while (last + 1 < len && strchr(".!?", text[last + 1]) && text[last + 1])
        last++;
    size_t closed = skip_closers(text, len, last + 1);
    if (closed < len && !isspace((unsigned char)text[closed]))
        return false;
    size_t next = skip_blanks(text, len, closed);
    bool is_lone_dot = text[at] == '.' && last == at;
    if (begins_lower(text, len, next))
        return false;
    if (is_lone_dot && next < len && dot_belongs_to_word(text, from, at))
        return false;
    *out_end = next;
    return true;
}

/* U+3002, U+FF01, U+FF1F, U+FF0E, U+2026 end without a blank behind them. */
static size_t cjk_stop_at(const char *text, size_t len, size_t at)
{
    static const char stops[][4] = {"\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F", "\xEF\xBC\x8E"};
    for (size_t i = 0; len - at >= 3 && i < sizeof stops / sizeof stops[0]; i++)
        if (memcmp(text + at, stops[i], 3) == 0)
            return 3;
    return 0;
}

size_t text_sentence_end(const char *text, size_t len, size_t from)
{
    size_t at = skip_blanks(text, len, from);
    for (; at < len; at++) {
        size_t end;
        if (text[at] == '\n')
            return skip_blanks(text, len, at);
        if (strchr(".!?", text[at]) && text[at]) {
            if (ends_here(text, len, from, at, &end))
                return end;
            continue;
        }
        size_t n = (unsigned char)text[at] >= 0xE3 ? cjk_stop_at(text, len, at) : 0;
        if (n)
            return skip_blanks(text, len, skip_closers(text, len, at + n));
    }
    return len;
}
