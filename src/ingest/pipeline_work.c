/* The worker's side: which job, and what happens when one fails. */
#include "base/checked.h"
#include "ingest/ingest.h"
#include "ingest/pipeline.h"

#define LOOK_MS 50 /* memory may come back without a word */

static void stop_with(struct pipeline *p, enum status status, const struct error *error)
{
    if (!p->failed) {
        p->failed = status;
        p->error = *error;
    }
    p->is_stopping = true;
    pthread_cond_broadcast(&p->work_changed);
    pthread_cond_broadcast(&p->job_done);
}

/* Nothing is read far ahead when memory gets short. */
static size_t window(const struct pipeline *p)
{
    return governor_state(p->context.engine->governor) == GOVERNOR_GREEN ? INGEST_WINDOW
                                                                         : INGEST_WINDOW / 4;
}

/* The job that the writer waits for passes alone, also when it is above what there is: its arena
 * and its parser have limits of their own. Bytes are taken in the order of the jobs, so that none
 * behind it holds what it waits for. */
static bool take_bytes(struct pipeline *p, struct ingest_job *job, size_t n_bytes)
{
    struct governor *governor = p->context.engine->governor;
    if (p->next_job == p->next_write)
        n_bytes = size_min(n_bytes, governor_free_bytes(governor, GOVERNOR_INGEST));
    p->is_paused = !governor_try(governor, GOVERNOR_INGEST, n_bytes);
    job->n_taken = p->is_paused ? 0 : n_bytes;
    return !p->is_paused;
}

/* The next job, when there is one and memory for it. */
static struct ingest_job *begin_job(struct pipeline *p)
{
    if (p->next_job == p->source->n || p->next_job >= p->next_write + window(p))
        return NULL;
    struct ingest_job *job = pipeline_job(p, p->next_job);
    uint64_t *n_bytes = &p->ring_bytes[p->next_job % INGEST_WINDOW];
    *job = (struct ingest_job){0};
    p->source->get(p->source->ctx, p->next_job, job, n_bytes);
    if (!take_bytes(p, job, ingest_estimate(job, *n_bytes)))
        return NULL;
    p->next_job++;
    return job;
}

/* A job that was stopped is not done, and nobody's failure. */
static void finish_job(struct pipeline *p, struct ingest_job *job, uint64_t n_bytes)
{
    if (job->result == ENGINE_FILE_FAILED && job->error.status == STATUS_CANCELLED) {
        p->is_stopping = true;
        pthread_cond_broadcast(&p->job_done);
        return;
    }
    if (job->path && job->result == ENGINE_FILE_UNCHANGED)
        p->n_bytes_passed += n_bytes;
    else
        p->n_bytes_worked += n_bytes;
    job->is_done = true;
    if (job->is_fatal)
        stop_with(p, job->error.status, &job->error);
    pthread_cond_broadcast(&p->job_done);
}

/* What the worker's turns have grown by since they were counted last. Not for each job without a
 * change, of which a folder may have thousands: the next count has what they took. */
static struct thread_turns count_turns(struct ingest_worker *worker, const struct ingest_job *job)
{
    struct thread_turns now = worker->turns, before = worker->turns;
    if (job->change != INGEST_CHANGE_NONE && thread_look_turns(&now))
        worker->turns = now;
    return (struct thread_turns){.ran_ns = now.ran_ns - before.ran_ns,
                                 .waited_ns = now.waited_ns - before.waited_ns};
}

bool pipeline_step(struct pipeline *p, struct ingest_worker *worker)
{
    struct ingest_job *job = p->is_stopping ? NULL : begin_job(p);
    if (!job)
        return false;
    if (job->path)
        job->known = known_find(&p->known, job->path);
    pthread_mutex_unlock(&p->mutex);
    ingest_prepare(worker, &p->context, job);
    struct thread_turns more = count_turns(worker, job);
    pthread_mutex_lock(&p->mutex);
    p->turns.ran_ns += more.ran_ns;
    p->turns.waited_ns += more.waited_ns;
    job->n_taken = governor_resize(p->context.engine->governor, GOVERNOR_INGEST, job->n_taken,
                                   job->arena.n_bytes);
    finish_job(p, job, p->ring_bytes[(size_t)(job - p->ring)]);
    return true;
}

void *pipeline_work(void *arg)
{
    struct pipeline *p = arg;
    struct ingest_worker worker = {0};
    struct error error = {0};
    thread_stand_back(); /* a search that comes meanwhile goes first */
    enum status status = ingest_worker_init(&worker, &p->context, &error);
    pthread_mutex_lock(&p->mutex);
    if (status)
        stop_with(p, status, &error);
    while (!p->is_stopping && p->next_job < p->source->n)
        if (!pipeline_step(p, &worker))
            thread_wait(&p->work_changed, &p->mutex, LOOK_MS);
    pthread_mutex_unlock(&p->mutex);
    ingest_worker_clear(&worker);
    return NULL;
}
