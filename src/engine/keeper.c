#include "engine/keeper.h"

#define TAIL_ROWS_MAX ((size_t)16 * MAINTAIN_TAIL_ROWS) /* more, and the writer waits */

static void work(struct keeper *k)
{
    struct error error = {0};
    pthread_mutex_unlock(&k->mutex);
    enum status status = maintain(&k->maintainer, MAINTAIN_DUE, &error);
    pthread_mutex_lock(&k->mutex);
    /* Who writes without a pause keeps the lock from it; there is a next time. */
    if (status && status != STATUS_BUSY && !k->failed) {
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

enum status keeper_start(struct keeper *keeper, const char *folder, unsigned n_threads,
                         struct error *err)
{
    *keeper =
        (struct keeper){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    enum status status = maintainer_init(&keeper->maintainer, folder, n_threads, NULL, err);
    if (!status && thread_start(&keeper->thread, run, keeper, NULL))
        keeper->thread.is_running = false;
    return status;
}

void keeper_note_tail(struct keeper *keeper, size_t n_rows)
{
    if (n_rows < MAINTAIN_TAIL_ROWS || !keeper->thread.is_running)
        return;
    pthread_mutex_lock(&keeper->mutex);
    keeper->is_due = true;
    pthread_cond_broadcast(&keeper->changed);
    while (n_rows > TAIL_ROWS_MAX && !keeper->failed && (keeper->is_due || keeper->is_busy))
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
