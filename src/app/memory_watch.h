/* app/memory_watch.h - looks at the memory of this process every few milliseconds, from a thread of
 * its own, while a command runs: how the heap grew, and what the resident memory was made of where
 * it was largest. */
#ifndef RAGGED_APP_MEMORY_WATCH_H
#define RAGGED_APP_MEMORY_WATCH_H

#include <stdint.h>

#include "base/mem_account.h"

/* Neighbours are joined when there are too many: a look then stands for more time. */
enum { MEMORY_LOOKS_MAX = 1024 };

struct memory_look {
    int64_t at_us;       /* since the start */
    uint64_t heap_bytes; /* the highest since the look before */
    uint64_t resident_bytes;
    uint64_t n_blocks; /* all that ever were */
    uint64_t subsystem_bytes[MEM_SUBSYSTEMS_MAX];
};

/* What was resident at the highest look. Only files, stacks and all together are measured in pages;
 * what the heap holds may not have been touched yet, and then the rest is negative. */
struct memory_parts {
    uint64_t resident_bytes;
    uint64_t file_bytes;    /* program, libraries, maps of files */
    uint64_t stack_bytes;   /* of all threads */
    uint64_t heap_bytes;    /* what was taken from base/mem.h */
    uint64_t library_bytes; /* what malloc gave to others, and its own words beside each block */
    uint64_t kept_bytes;    /* given back to malloc, not yet to the system */
    uint64_t book_bytes;    /* of the profile itself */
    int64_t rest_bytes;
};

struct memory_watch;

enum status memory_watch_start(struct mem_account *account, struct memory_watch **out,
                               struct error *err) MUST_USE;
/* Takes a last look, and ends the thread. */
void memory_watch_stop(struct memory_watch *watch);
void memory_watch_free(struct memory_watch *watch); /* stopped before; NULL is fine */

/* After the stop: borrowed until the free. */
const struct memory_look *memory_watch_looks(const struct memory_watch *watch, size_t *out_n);
const struct memory_parts *memory_watch_parts(const struct memory_watch *watch);

/* The lines of /proc/<pid>/smaps: resident bytes that are files, and that are stacks. */
void memory_watch_read_maps(const char *text, uint64_t *out_file_bytes, uint64_t *out_stack_bytes);

#endif
