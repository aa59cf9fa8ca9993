/* index/keeper.h - keeps tails short while an ingest writes: a thread, or the writer itself in
 * turn. Private to index/. */
#ifndef RAGGED_INDEX_KEEPER_H
#define RAGGED_INDEX_KEEPER_H

#include <pthread.h>

#include "base/thread.h"
#include "index/maintain.h"

enum keeper_mode { KEEPER_THREAD, KEEPER_IN_TURN };

struct keeper {
    enum keeper_mode mode;
    struct maintainer maintainer;
    struct thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* by mutex: */
    bool is_due, is_busy, is_stopping;
    size_t n_new_segments; /* since it last began */
    enum status failed;    /* the first failure; then it does nothing more */
    struct error error;
};

/* When no thread can be had, the writer does it in turn. */
enum status keeper_start(struct keeper *keeper, enum keeper_mode mode, const char *folder,
                         unsigned n_threads, struct governor *governor, const struct cancel *cancel,
                         struct error *err) MUST_USE;
/* After a commit: the longer tail has so many rows, and whether it brought a segment of its own.
 * Waits while there is so much of either that searches suffer. */
void keeper_note(struct keeper *keeper, size_t n_tail_rows, bool is_new_segment);
/* Ends the thread when it has finished what it is at, or at once when that was cancelled. The
 * status of its work. */
enum status keeper_stop(struct keeper *keeper, struct error *err) MUST_USE;

#endif
