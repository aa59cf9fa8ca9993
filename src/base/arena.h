/* base/arena.h - memory of one request, freed whole. One thread at a time.
 * A zeroed arena is valid and empty; arena_clear() on it is a no-op. */
#ifndef RAGGED_BASE_ARENA_H
#define RAGGED_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t n_bytes;     /* handed out so far */
    size_t limit_bytes; /* 0: none; passing it makes the allocation fail like out of memory */
};

/* 16-byte aligned, uninitialised; NULL: out of memory or over the limit. Valid until arena_clear().
 */
void *arena_alloc(struct arena *arena, size_t size_bytes) MUST_USE;
void *arena_zalloc(struct arena *arena, size_t n, size_t size_bytes) MUST_USE;
char *arena_text(struct arena *arena, const char *text, size_t len) MUST_USE; /* terminated copy */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
void arena_clear(struct arena *arena);

#endif
