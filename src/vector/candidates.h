/* vector/candidates.h - the best n of a stream of scored rows; private to vector/.
 *
 * A key holds score and row such that a larger key is a better row: larger score first, then the
 * lower row. Keys gather unsorted; when the memory is full the best n stay and the worst of them
 * becomes the threshold. One thread at a time. */
#ifndef RAGGED_VECTOR_CANDIDATES_H
#define RAGGED_VECTOR_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct candidates {
    uint64_t *keys; /* [n_max], owned */
    size_t n, n_max, n_best;
    float threshold; /* rows that are later and not above it need not be added */
};

enum status candidates_init(struct candidates *candidates, size_t n_best,
                            struct error *err) MUST_USE;
void candidates_clear(struct candidates *candidates); /* zeroed is fine */

/* score is not NaN. */
void candidates_add(struct candidates *candidates, float score, uint32_t row);
void candidates_add_key(struct candidates *candidates, uint64_t key);
/* Leaves the best n_best, or fewer, in any order. */
void candidates_cut(struct candidates *candidates);
/* Cuts and sorts, best first. */
void candidates_sort(struct candidates *candidates);

float candidates_score(uint64_t key);
uint32_t candidates_row(uint64_t key);

#endif
