#include "base/log_ring.h"

#include <stdint.h>

bool log_ring_push(struct log_ring *ring, const struct log_line *line)
{
    size_t at = atomic_load_explicit(&ring->n_pushed, memory_order_relaxed);
    for (;;) {
        size_t i = at % LOG_RING_CELLS;
        struct log_cell *cell = &ring->cells[i];
        size_t turn = i + atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (turn == at) {
            if (!atomic_compare_exchange_weak_explicit(&ring->n_pushed, &at, at + 1,
                                                       memory_order_relaxed, memory_order_relaxed))
                continue;
            cell->line = *line;
            atomic_store_explicit(&cell->turn, at + 1 - i, memory_order_release);
            return true;
        }
        if ((intptr_t)(turn - at) < 0)
            return false;
        at = atomic_load_explicit(&ring->n_pushed, memory_order_relaxed);
    }
}

bool log_ring_is_filling(const struct log_ring *ring)
{
    size_t n_popped = atomic_load_explicit(&ring->n_popped, memory_order_relaxed);
    return atomic_load_explicit(&ring->n_pushed, memory_order_relaxed) - n_popped >=
           LOG_RING_CELLS / 4;
}

bool log_ring_pop(struct log_ring *ring, struct log_line *out)
{
    size_t at = atomic_load_explicit(&ring->n_popped, memory_order_relaxed);
    size_t i = at % LOG_RING_CELLS;
    struct log_cell *cell = &ring->cells[i];
    if (i + atomic_load_explicit(&cell->turn, memory_order_acquire) != at + 1)
        return false;
    *out = cell->line;
    atomic_store_explicit(&cell->turn, at + LOG_RING_CELLS - i, memory_order_release);
    atomic_store_explicit(&ring->n_popped, at + 1, memory_order_relaxed);
    return true;
}
