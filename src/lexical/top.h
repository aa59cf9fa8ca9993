/* lexical/top.h - the best k hits: a heap in the caller's array, the worst of them first. Private
 * to lexical/. */
#ifndef RAGGED_LEXICAL_TOP_H
#define RAGGED_LEXICAL_TOP_H

#include "lexical/lexical_index.h"

struct top {
    struct lexical_hit *hits; /* borrowed, [k] */
    size_t n, k;
    int32_t floor; /* only scores above it matter: rises with what was found */
};

/* Rows must come in ascending order: then an equal score never displaces one. */
void top_add(struct top *top, uint32_t row, int32_t score);
/* Best first, ties by row. The top is over. */
void top_sort(struct top *top);

#endif
