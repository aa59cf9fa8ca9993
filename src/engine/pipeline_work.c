/* The worker's side: which job, which slice, and what happens when one fails. */
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

static bool has_room(const struct pipeline *p)
{
    return p->next_job < p->source->n && p->next_job < p->next_write + INGEST_WINDOW &&
           (p->next_job == p->next_write || p->n_bytes_in_flight < INGEST_BYTES_MAX);
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
        /* Nonsense may be about this text; every other word of a server is about all of them. */
        job->is_fatal = status_is_of_peer(status) && status != STATUS_MALFORMED;
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

static void prepare_one(struct pipeline *p, struct ingest_worker *worker)
{
    size_t i = p->next_job++;
    struct ingest_job *job = pipeline_job(p, i);
    *job = (struct ingest_job){0};
    p->source->get(p->source->ctx, i, job, &p->ring_bytes[i % INGEST_WINDOW]);
    if (job->path)
        job->known = known_find(p->known, job->path);
    pthread_mutex_unlock(&p->mutex);
    ingest_prepare(worker, &p->context, job);
    pthread_mutex_lock(&p->mutex);
    p->n_bytes_in_flight += job->arena.n_bytes;
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
        else if (has_room(p))
            prepare_one(p, &worker);
        else if (p->next_write == p->source->n)
            break;
        else
            pthread_cond_wait(&p->work_changed, &p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    ingest_worker_clear(&worker);
    return NULL;
}
