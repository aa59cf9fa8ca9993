/* engine/keeper.h - a thread that keeps tails short while an ingest writes. Private to engine/. */
#ifndef RAGGED_ENGINE_KEEPER_H
#define RAGGED_ENGINE_KEEPER_H

#include <pthread.h>

#include "base/thread.h"
#include "engine/maintain.h"

struct keeper {
    struct maintainer maintainer;
    struct thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* by mutex: */
    bool is_due, is_busy, is_stopping;
    enum status failed; /* the first failure; then it does nothing more */
    struct error error;
};

/* Without a thread, when none can be had, all the work is left to whoever comes after it. */
enum status keeper_start(struct keeper *keeper, const char *folder, unsigned n_threads,
                         struct governor *governor, struct error *err) MUST_USE;
/* After a commit: the tails have so many rows. Waits while they are so long that searches suffer.
 */
void keeper_note_tail(struct keeper *keeper, size_t n_rows);
/* Ends the thread when it has finished what it is at. The status of its work. */
enum status keeper_stop(struct keeper *keeper, struct error *err) MUST_USE;

#endif
