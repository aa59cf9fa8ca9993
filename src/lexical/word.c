#include "lexical/word.h"

#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

/* Scripts whose words are not set apart by blanks, and Korean, whose words grow endings. */
static const struct {
    uint32_t first, last;
} unspaced[] = {
    {0x0E00, 0x0EFF}, /* Thai, Lao */
    {0x1000, 0x109F}, /* Myanmar */
    {0x1780, 0x17FF}, /* Khmer */
    {0x3005, 0x3005}, /* the sign that repeats an ideograph */
    {0x3040, 0x30FF}, /* Hiragana, Katakana */
    {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x20000, 0x323AF}, /* ideographs, Hangul, half-width */
};

static bool is_unspaced(uint32_t codepoint)
{
    if (codepoint < unspaced[0].first)
        return false;
    for (size_t i = 0; i < sizeof unspaced / sizeof unspaced[0]; i++)
        if (codepoint >= unspaced[i].first && codepoint <= unspaced[i].last)
            return true;
    return false;
}

enum word_class word_class_of(uint32_t codepoint)
{
    if (codepoint < 0x80) {
        if ((codepoint | 0x20) >= 'a' && (codepoint | 0x20) <= 'z')
            return WORD_CLASS_LETTER;
        return codepoint >= '0' && codepoint <= '9' ? WORD_CLASS_DIGIT : WORD_CLASS_OTHER;
    }
    switch (utf8proc_category((utf8proc_int32_t)codepoint)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return is_unspaced(codepoint) ? WORD_CLASS_UNSPACED : WORD_CLASS_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return WORD_CLASS_DIGIT;
    default:
        return WORD_CLASS_OTHER;
    }
}

static enum word_class class_at(const char *text, size_t len, size_t at, size_t *out_n)
{
    uint32_t codepoint;
    *out_n = utf8_decode(text + at, len - at, &codepoint);
    return word_class_of(codepoint);
}

static bool is_word_class(enum word_class class)
{
    return class == WORD_CLASS_LETTER || class == WORD_CLASS_DIGIT;
}

/* The bytes that join the word before `at` to the one behind, 0 when nothing does. U+2019 is the
 * apostrophe of print. A comma joins digits only. */
static size_t joiner_at(const char *text, size_t len, size_t at, bool is_digit_before)
{
    size_t n = 0, n_next;
    if ((unsigned char)text[at] <= ' ')
        return 0;
    if (text[at] == '_')
        while (at + n < len && text[at + n] == '_')
            n++;
    else if (strchr("'.-:/+#@&,", text[at]))
        n = 1;
    else if (len - at >= 3 && memcmp(text + at, "\xE2\x80\x99", 3) == 0)
        n = 3;
    if (n == 0 || at + n >= len)
        return 0;
    enum word_class next = class_at(text, len, at + n, &n_next);
    if (text[at] == ',' && !(is_digit_before && next == WORD_CLASS_DIGIT))
        return 0;
    return is_word_class(next) ? n : 0;
}

/* "C++", "C#", "F#": the sign belongs to a word of one letter. */
static size_t sign_behind(const char *text, size_t len, size_t at, bool is_one_letter)
{
    if (!is_one_letter || at >= len)
        return 0;
    if (text[at] == '#')
        return 1;
    return len - at >= 2 && text[at] == '+' && text[at + 1] == '+' ? 2 : 0;
}

static size_t end_of_unspaced(const char *text, size_t len, size_t at)
{
    size_t n;
    while (at < len && class_at(text, len, at, &n) == WORD_CLASS_UNSPACED)
        at += n;
    return at;
}

/* What a spaced word looked like on the way to its end. */
struct shape {
    size_t n_codepoints;
    bool has_digit, has_joiner, has_lower_then_upper, is_last_lower, is_last_digit;
};

static void note(struct shape *shape, const char *text, size_t at, enum word_class class)
{
    bool is_upper = text[at] >= 'A' && text[at] <= 'Z';
    shape->n_codepoints++;
    shape->has_digit |= class == WORD_CLASS_DIGIT;
    shape->has_lower_then_upper |= is_upper && shape->is_last_lower;
    shape->is_last_lower = text[at] >= 'a' && text[at] <= 'z';
    shape->is_last_digit = class == WORD_CLASS_DIGIT;
}

static size_t end_of_spaced(const char *text, size_t len, size_t at, struct shape *shape)
{
    while (at < len) {
        size_t n;
        enum word_class class = class_at(text, len, at, &n);
        if (is_word_class(class)) {
            note(shape, text, at, class);
        } else {
            n = joiner_at(text, len, at, shape->is_last_digit);
            if (n == 0)
                break;
            shape->has_joiner |= text[at] != '\'' && n != 3;
        }
        at += n;
    }
    size_t sign = sign_behind(text, len, at, shape->n_codepoints == 1 && !shape->has_digit);
    shape->has_joiner |= sign > 0;
    return at + sign;
}

static enum word_kind kind_of(const struct shape *shape)
{
    if (shape->has_digit || shape->has_joiner)
        return WORD_COMPOUND;
    return shape->has_lower_then_upper ? WORD_CAMEL : WORD_PLAIN;
}

bool word_next(const char *text, size_t len, size_t from, struct word *out)
{
    for (size_t at = from; at < len;) {
        size_t n;
        enum word_class class = class_at(text, len, at, &n);
        if (class == WORD_CLASS_UNSPACED) {
            *out = (struct word){
                .start = at, .len = end_of_unspaced(text, len, at) - at, .kind = WORD_UNSPACED};
            return true;
        }
        if (is_word_class(class)) {
            struct shape shape = {0};
            size_t end = end_of_spaced(text, len, at, &shape);
            *out = (struct word){.start = at, .len = end - at, .kind = kind_of(&shape)};
            return true;
        }
        at += n;
    }
    return false;
}
