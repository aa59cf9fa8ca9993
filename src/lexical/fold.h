/* lexical/fold.h - lower case, as terms have it. Private to lexical/. */
#ifndef RAGGED_LEXICAL_FOLD_H
#define RAGGED_LEXICAL_FOLD_H

#include <stddef.h>

#define TERM_BYTES_MAX 255

/* At most TERM_BYTES_MAX bytes, in whole characters; returns how many. */
size_t fold_text(const char *text, size_t len, char out[TERM_BYTES_MAX]);

#endif
