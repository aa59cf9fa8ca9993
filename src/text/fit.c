#include "text/fit.h"

#include "base/utf8.h"

static size_t blanks_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && text_is_blank(text[n]))
        n++;
    return n;
}

/* Looks no further than one byte past the longest word. */
static size_t word_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && n <= FIT_WORD_BYTES_MAX && !text_is_blank(text[n]))
        n++;
    return n;
}

bool fit_has_long_word(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t n = word_length(text + at, len - at);
        if (n > FIT_WORD_BYTES_MAX)
            return true;
        at += n + 1;
    }
    return false;
}

size_t fit_words(const struct text_counter *counter, const char *text, size_t len, size_t n_max,
                 size_t *out_n)
{
    size_t n_tokens = 0, fit = 0;
    for (size_t at = 0; at < len;) {
        size_t start = at + blanks_length(text + at, len - at);
        size_t n_word = word_length(text + start, len - start);
        if (n_word > FIT_WORD_BYTES_MAX)
            break;
        size_t n = counter->count(counter->model, text + start, n_word);
        bool is_first = fit == 0;
        if (n_tokens + n > n_max || (!is_first && fit_room(0, start + n_word) > n_max))
            break;
        n_tokens += n;
        fit = at = start + n_word;
    }
    *out_n = n_tokens;
    return fit;
}

size_t fit_characters(const struct text_counter *counter, const char *text, size_t len,
                      size_t n_max, size_t *out_n)
{
    uint32_t codepoint;
    size_t fit = utf8_decode(text, len, &codepoint), word = word_length(text, len);
    size_t n_tokens = counter->count(counter->model, text, fit);
    size_t high = utf8_floor(text, len, size_min(word, FIT_WORD_BYTES_MAX));
    for (size_t middle = high; middle > fit;) {
        size_t n = counter->count(counter->model, text, middle);
        if (n <= n_max) {
            fit = middle;
            n_tokens = n;
        } else {
            high = middle - 1;
        }
        middle = utf8_floor(text, len, fit + (high - fit + 1) / 2);
        if (middle == fit) /* the middle is inside one character */
            middle = utf8_floor(text, len, high);
    }
    *out_n = n_tokens;
    return fit;
}
