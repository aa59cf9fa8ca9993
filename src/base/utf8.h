/* base/utf8.h - UTF-8 bytes and code points. Pure functions, any thread. */
#ifndef RAGGED_BASE_UTF8_H
#define RAGGED_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xFFFDu

/* Decodes the character at text[0..len-1], len >= 1, and returns how many bytes it took (1..4).
 * Malformed input (overlong, surrogate, cut short, > U+10FFFF) gives UTF8_REPLACEMENT and the
 * length of its longest valid beginning, at least 1. */
size_t utf8_decode(const char *text, size_t len, uint32_t *out_codepoint);

/* Writes 1..4 bytes; a surrogate or a value beyond U+10FFFF is written as U+FFFD. */
size_t utf8_encode(uint32_t codepoint, char out[4]);

bool utf8_is_valid(const char *text, size_t len);

/* The length without an incomplete character at the end. */
size_t utf8_whole_prefix(const char *text, size_t len);

/* The largest offset <= at that begins a character (or equals len). */
size_t utf8_floor(const char *text, size_t len, size_t at);

#endif
