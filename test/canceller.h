/* Asks for a stop after a while, from a thread of its own. */
#ifndef RAGGED_TEST_CANCELLER_H
#define RAGGED_TEST_CANCELLER_H

#include "testing.h"

#include <pthread.h>

#include "base/cancel.h"
#include "base/clock.h"

struct canceller {
    struct cancel cancel;
    int after_ms;
    pthread_t thread;
};

static void *canceller_wait(void *canceller_)
{
    struct canceller *canceller = canceller_;
    clock_sleep_ms(canceller->after_ms);
    atomic_store(&canceller->cancel.requested, 1);
    return NULL;
}

static inline void canceller_start(struct canceller *canceller)
{
    assert_int_equal(pthread_create(&canceller->thread, NULL, canceller_wait, canceller), 0);
}

static inline void canceller_join(struct canceller *canceller)
{
    pthread_join(canceller->thread, NULL);
}

#endif
