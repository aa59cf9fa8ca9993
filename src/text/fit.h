/* text/fit.h - the longest beginning of a text with at most so many tokens. Private to text/. */
#ifndef RAGGED_TEXT_FIT_H
#define RAGGED_TEXT_FIT_H

#include <stdbool.h>

#include "base/checked.h"
#include "text/text.h"

/* A longer "word" is no word (base64, a minified program) and is cut like one that has too many
 * tokens: models count such a word as one unknown token whatever its length. */
#define FIT_WORD_BYTES_MAX 1024

/* Some characters are no tokens at all to a model; text is charged one token for so many bytes, so
 * that no passage grows without end. */
#define FIT_TOKEN_BYTES_MAX 64

/* What a text takes of a passage's room; equals its tokens for all but odd texts. */
static inline size_t fit_room(size_t n_tokens, size_t len)
{
    return size_max(n_tokens, len / FIT_TOKEN_BYTES_MAX);
}

bool fit_has_long_word(const char *text, size_t len);

/* At the end of a word; 0 when the first word alone is too long. *out_n: its tokens. */
size_t fit_words(const struct text_counter *counter, const char *text, size_t len, size_t n_max,
                 size_t *out_n);

/* Inside the first word of the text, at least one character. */
size_t fit_characters(const struct text_counter *counter, const char *text, size_t len,
                      size_t n_max, size_t *out_n);

static inline bool text_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
