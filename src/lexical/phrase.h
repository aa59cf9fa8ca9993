/* lexical/phrase.h - do terms stand one behind the other in a row? Private to lexical/. */
#ifndef RAGGED_LEXICAL_PHRASE_H
#define RAGGED_LEXICAL_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a term stands in a row, ascending. */
struct positions {
    const uint32_t *at; /* borrowed */
    size_t n;
};

/* Is there a p with p in terms[0], p + 1 in terms[1], ...? */
bool phrase_occurs(const struct positions *terms, size_t n);

#endif
