/* base/mem.h - the heap, with a fault hook ("mem"). No call aborts: NULL means out of memory.
 * Any thread. Memory from here goes back through mem_free(). */
#ifndef RAGGED_BASE_MEM_H
#define RAGGED_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

void *mem_alloc(size_t size_bytes) MUST_USE;            /* uninitialised; size 0 gives 1 byte */
void *mem_zalloc(size_t n, size_t size_bytes) MUST_USE; /* zeroed; NULL when n * size overflows */
void *mem_array(size_t n, size_t size_bytes) MUST_USE;  /* uninitialised array, checked product */
void *mem_resize(void *old, size_t n, size_t size_bytes) MUST_USE; /* NULL: `old` is still valid */
char *mem_text(const char *text) MUST_USE;                         /* owned copy; NULL for NULL */
char *mem_text_n(const char *text, size_t len) MUST_USE;           /* owned, terminated copy */
void mem_free(void *p);                                            /* NULL is fine */

/* 64-byte aligned, for kernels; freed with mem_free(). Two megabytes and more come in huge pages
 * where the system has them: what is read from end to end misses no translations then. */
void *mem_aligned(size_t n, size_t size_bytes) MUST_USE;

/* Grows *array (of *n_max elements of size_bytes) so that n_needed fit, doubling. Untouched on
 * failure. */
enum status mem_reserve(void **array, size_t *n_max, size_t n_needed, size_t size_bytes,
                        struct error *err) MUST_USE;

/* Told of every block from here on, after it was had and before it is given back; for reports of
 * who holds what (base/mem_account.h). Called from any thread; must not call what is above. */
struct mem_observer {
    void (*added)(void *ctx, uintptr_t block, size_t size_bytes);
    /* Its size, 0 when it was not known: blocks may be older than the observer, or not ours. */
    size_t (*removed)(void *ctx, uintptr_t block);
    void *ctx;
};
/* `observer` is borrowed until the next call; NULL: none. Once there was one, blocks may be given
 * back to it by threads that were told of it earlier: it lives until they have ended. */
void mem_observe(const struct mem_observer *observer);

#endif
