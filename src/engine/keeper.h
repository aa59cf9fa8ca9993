/* engine/keeper.h - keeps tails short while an ingest writes: a thread, or the writer itself in
 * turn. Private to engine/. */
#ifndef RAGGED_ENGINE_KEEPER_H
#define RAGGED_ENGINE_KEEPER_H

#include <pthread.h>

#include "base/thread.h"
#include "engine/maintain.h"

enum keeper_mode { KEEPER_THREAD, KEEPER_IN_TURN };

struct keeper {
    enum keeper_mode mode;
    struct maintainer maintainer;
    struct thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* by mutex: */
    bool is_due, is_busy, is_stopping;
    enum status failed; /* the first failure; then it does nothing more */
    struct error error;
};

/* When no thread can be had, the writer does it in turn. */
enum status keeper_start(struct keeper *keeper, enum keeper_mode mode, const char *folder,
                         unsigned n_threads, const struct cancel *cancel,
                         struct error *err) MUST_USE;
/* After a commit: the tails have so many rows. Waits while they are so long that searches suffer.
 */
void keeper_note_tail(struct keeper *keeper, size_t n_rows);
/* Ends the thread when it has finished what it is at, or at once when that was cancelled. The
 * status of its work. */
enum status keeper_stop(struct keeper *keeper, struct error *err) MUST_USE;

#endif
