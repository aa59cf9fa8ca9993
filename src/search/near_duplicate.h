/* search/near_duplicate.h - passages that say the same in almost the same words. Private to
 * search/. Pure. */
#ifndef RAGGED_SEARCH_NEAR_DUPLICATE_H
#define RAGGED_SEARCH_NEAR_DUPLICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* The distinct pairs of successive words of a text, as ascending hashes; blanks, case and
 * punctuation do not matter. */
struct shingles {
    uint64_t *hashes; /* from the arena */
    size_t n;
};
enum status shingles_init(struct shingles *out, const char *text, struct arena *arena,
                          struct error *err) MUST_USE;

/* Do they share nine tenths of all they have (Jaccard)? Texts of a few words are never alike: what
 * stands over them tells them apart. */
bool shingles_are_alike(const struct shingles *a, const struct shingles *b);

#endif
