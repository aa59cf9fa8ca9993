/* store/store_cache.h - a file of blobs under 128-bit keys, for what can be made anew: it may be
 * lost or deleted at any time, and is never wrong. Part of the door store.h.
 *
 * <data>/cache/queries.db is a small SQLite database of its own: one row a blob, with the checksum
 * of key and blob, without syncs. What is damaged, foreign or of another version is not found, and
 * made anew by the next write. Threads: one thread at a time per struct store_cache; any number of
 * processes. */
#ifndef RAGGED_STORE_STORE_CACHE_H
#define RAGGED_STORE_STORE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/status.h"

#define STORE_CACHE_FILE "cache/queries.db" /* below the data folder */
#define STORE_CACHE_KINDS 8                 /* kinds are numbers below it */

struct store_cache;

/* `folder`: of the library. Opens nothing yet. */
enum status store_cache_new(const char *folder, struct store_cache **out,
                            struct error *err) MUST_USE;
void store_cache_free(struct store_cache *cache); /* NULL is fine */
/* Looks for the file anew when it is wanted again. NULL is fine. */
void store_cache_disconnect(struct store_cache *cache);

/* Appends the blob to `out`, and when it was last noted as used (s since 1970). NOT_FOUND: there is
 * none, or no file. BUSY: somebody writes just now. */
enum status store_cache_get(struct store_cache *cache, struct hash128 key, struct buf *out,
                            int64_t *out_used_s, struct error *err) MUST_USE;

struct store_cache_row {
    struct hash128 key;
    unsigned kind;
    const void *bytes; /* borrowed; NULL: only its use is noted */
    size_t len;
};
/* One transaction; a row of the same key is replaced. When the file is larger than max_bytes, what
 * was not used for longest goes. IO, BUSY and the like: nothing was written, and nothing is lost.
 */
enum status store_cache_put(struct store_cache *cache, const struct store_cache_row *rows,
                            size_t n_rows, int64_t now_s, uint64_t max_bytes,
                            struct error *err) MUST_USE;

struct store_cache_counts {
    size_t n[STORE_CACHE_KINDS];       /* rows by kind */
    uint64_t bytes[STORE_CACHE_KINDS]; /* of their blobs */
    uint64_t file_bytes;
};
/* Without a file all is 0. DAMAGED: it is damaged or another program's. */
enum status store_cache_count(struct store_cache *cache, struct store_cache_counts *out,
                              struct error *err) MUST_USE;
/* Removes the file. */
enum status store_cache_remove(struct store_cache *cache, struct error *err) MUST_USE;

#endif
