#include "index/keeper.h"

/* More, and the writer waits. */
#define TAIL_ROWS_MAX ((size_t)8 * MAINTAIN_TAIL_ROWS)
#define NEW_SEGMENTS_MAX ((size_t)6 * MAINTAIN_FAN_IN)

static void work(struct keeper *k)
{
    struct error error = {0};
    k->n_new_segments = 0;
    pthread_mutex_unlock(&k->mutex);
    enum status status = maintain(&k->maintainer, MAINTAIN_DUE, &error);
    pthread_mutex_lock(&k->mutex);
    /* Who writes without a pause keeps the lock from it; there is a next time. */
    if (status && status != STATUS_BUSY && status != STATUS_CANCELLED && !k->failed) {
        k->failed = status;
        k->error = error;
    }
}

static void *run(void *arg)
{
    struct keeper *k = arg;
    thread_stand_back();
    pthread_mutex_lock(&k->mutex);
    while (!k->is_stopping) {
        if (!k->is_due || k->failed) {
            pthread_cond_wait(&k->changed, &k->mutex);
            continue;
        }
        k->is_due = false;
        k->is_busy = true;
        work(k);
        k->is_busy = false;
        pthread_cond_broadcast(&k->changed);
    }
    pthread_mutex_unlock(&k->mutex);
    return NULL;
}

enum status keeper_start(struct keeper *keeper, enum keeper_mode mode, const char *folder,
                         unsigned n_threads, struct governor *governor, const struct cancel *cancel,
                         struct error *err)
{
    *keeper = (struct keeper){
        .mode = mode, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    enum status status =
        maintainer_init(&keeper->maintainer, folder, n_threads, governor, cancel, err);
    if (!status && mode == KEEPER_THREAD && thread_start(&keeper->thread, run, keeper, NULL))
        keeper->mode = KEEPER_IN_TURN;
    return status;
}

static bool is_too_much(const struct keeper *k, size_t n_tail_rows)
{
    return n_tail_rows > TAIL_ROWS_MAX || k->n_new_segments > NEW_SEGMENTS_MAX;
}

void keeper_note(struct keeper *keeper, size_t n_tail_rows, bool is_new_segment)
{
    pthread_mutex_lock(&keeper->mutex);
    keeper->n_new_segments += is_new_segment;
    bool is_due = n_tail_rows >= MAINTAIN_TAIL_ROWS || keeper->n_new_segments >= MAINTAIN_FAN_IN;
    if (is_due && keeper->mode == KEEPER_IN_TURN && !keeper->failed)
        work(keeper);
    if (is_due && keeper->mode == KEEPER_THREAD) {
        keeper->is_due = true;
        pthread_cond_broadcast(&keeper->changed);
    }
    while (is_too_much(keeper, n_tail_rows) && !keeper->failed &&
           (keeper->is_due || keeper->is_busy))
        pthread_cond_wait(&keeper->changed, &keeper->mutex);
    pthread_mutex_unlock(&keeper->mutex);
}

enum status keeper_stop(struct keeper *keeper, struct error *err)
{
    if (!keeper->maintainer.store)
        return STATUS_OK;
    pthread_mutex_lock(&keeper->mutex);
    keeper->is_stopping = true;
    pthread_cond_broadcast(&keeper->changed);
    pthread_mutex_unlock(&keeper->mutex);
    thread_join(&keeper->thread);
    enum status status = keeper->failed;
    if (status && err)
        *err = keeper->error;
    maintainer_clear(&keeper->maintainer);
    return status;
}
