/* search/leg.h - what one way of searching found: by words, or by meaning. Private to search/. */
#ifndef RAGGED_SEARCH_LEG_H
#define RAGGED_SEARCH_LEG_H

#include <stddef.h>
#include <stdint.h>

struct leg_hit {
    int64_t chunk_id, document_id;
    double score;
};

/* Best first, ties by the older chunk; keeps at most n_best. Returns how many there are then. */
size_t leg_rank(struct leg_hit *hits, size_t n, size_t n_best);

#endif
