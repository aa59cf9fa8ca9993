#include "text/text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "base/utf8.h"

/* What a full stop behind a word says about the end of the sentence. */
enum stop_strength {
    STOP_ENDS,          /* an ordinary word */
    STOP_BEFORE_NUMBER, /* "no. 5": none when a number follows */
    STOP_BEFORE_OPENER, /* "Acme Inc.": only when the next word usually opens a sentence */
    STOP_NEVER,         /* "Dr.": something always follows */
};

struct abbreviation {
    const char *word;
    enum stop_strength strength;
};

static const struct abbreviation abbreviations[] = {
    {"adm", STOP_NEVER},          {"approx", STOP_NEVER},       {"ca", STOP_NEVER},
    {"capt", STOP_NEVER},         {"cf", STOP_NEVER},           {"col", STOP_NEVER},
    {"dr", STOP_NEVER},           {"e.g", STOP_NEVER},          {"eg", STOP_NEVER},
    {"esp", STOP_NEVER},          {"gen", STOP_NEVER},          {"gov", STOP_NEVER},
    {"hon", STOP_NEVER},          {"i.e", STOP_NEVER},          {"ie", STOP_NEVER},
    {"lt", STOP_NEVER},           {"maj", STOP_NEVER},          {"messrs", STOP_NEVER},
    {"mr", STOP_NEVER},           {"mrs", STOP_NEVER},          {"ms", STOP_NEVER},
    {"mt", STOP_NEVER},           {"pres", STOP_NEVER},         {"prof", STOP_NEVER},
    {"rev", STOP_NEVER},          {"sen", STOP_NEVER},          {"sgt", STOP_NEVER},
    {"st", STOP_NEVER},           {"viz", STOP_NEVER},          {"vs", STOP_NEVER},
    {"al", STOP_BEFORE_OPENER},   {"bros", STOP_BEFORE_OPENER}, {"co", STOP_BEFORE_OPENER},
    {"corp", STOP_BEFORE_OPENER}, {"dept", STOP_BEFORE_OPENER}, {"est", STOP_BEFORE_OPENER},
    {"inc", STOP_BEFORE_OPENER},  {"jr", STOP_BEFORE_OPENER},   {"ltd", STOP_BEFORE_OPENER},
    {"resp", STOP_BEFORE_OPENER}, {"sr", STOP_BEFORE_OPENER},   {"univ", STOP_BEFORE_OPENER},
    {"app", STOP_BEFORE_NUMBER},  {"art", STOP_BEFORE_NUMBER},  {"ch", STOP_BEFORE_NUMBER},
    {"chap", STOP_BEFORE_NUMBER}, {"ed", STOP_BEFORE_NUMBER},   {"eds", STOP_BEFORE_NUMBER},
    {"eq", STOP_BEFORE_NUMBER},   {"eqs", STOP_BEFORE_NUMBER},  {"fig", STOP_BEFORE_NUMBER},
    {"figs", STOP_BEFORE_NUMBER}, {"no", STOP_BEFORE_NUMBER},   {"nos", STOP_BEFORE_NUMBER},
    {"op", STOP_BEFORE_NUMBER},   {"p", STOP_BEFORE_NUMBER},    {"par", STOP_BEFORE_NUMBER},
    {"pp", STOP_BEFORE_NUMBER},   {"ref", STOP_BEFORE_NUMBER},  {"refs", STOP_BEFORE_NUMBER},
    {"sec", STOP_BEFORE_NUMBER},  {"tab", STOP_BEFORE_NUMBER},  {"vol", STOP_BEFORE_NUMBER},
    {"vols", STOP_BEFORE_NUMBER},
};

/* Words that, in upper case, rarely continue a name. */
static const char *const openers[] = {
    "A",    "After", "All",   "An",    "As",    "At",    "But",  "For",  "He",    "How",  "However",
    "If",   "In",    "It",    "Its",   "No",    "On",    "Our",  "She",  "Since", "So",   "Some",
    "That", "The",   "Their", "Then",  "There", "These", "They", "This", "Those", "Thus", "To",
    "We",   "What",  "When",  "Where", "While", "Who",   "Why",  "You",  "Your",
};

/* Marks that end a sentence with or without a blank behind them. */
static const char *const unspaced_stops[] = {
    "\xE3\x80\x82", "\xEF\xBC\x8E", "\xEF\xBC\x81", "\xEF\xBC\x9F", "\xEF\xBD\xA1", /* 。．！？｡ */
    "\xE0\xA5\xA4", "\xE0\xA5\xA5",                                                 /* danda */
    "\xE1\x8D\xA2",                                                                 /* Ethiopic */
};

static const char *const spaced_stops[] = {
    ".",
    "!",
    "?",
    "\xE2\x80\xA6" /* ellipsis */,
    "\xD8\x9F" /* Arabic ? */,
    "\xDB\x94" /* Urdu . */,
};

static const char *const closers[] = {
    ")",
    "]",
    "}",
    "\"",
    "'",
    "\xE2\x80\x9D",
    "\xE2\x80\x99",
    "\xC2\xBB",
    "\xE2\x80\xBA",
    "\xE3\x80\x8D",
    "\xE3\x80\x8F",
    "\xEF\xBC\x89",
    "\xE3\x80\x91",
    "\xE3\x80\x8B",
};

static const char *const quotes_and_brackets[] = {
    "(", "[", "\"", "'", "\xE2\x80\x9C", "\xE2\x80\x98", "\xC2\xAB", "\xC2\xBF", "\xC2\xA1", "*",
};

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

