/* ingest/pipeline.h - what the worker threads and the writer of an ingest share. Private to
 * ingest/. */
#ifndef RAGGED_INGEST_PIPELINE_H
#define RAGGED_INGEST_PIPELINE_H

#include <pthread.h>

#include "base/thread.h"
#include "index/keeper.h"
#include "index/new_segment.h"
#include "ingest/eta.h"
#include "ingest/ingest.h"
#include "ingest/ingest_job.h"
#include "ingest/known.h"

/* One ingest, both passes of it. */
struct pipeline {
    struct ingest_context context;
    const struct ingest_source *source; /* of this pass */
    const struct engine_add_options *options;
    struct known known;
    struct store *writer;
    struct keeper keeper;
    struct embedder *counter; /* owned; stands in for the embedder that can't be asked */
    int64_t start_ms, pass_start_ms, pass_start_computed_ms;

    pthread_mutex_t mutex;
    pthread_cond_t work_changed; /* workers wait: room for a job */
    pthread_cond_t job_done;     /* the writer waits */
    /* by mutex: */
    struct ingest_job *ring;   /* [INGEST_WINDOW]; job i is ring[i % INGEST_WINDOW] */
    uint64_t *ring_bytes;      /* size of each job's source */
    size_t next_job;           /* first that no worker took */
    size_t next_write;         /* first the writer has not finished with */
    bool is_paused;            /* there is work, and no memory for it */
    struct thread_turns turns; /* of this pass's workers */
    /* of sources: worked at, perhaps not yet written; unchanged */
    uint64_t n_bytes_worked, n_bytes_passed;
    bool is_stopping;
    enum status failed; /* the first failure that stops everything */
    struct error error;

    /* writer only */
    struct engine_add_result result;
    int operation;                   /* of base/operation.h */
    bool has_ended;                  /* fail-fast: nothing more is written */
    size_t n_silent;                 /* jobs of this pass that were not told of */
    struct engine_progress progress; /* as it was last told */
    uint64_t n_bytes_written;        /* of files that had to be read */
    uint64_t n_tokens;               /* of result.n_chunks */
    size_t n_missing;                /* passages without a vector */
    struct eta eta;                  /* of this pass */
    uint64_t log_bytes_max;
    struct error disk; /* why it waits for the disk; OK while it does not */
};

static inline struct ingest_job *pipeline_job(struct pipeline *p, size_t i)
{
    return &p->ring[i % INGEST_WINDOW];
}

/* A worker thread: `arg` is the pipeline. */
void *pipeline_work(void *arg);
/* One job; false, at once, when there is none or no room for it. By mutex, which it gives away
 * while it works. */
bool pipeline_step(struct pipeline *p, struct ingest_worker *worker);

/* The calling thread: groups finished jobs, commits, reports, until the source is empty or it must
 * stop. */
enum status pipeline_write(struct pipeline *p, struct error *err) MUST_USE;
/* The same without worker threads: work and write in turn. */
enum status pipeline_plain(struct pipeline *p, struct error *err) MUST_USE;

/* Passages of jobs [first, first + n) whose words are new. */
size_t pipeline_segment_count_rows(struct pipeline *p, size_t first, size_t n);
/* Are they enough for a segment of their own? Then it is built; else *out, which is zeroed, stays
 * so. Clear it in any case. */
bool pipeline_segment_is_worth(struct pipeline *p, size_t first, size_t n);
enum status pipeline_segment_build(struct pipeline *p, size_t first, size_t n,
                                   struct new_segment *out, struct error *err) MUST_USE;
bool pipeline_segment_is_used(const struct new_segment *segment);
/* Inside the write: each document and part in the order of the jobs, then the segment. A part that
 * turns out not to be the next one leaves the segment with fewer rows than it has words of: then it
 * is of no use. */
enum status pipeline_segment_put(struct pipeline *p, struct ingest_job *job,
                                 struct new_segment *segment, struct error *err) MUST_USE;
enum status pipeline_segment_list(struct pipeline *p, struct new_segment *segment,
                                  struct error *err) MUST_USE;

/* To the callbacks of the options, from the calling thread. */
void pipeline_report_job(struct pipeline *p, const struct ingest_job *job, uint64_t size_bytes);
void pipeline_report_progress(struct pipeline *p, size_t n_done);

/* Passages that are embedded in a millisecond of computing, as far as that is known before; else 0.
 */
double pipeline_vector_rate(const struct pipeline *p);

#endif
