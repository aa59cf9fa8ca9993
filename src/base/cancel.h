/* base/cancel.h - one flag that asks long work to stop; set from a signal handler or a thread.
 * Work returns STATUS_CANCELLED within a second of it. */
#ifndef RAGGED_BASE_CANCEL_H
#define RAGGED_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct cancel {
    atomic_int requested; /* 0, or the signal number */
};

/* NULL: can't be cancelled. */
static inline bool is_cancelled(const struct cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->requested, memory_order_relaxed) != 0;
}

#endif