/* The length of the sign of the table that stands at text[at], 0: none. */
static size_t sign_at(const char *const *table, size_t n, const char *text, size_t len, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        size_t n_bytes = strlen(table[i]);
        if (len - at >= n_bytes && memcmp(text + at, table[i], n_bytes) == 0)
            return n_bytes;
    }
    return 0;
}

#define SIGN_AT(table, text, len, at) sign_at(table, COUNT_OF(table), text, len, at)

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && is_blank(text[at]))
        at++;
    return at;
}

/* "[12]" and "[3, 4]" behind the stop belong to the sentence they prove. */
static size_t skip_reference(const char *text, size_t len, size_t at)
{
    size_t end = at;
    if (end >= len || text[end] != '[')
        return at;
    do
        end++;
    while (end < len &&
           (is_digit(text[end]) || text[end] == ',' || text[end] == ' ' || text[end] == '-'));
    return end < len && end > at + 1 && text[end] == ']' ? end + 1 : at;
}

static size_t skip_closers(const char *text, size_t len, size_t at)
{
    for (size_t n = 1; n > 0; at += n) {
        size_t reference = skip_reference(text, len, at);
        n = reference > at ? reference - at : at < len ? SIGN_AT(closers, text, len, at) : 0;
    }
    return at;
}

static bool begins_with_lower(const char *text, size_t len)
{
    size_t at = 0, n;
    while (at < len && (n = SIGN_AT(quotes_and_brackets, text, len, at)) > 0)
        at += n;
    if (at >= len)
        return false;
    uint32_t codepoint;
    utf8_decode(text + at, len - at, &codepoint);
    return utf8proc_category((utf8proc_int32_t)codepoint) == UTF8PROC_CATEGORY_LL;
}

static bool begins_with_opener(const char *text, size_t len)
{
    size_t n_word = 0;
    while (n_word < len && is_letter(text[n_word]))
        n_word++;
    for (size_t i = 0; i < COUNT_OF(openers); i++)
        if (strlen(openers[i]) == n_word && memcmp(openers[i], text, n_word) == 0)
            return true;
    return false;
}

/* "J", "U.S", "p.m": single letters with dots between. */
static bool is_initials(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (i % 2 ? word[i] != '.' : !is_letter(word[i]) || (unsigned char)word[i] >= 0x80)
            return false;
    return len % 2 == 1;
}

static enum stop_strength strength_of(const char *word, size_t len, bool is_first)
{
    bool is_number = len > 0 && len <= 3;
    for (size_t i = 0; i < len; i++)
        is_number &= is_digit(word[i]);
    if (is_first && (is_number || is_initials(word, len)))
        return STOP_NEVER; /* "1. Introduction" */
    for (size_t i = 0; i < COUNT_OF(abbreviations); i++)
        if (strlen(abbreviations[i].word) == len &&
            strncasecmp(abbreviations[i].word, word, len) == 0)
            return abbreviations[i].strength;
    bool is_initial = is_initials(word, len) && (len > 1 || (word[0] >= 'A' && word[0] <= 'Z'));
    return is_initial ? STOP_BEFORE_OPENER : STOP_ENDS;
}

/* Does the lone full stop at text[dot] end the sentence that began at `from`, when text[next]
 * continues? */
static bool full_stop_ends(const char *text, size_t len, size_t from, size_t dot, size_t next)
{
    size_t start = dot;
    while (start > from &&
           (is_letter(text[start - 1]) || is_digit(text[start - 1]) || text[start - 1] == '.'))
        start--;
    switch (strength_of(text + start, dot - start, start == from)) {
    case STOP_NEVER:
        return false;
    case STOP_BEFORE_NUMBER:
        return !is_digit(text[next]);
    case STOP_BEFORE_OPENER:
        return begins_with_opener(text + next, len - next);
    default:
        return true;
    }
}

/* The end of the sentence when the run of marks text[at..stop) is one, 0 when it is not. */
static size_t end_behind_stop(const char *text, size_t len, size_t from, size_t at, size_t stop)
{
    size_t closed = skip_closers(text, len, stop);
    if (closed < len && !is_blank(text[closed]))
        return 0;
    size_t next = skip_blanks(text, len, closed);
    if (next == len || memchr(text + closed, '\n', next - closed))
        return next;
    if (begins_with_lower(text + next, len - next))
        return 0;
    bool is_full_stop = text[at] == '.' && stop == at + 1;
    return !is_full_stop || full_stop_ends(text, len, from, at, next) ? next : 0;
}

/* The end of the run of stops at text[at], `at` when there is none. */
static size_t skip_stops(const char *text, size_t len, size_t at, bool *out_is_unspaced)
{
    *out_is_unspaced = false;
    for (size_t n = 1; n > 0 && at < len; at += n) {
        size_t n_unspaced = SIGN_AT(unspaced_stops, text, len, at);
        *out_is_unspaced |= n_unspaced > 0;
        n = n_unspaced ? n_unspaced : SIGN_AT(spaced_stops, text, len, at);
    }
    return at;
}

static bool may_be_stop(char c)
{
    return c == '.' || c == '!' || c == '?' || (unsigned char)c >= 0xD8;
}

size_t text_sentence_end(const char *text, size_t len, size_t from)
{
    size_t first = skip_blanks(text, len, from);
    for (size_t at = first; at < len;) {
        if (text[at] == '\n')
            return skip_blanks(text, len, at);
        bool is_unspaced = false;
        size_t stop = may_be_stop(text[at]) ? skip_stops(text, len, at, &is_unspaced) : at;
        if (stop == at) {
            at++;
            continue;
        }
        size_t end = is_unspaced ? skip_blanks(text, len, skip_closers(text, len, stop))
                                 : end_behind_stop(text, len, first, at, stop);
        if (end > 0)
            return end;
        at = stop;
    }
    return len;
}
