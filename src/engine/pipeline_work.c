/* The worker's side: which job, and what happens when one fails. */
#include "engine/pipeline.h"

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

static bool has_room(const struct pipeline *p)
{
    return p->next_job < p->source->n && p->next_job < p->next_write + INGEST_WINDOW &&
           (p->next_job == p->next_write || p->n_bytes_in_flight < INGEST_BYTES_MAX);
}

/* A job that was stopped is not done, and nobody's failure. */
static void finish_job(struct pipeline *p, struct ingest_job *job, uint64_t n_bytes)
{
    p->n_bytes_in_flight += job->arena.n_bytes;
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

bool pipeline_step(struct pipeline *p, struct ingest_worker *worker)
{
    if (p->is_stopping || !has_room(p))
        return false;
    size_t i = p->next_job++;
    struct ingest_job *job = pipeline_job(p, i);
    *job = (struct ingest_job){0};
    p->source->get(p->source->ctx, i, job, &p->ring_bytes[i % INGEST_WINDOW]);
    if (job->path)
        job->known = known_find(&p->known, job->path);
    pthread_mutex_unlock(&p->mutex);
    ingest_prepare(worker, &p->context, job);
    pthread_mutex_lock(&p->mutex);
    finish_job(p, job, p->ring_bytes[i % INGEST_WINDOW]);
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
            pthread_cond_wait(&p->work_changed, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    ingest_worker_clear(&worker);
    return NULL;
}
