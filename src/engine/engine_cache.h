/* engine/engine_cache.h - the part of the engine's door that looks after what searches keep.
 * Include engine.h.
 *
 * Results, vectors of queries and answers are kept in memory and in <data>/cache/queries.db. They
 * are found again only in the very state of the library that they were made from; the file may be
 * deleted at any time. docs/design/caches.md. */
#ifndef RAGGED_ENGINE_ENGINE_CACHE_H
#define RAGGED_ENGINE_ENGINE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct engine;

#define ENGINE_CACHE_KINDS 3
struct engine_cache_status {
    const char *path; /* of the file; borrowed from engine */
    uint64_t file_bytes, max_bytes;
    struct {
        const char *name; /* "vectors", "results", "answers" */
        size_t n;
        uint64_t bytes;
    } kinds[ENGINE_CACHE_KINDS]; /* in the file */
};
/* Without a file, or with one of no use, there is nothing in it. BUSY: somebody writes just now. */
enum status engine_cache_status(struct engine *engine, struct engine_cache_status *out,
                                struct error *err) MUST_USE;
/* In memory and in the file. */
enum status engine_cache_clear(struct engine *engine, struct error *err) MUST_USE;

#endif
