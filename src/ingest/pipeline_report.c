/* What the user is told while an ingest runs. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/operation.h"
#include "ingest/ingest.h"
#include "ingest/parts.h"
#include "ingest/pipeline.h"

#define TURNS_NS_MIN 50000000 /* less says nothing of the next minutes */

static void count_document(struct pipeline *p, const struct ingest_job *job, uint64_t size_bytes)
{
    struct engine_add_result *r = &p->result;
    p->n_silent += job->is_silent;
    r->n[job->result] += !job->is_silent;
    if (job->result != ENGINE_FILE_UNCHANGED)
        p->n_bytes_written += size_bytes;
    if (job->change != INGEST_CHANGE_DOCUMENT && job->change != INGEST_CHANGE_PART)
        return;
    r->n_chunks += job->n_chunks;
    r->n_vectors_reused += job->n_chunks - job->n_missing;
    r->n_vectors_deferred += job->n_missing;
    p->n_missing += job->n_missing;
    p->n_tokens += job->n_tokens;
}

static void count_slice(struct pipeline *p, const struct ingest_job *job)
{
    struct engine_add_result *r = &p->result;
    r->n_vectors_filled += job->n_earlier;
    r->n_vectors_computed += job->n_chunks - job->n_earlier;
    if (job->result == ENGINE_FILE_FAILED && !r->vector_error.status)
        r->vector_error = job->error;
}

void pipeline_report_job(struct pipeline *p, const struct ingest_job *job, uint64_t size_bytes)
{
    if (!job->path) {
        count_slice(p, job);
        return;
    }
    count_document(p, job, size_bytes);
    if (job->result == ENGINE_FILE_FAILED)
        LOG(LOG_EVENT_FILE_FAILED, {LOG_KEY_STATUS, job->error.status},
            {LOG_KEY_BYTES, (int64_t)size_bytes});
    if (!p->options->on_file || job->is_silent)
        return;
    bool is_part = job->change == INGEST_CHANGE_PART;
    bool is_failed = job->result == ENGINE_FILE_FAILED;
    p->options->on_file(p->options->ctx,
                        &(struct engine_file_report){
                            .path = job->path,
                            .result = job->result,
                            .reason = is_failed               ? job->error.message
                                      : job->document.warning ? job->document.warning
                                                              : "",
                            .hint = is_failed ? job->error.hint : "",
                            .n_chunks = is_part ? job->parts->n_chunks : job->n_chunks,
                            .size_bytes = size_bytes,
                        });
}

double pipeline_vector_rate(const struct pipeline *p)
{
    double n_tokens = embedder_tuning(p->context.embedder).tokens_per_second / 1000;
    return p->n_tokens ? n_tokens * (double)p->result.n_chunks / (double)p->n_tokens : 0;
}

/* The part of a processor that a worker gets, by how often it had to wait for one. */
static double share_of(const struct thread_turns *turns)
{
    int64_t wanted_ns = turns->ran_ns + turns->waited_ns;
    return wanted_ns > TURNS_NS_MIN ? (double)turns->ran_ns / (double)wanted_ns : 1;
}

/* The files to come are as rich in passages as those before. */
static int64_t add_vectors(const struct pipeline *p, const struct thread_turns *turns,
                           int64_t words_ms, uint64_t n_bytes_left)
{
    bool is_due = !p->options->is_deferred && !p->result.vector_error.status;
    double rate = is_due ? pipeline_vector_rate(p) * p->context.n_threads * share_of(turns) : 0;
    if (!is_due || words_ms < 0)
        return words_ms;
    double n = (double)p->n_missing;
    if (p->n_bytes_written > 0)
        n += (double)p->result.n_vectors_deferred * (double)n_bytes_left /
             (double)p->n_bytes_written;
    return n <= 0 ? words_ms : rate > 0 ? words_ms + (int64_t)(n / rate) : -1;
}

static const char *why_paused(struct pipeline *p)
{
    if (p->disk.status)
        return p->disk.message;
    pthread_mutex_lock(&p->mutex);
    bool is_paused = p->is_paused;
    pthread_mutex_unlock(&p->mutex);
    bool is_short = governor_state(p->context.engine->governor) >= GOVERNOR_RED;
    return is_paused && is_short ? "memory is short" : "";
}

/* For whoever watches from another process. */
static void show_operation(struct pipeline *p)
{
    const struct engine_progress *told = &p->progress;
    struct governor *governor = p->context.engine->governor;
    pthread_mutex_lock(&p->mutex);
    size_t n_queued = p->next_job - p->next_write;
    pthread_mutex_unlock(&p->mutex);
    bool is_words = p->context.pass == INGEST_PASS_WORDS;
    struct operation now = {
        .n_done = is_words ? told->n_files_done : told->n_vectors_done,
        .n_total = is_words ? told->n_files_total : told->n_vectors_total,
        .n_bytes_done = told->n_bytes_done,
        .n_bytes_total = told->n_bytes_total,
        .eta_ms = told->eta_ms,
        .n_passages = told->n_chunks,
        .n_queued = n_queued,
        .memory_bytes = governor_taken(governor),
        .memory_bytes_max = governor_budget(governor),
    };
    snprintf(now.memory_state, sizeof now.memory_state, "%s",
             governor_state_name(governor_state(governor)));
    snprintf(now.stage, sizeof now.stage, "%s", is_words ? "words" : "vectors");
    operation_update(p->operation, &now);
}

void pipeline_report_progress(struct pipeline *p, size_t n_done)
{
    pthread_mutex_lock(&p->mutex);
    uint64_t n_worked = p->n_bytes_worked, n_passed = p->n_bytes_passed;
    struct thread_turns turns = p->turns;
    pthread_mutex_unlock(&p->mutex);
    int64_t now_ms = clock_monotonic_ms(), pass_ms = now_ms - p->pass_start_ms;
    uint64_t n_total = p->source->n_bytes, n_through = n_worked + n_passed;
    uint64_t n_left = n_total > n_through ? n_total - n_through : 0;
    const struct eta_seen seen = {.elapsed_ms = pass_ms,
                                  .computed_ms = clock_cpu_ms() - p->pass_start_computed_ms,
                                  .n_worked = n_worked};
    int64_t left_ms = eta_step(&p->eta, &seen, n_left);
    if (p->context.pass == INGEST_PASS_WORDS) {
        p->progress.n_files_done = n_done - p->n_silent;
        p->progress.n_files_total = p->source->n - p->source->n_silent;
        p->progress.n_bytes_done = n_through;
        p->progress.n_bytes_total = n_total;
        p->progress.n_chunks = p->result.n_chunks;
        left_ms = add_vectors(p, &turns, left_ms, n_left);
    } else {
        p->progress.n_vectors_done = (size_t)n_through;
        p->progress.n_vectors_total = (size_t)n_total;
    }
    p->progress.elapsed_ms = now_ms - p->start_ms;
    p->progress.phase_ms = pass_ms;
    p->progress.eta_ms = left_ms;
    p->progress.pause = why_paused(p);
    show_operation(p);
    if (p->options->on_progress)
        p->options->on_progress(p->options->ctx, &p->progress);
}
