/* app/safe_text.h - text from outside made harmless for a terminal.
 *
 * Control characters (C0 but newline and tab, DEL, C1 raw or as UTF-8), bidirectional overrides
 * (U+202A-E, U+2066-9), tag characters (U+E0000-7F) and bytes that are not UTF-8 become visible.
 * Pure functions, any thread. */
#ifndef RAGGED_APP_SAFE_TEXT_H
#define RAGGED_APP_SAFE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum safe_form {
    SAFE_FORM_TEXT, /* \x1B, \u{202E} */
    SAFE_FORM_LINE, /* the same, and newline and tab as \x0A, \x09 */
    SAFE_FORM_JSON, /* for text that is JSON already: \u202E, surrogate pairs */
    SAFE_FORM_YAML  /* for JSON scalars inside YAML: \u202E, \U000E0041 */
};
void safe_text_append(struct buf *out, const char *text, size_t len, enum safe_form form);

/* Runs of white space become one space; at most n_max bytes, cut at a character with "...". */
void safe_text_squeeze(struct buf *out, const char *text, size_t len, size_t n_max);

/* Columns of a terminal that valid UTF-8 takes: wide East Asian 2, combining marks 0. */
size_t safe_text_width(const char *text, size_t len);

#endif
