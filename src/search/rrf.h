/* search/rrf.h - reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): a hit counts by its
 * places alone. Pure. Private to search/. */
#ifndef RAGGED_SEARCH_RRF_H
#define RAGGED_SEARCH_RRF_H

#include <stddef.h>

/* The part of a fused score (0..1) that a place in one of n_legs rankings gives:
 * 61 / ((60 + rank) * n_legs), so that the first place in all of them is 1. rank 0: not there. */
double rrf_part(size_t rank, size_t n_legs);

#endif
