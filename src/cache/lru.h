/* cache/lru.h - blobs under 128-bit keys, the one that was not used for longest goes first. One
 * thread at a time. Private to cache/. */
#ifndef RAGGED_CACHE_LRU_H
#define RAGGED_CACHE_LRU_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/span.h"
#include "base/status.h"

struct lru_entry;

/* A zeroed one is empty and holds what it is given: its user sees to the bound. */
struct lru {
    struct lru_entry **slots; /* heads of chains; [n_slots], a power of two */
    struct lru_entry *newest, *oldest;
    size_t n, n_slots, n_bytes; /* n_bytes: of the entries with what they need around them */
};

/* Makes it the newest. *out is borrowed until the next change. */
bool lru_find(struct lru *lru, const struct hash128 *key, struct span *out);
/* Copies; in place of an entry of the same key. Unchanged on failure. */
enum status lru_put(struct lru *lru, const struct hash128 *key, const void *bytes, size_t len,
                    struct error *err) MUST_USE;
/* What an entry of so many bytes adds to n_bytes. */
size_t lru_entry_bytes(size_t len);
/* False: it is empty. */
bool lru_drop_oldest(struct lru *lru);
void lru_clear(struct lru *lru); /* zeroed is fine */

#endif
