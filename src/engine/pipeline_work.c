/* The worker's side: which job, which slice, and what happens when one fails. */
#include "base/checked.h"
#include "base/thread.h"
#include "engine/pipeline.h"

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

/* A job with slices nobody took; the oldest first, because the writer waits for it. */
static struct ingest_job *find_slice(struct pipeline *p)
{
    for (size_t i = p->next_write; i < p->next_job; i++) {
        struct ingest_job *job = pipeline_job(p, i);
        if (job->is_prepared && !job->is_done && job->next_slice * INGEST_SLICE < job->n_needed)
            return job;
    }
    return NULL;
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

static void finish_job(struct pipeline *p, struct ingest_job *job)
{
    job->is_done = true;
    pthread_cond_broadcast(&p->job_done);
}

/* The part of a source that one more slice stands for; the parts add up to the whole. */
static uint64_t bytes_of_slice(const struct pipeline *p, const struct ingest_job *job)
{
    uint64_t n_bytes = p->ring_bytes[(size_t)(job - p->ring)];
    uint64_t n_slices = (job->n_needed + INGEST_SLICE - 1) / INGEST_SLICE;
    uint64_t n_done = n_slices - job->n_slices_left;
    return n_bytes * (n_done + 1) / n_slices - n_bytes * n_done / n_slices;
}

static void embed_one(struct pipeline *p, struct ingest_worker *worker, struct ingest_job *job)
{
    size_t i_slice = job->next_slice++;
    pthread_mutex_unlock(&p->mutex);
    struct error error = {0};
    enum status status = ingest_embed_slice(worker, &p->context, job, i_slice, &error);
    pthread_mutex_lock(&p->mutex);
    if (status && job->result != ENGINE_FILE_FAILED) {
        job->result = ENGINE_FILE_FAILED;
        job->error = error;
        job->change = INGEST_CHANGE_NONE;
        job->is_fatal = status == STATUS_REMOTE;
        if (job->is_fatal)
            stop_with(p, status, &error);
    }
    p->n_bytes_worked += bytes_of_slice(p, job);
    if (--job->n_slices_left == 0)
        finish_job(p, job);
}

static void finish_unembedded(struct pipeline *p, struct ingest_job *job)
{
    uint64_t n_bytes = p->ring_bytes[(size_t)(job - p->ring)];
    if (job->result == ENGINE_FILE_UNCHANGED)
        p->n_bytes_passed += n_bytes;
    else
        p->n_bytes_worked += n_bytes;
    finish_job(p, job);
}

static void prepare_one(struct pipeline *p, struct ingest_worker *worker, struct ingest_job *job)
{
    if (job->path)
        job->known = known_find(p->known, job->path);
    pthread_mutex_unlock(&p->mutex);
    ingest_prepare(worker, &p->context, job);
    pthread_mutex_lock(&p->mutex);
    job->n_taken = governor_resize(p->context.engine->governor, GOVERNOR_INGEST, job->n_taken,
                                   job->arena.n_bytes);
    job->n_slices_left = (job->n_needed + INGEST_SLICE - 1) / INGEST_SLICE;
    job->is_prepared = true;
    if (job->n_slices_left == 0)
        finish_unembedded(p, job);
    else
        pthread_cond_broadcast(&p->work_changed);
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
    while (!p->is_stopping) {
        struct ingest_job *job = find_slice(p);
        if (job)
            embed_one(p, &worker, job);
        else if ((job = begin_job(p)))
            prepare_one(p, &worker, job);
        else if (p->next_write == p->source->n)
            break;
        else
            thread_wait(&p->work_changed, &p->mutex, LOOK_MS);
    }
    pthread_mutex_unlock(&p->mutex);
    ingest_worker_clear(&worker);
    return NULL;
}
