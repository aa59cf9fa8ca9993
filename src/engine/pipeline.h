/* engine/pipeline.h - what the worker threads and the writer of an ingest share. Private to
 * engine/. */
#ifndef RAGGED_ENGINE_PIPELINE_H
#define RAGGED_ENGINE_PIPELINE_H

#include <pthread.h>

#include "engine/eta.h"
#include "engine/ingest.h"
#include "engine/keeper.h"
#include "engine/known.h"

struct pipeline {
    struct ingest_context context;
    const struct ingest_source *source;
    const struct engine_add_options *options;
    const struct known *known;
    struct store *writer;
    struct keeper keeper;
    int64_t start_ms;

    pthread_mutex_t mutex;
    pthread_cond_t work_changed; /* workers wait: room for a file, or slices to embed */
    pthread_cond_t job_done;     /* the writer waits */
    /* by mutex: */
    struct ingest_job *ring; /* [INGEST_WINDOW]; job i is ring[i % INGEST_WINDOW] */
    uint64_t *ring_bytes;    /* size of each job's source */
    size_t next_job;         /* first that no worker took */
    size_t next_write;       /* first the writer has not finished with */
    size_t n_bytes_in_flight;
    /* of sources: read and embedded, perhaps not yet written; unchanged */
    uint64_t n_bytes_worked, n_bytes_passed;
    bool is_stopping;
    enum status failed; /* the first failure that stops everything */
    struct error error;

    /* writer only */
    struct engine_add_result result;
    size_t n_silent; /* jobs that were not told of */
    struct eta eta;
};

static inline struct ingest_job *pipeline_job(struct pipeline *p, size_t i)
{
    return &p->ring[i % INGEST_WINDOW];
}

/* A worker thread: `arg` is the pipeline. */
void *pipeline_work(void *arg);

/* The calling thread: groups finished jobs, commits, reports, until the source is empty or it must
 * stop. */
enum status pipeline_write(struct pipeline *p, struct error *err) MUST_USE;

#endif
