/* base/log_ring.h - bounded queue of log lines: any number of producers, one consumer, no locks
 * (the bounded queue of D. Vyukov: each cell carries the turn that may use it next). Private to
 * base/log. */
#ifndef RAGGED_BASE_LOG_RING_H
#define RAGGED_BASE_LOG_RING_H

#include <stdatomic.h>

#include "base/log.h"

/* A power of two, and so many that malloc takes pages of their own for them, which are zero
 * untouched. */
enum { LOG_RING_CELLS = 1024 };

struct log_line {
    int64_t wall_ms;
    enum log_event event;
    struct log_fact facts[LOG_FACTS_MAX + 1];
};

struct log_cell {
    atomic_size_t turn; /* less its place in the ring, so that no page of a new one is touched */
    struct log_line line;
};

/* Zeroed: empty. */
struct log_ring {
    struct log_cell cells[LOG_RING_CELLS];
    _Alignas(64) atomic_size_t n_pushed;
    _Alignas(64) atomic_size_t n_popped; /* written by the consumer only */
};

/* False: full. */
bool log_ring_push(struct log_ring *ring, const struct log_line *line);
/* A quarter of it is in use. */
bool log_ring_is_filling(const struct log_ring *ring);
/* False: empty. One thread at a time. */
bool log_ring_pop(struct log_ring *ring, struct log_line *out);

#endif
