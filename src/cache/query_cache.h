/* cache/query_cache.h - what was worked out before: vectors of queries, results, answers; in
 * memory, and in a file for other processes.
 *
 * An entry is found again under its key and only for the very state of the library that it was
 * made from (store_state()): a commit by anybody makes every older result unfindable. Nothing here
 * fails: without memory, disk or a sound file there is nothing found and nothing kept. One thread
 * at a time. */
#ifndef RAGGED_CACHE_QUERY_CACHE_H
#define RAGGED_CACHE_QUERY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/span.h"
#include "base/status.h"
#include "governor/governor.h"

enum query_cache_kind {
    QUERY_CACHE_VECTOR,
    QUERY_CACHE_RESULT,
    QUERY_CACHE_ANSWER,
    QUERY_CACHE_KIND_COUNT
};
const char *query_cache_kind_name(enum query_cache_kind kind); /* "vectors", ... */

struct query_cache;

struct query_cache_options {
    const char *data_folder;   /* NULL: no file */
    struct governor *governor; /* borrowed; memory is taken from it as GOVERNOR_CACHE */
    uint64_t bytes_max;        /* of the file, and of the memory */
};
enum status query_cache_new(const struct query_cache_options *options, struct query_cache **out,
                            struct error *err) MUST_USE;
/* All of the memory, and what was not written yet; the file is left to others, and looked for
 * again when it is wanted. NULL is fine. */
void query_cache_forget(struct query_cache *cache);
/* Writes what is new into the file first. NULL is fine. */
void query_cache_free(struct query_cache *cache);

struct query_cache_key {
    enum query_cache_kind kind;
    struct hash128 hash;  /* of everything that decides what comes out */
    struct hash128 state; /* of the library; zeroed: it does not depend on one */
    int64_t ttl_ms;       /* older ones are not found */
};
/* *out is borrowed until the next call. */
bool query_cache_find(struct query_cache *cache, const struct query_cache_key *key,
                      struct span *out);
/* Copies. The file is written later: when there are many, by the first one after some seconds, and
 * by query_cache_free(). */
void query_cache_put(struct query_cache *cache, const struct query_cache_key *key,
                     const void *bytes, size_t len);

#endif
