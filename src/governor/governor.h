/* governor/governor.h - hands out bytes before they are allocated, and says how short memory is.
 *
 * The budget is the least of what the user allows, half of what the control group allows and a
 * quarter of the machine's memory. Who wants a large buffer takes its bytes first and gives them
 * back afterwards; the sum of what was taken is never above the budget. Queries go first: a part
 * of the budget is kept for them. Threads: any. Private to governor/. */
#ifndef RAGGED_GOVERNOR_GOVERNOR_H
#define RAGGED_GOVERNOR_GOVERNOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum governor_class {
    GOVERNOR_QUERY,  /* never waits; may use what is kept for queries */
    GOVERNOR_INGEST, /* waits for its turn */
    GOVERNOR_CACHE,  /* never waits; the first to give back */
    GOVERNOR_CLASS_COUNT
};

/* Each shrinks what the one before still allowed; left again 5 points lower. */
enum governor_state {
    GOVERNOR_GREEN,
    GOVERNOR_YELLOW, /* from 70 %: smaller batches, nothing is read ahead */
    GOVERNOR_RED,    /* from 85 %: ingest pauses, caches are dropped */
    GOVERNOR_BLACK,  /* from 95 %: only queries */
    GOVERNOR_STATE_COUNT
};
const char *governor_state_name(enum governor_state state);

struct governor;

struct governor_options {
    size_t max_bytes;        /* what the user allows; 0: nothing was said */
    const char *data_folder; /* whose file system must keep a reserve; NULL: none */
    uint64_t reserve_bytes;  /* of it; 0: by the size of the file system */
    bool is_off;             /* bytes are counted, nothing waits and nothing is refused */
    const char *root;        /* stands before /proc and /sys; NULL but in tests */
};
enum status governor_new(const struct governor_options *options, struct governor **out,
                         struct error *err) MUST_USE;
void governor_free(struct governor *governor); /* NULL is fine; everything must be given back */

/* False: not now, ask again; or never, when it is more than the class can have at all, which for
 * INGEST is its share and the caches'. */
bool governor_try(struct governor *governor, enum governor_class class, size_t n_bytes) MUST_USE;
void governor_give(struct governor *governor, enum governor_class class, size_t n_bytes);
/* n_held become n_bytes, or as many as there is room for: what is held then. */
size_t governor_resize(struct governor *governor, enum governor_class class, size_t n_held,
                       size_t n_bytes) MUST_USE;

/* Looks at the machine again when the last look is older than 100 ms. */
enum governor_state governor_state(struct governor *governor);
/* For one class: what is kept for it, and what it could get now. */
size_t governor_share(const struct governor *governor, enum governor_class class);
size_t governor_free_bytes(struct governor *governor, enum governor_class class);
size_t governor_budget(const struct governor *governor);
size_t governor_taken(struct governor *governor); /* by all classes */
/* What one of n threads of an ingest may hold in a buffer that lasts as long as the thread. */
size_t governor_thread_share(const struct governor *governor, unsigned n_threads);

/* Room for n_bytes more on the library's file system, with the reserve kept. IO, with how much is
 * missing, when there is not. `largest_bytes`: of a segment, which a merge writes anew. */
enum status governor_check_disk(struct governor *governor, uint64_t n_bytes, uint64_t largest_bytes,
                                struct error *err) MUST_USE;

#endif
