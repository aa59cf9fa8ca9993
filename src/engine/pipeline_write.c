/* The writer's side: finished jobs in their order, one transaction for a group of them. */
#include "base/clock.h"
#include "base/thread.h"
#include "engine/parts.h"
#include "engine/pipeline.h"
#include "engine/shrink.h"

#define GROUP_FILES_MAX 64
#define GROUP_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define GROUP_WAIT_MS 250

static enum status put_vectors(struct pipeline *p, const struct ingest_job *job, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < job->n_needed && !status; i++) {
        const struct store_chunk *chunk = &job->chunks[job->needed[i]];
        status = store_put_vector(p->writer, chunk->hash, chunk->vector, chunk->vector_bytes, err);
    }
    return status;
}

static enum status put_job(struct pipeline *p, struct ingest_job *job, struct error *err)
{
    switch (job->change) {
    case INGEST_CHANGE_DOCUMENT:
        return store_put_document(p->writer, &job->document, job->chunks, job->n_chunks, err);
    case INGEST_CHANGE_PART:
        return parts_put(p->writer, job, err);
    case INGEST_CHANGE_STAT:
        return store_touch_document(p->writer, job->known->id, job->document.size_bytes,
                                    job->document.inode, job->document.mtime_ns, err);
    case INGEST_CHANGE_VECTORS:
        return put_vectors(p, job, err);
    case INGEST_CHANGE_NONE:
        break;
    }
    return STATUS_OK;
}

static enum status make_room(struct pipeline *p, const struct ingest_job *job, struct error *err)
{
    bool is_replacing = job->change == INGEST_CHANGE_DOCUMENT ||
                        (job->change == INGEST_CHANGE_PART && job->part.i == 0);
    bool may_be_large = job->parts || (job->known && job->known->n_chunks > SHRINK_PASSAGES);
    return is_replacing && may_be_large ? shrink_path(p->writer, job->path, p->context.cancel, err)
                                        : STATUS_OK;
}

static enum status note_tail(struct pipeline *p, struct error *err)
{
    size_t n_lexical = 0, n_vector = 0;
    enum status status = store_count_tail(p->writer, &n_lexical, &n_vector, err);
    if (!status)
        keeper_note_tail(&p->keeper, n_lexical > n_vector ? n_lexical : n_vector);
    return status;
}

/* One transaction for a group of finished jobs; nothing is waited for inside it. */
static enum status commit_group(struct pipeline *p, size_t first, size_t n, struct error *err)
{
    bool has_change = false;
    for (size_t i = 0; i < n; i++)
        if (pipeline_job(p, first + i)->parts)
            parts_settle(pipeline_job(p, first + i));
    for (size_t i = 0; i < n; i++)
        has_change |= pipeline_job(p, first + i)->change != INGEST_CHANGE_NONE;
    if (!has_change)
        return STATUS_OK;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = make_room(p, pipeline_job(p, first + i), err);
    if (!status)
        status = store_write_begin(p->writer, err);
    if (status)
        return status;
    for (size_t i = 0; i < n && !status; i++)
        status = put_job(p, pipeline_job(p, first + i), err);
    if (status) {
        store_write_rollback(p->writer);
        return status;
    }
    status = store_write_commit(p->writer, err);
    return status ? status : note_tail(p, err);
}

static void report_job(struct pipeline *p, const struct ingest_job *job, uint64_t size_bytes)
{
    struct engine_add_result *r = &p->result;
    bool is_part = job->change == INGEST_CHANGE_PART;
    p->n_silent += job->is_silent;
    r->n[job->result] += !job->is_silent;
    if (is_part || job->change == INGEST_CHANGE_DOCUMENT) {
        r->n_chunks += job->n_chunks;
        r->n_vectors_computed += job->n_needed;
        r->n_vectors_reused += job->n_chunks - job->n_needed - job->n_deferred;
        r->n_vectors_deferred += job->n_deferred;
    }
    if (job->change == INGEST_CHANGE_VECTORS)
        r->n_vectors_filled += job->n_needed;
    if (!p->options->on_file || job->is_silent)
        return;
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

static void report_progress(struct pipeline *p, size_t n_done)
{
    if (!p->options->on_progress)
        return;
    pthread_mutex_lock(&p->mutex);
    uint64_t n_worked = p->n_bytes_worked, n_bytes = n_worked + p->n_bytes_passed;
    pthread_mutex_unlock(&p->mutex);
    int64_t elapsed_ms = clock_monotonic_ms() - p->start_ms;
    uint64_t n_left = p->source->n_bytes > n_bytes ? p->source->n_bytes - n_bytes : 0;
    p->options->on_progress(p->options->ctx,
                            &(struct engine_progress){
                                .n_files_done = n_done - p->n_silent,
                                .n_files_total = p->source->n - p->source->n_silent,
                                .n_bytes_done = n_bytes,
                                .n_bytes_total = p->source->n_bytes,
                                .n_chunks = p->result.n_chunks,
                                .elapsed_ms = elapsed_ms,
                                .eta_ms = eta_step(&p->eta, elapsed_ms, n_worked, n_left),
                            });
}

/* With fail-fast nothing after the first failure is written. */
static bool is_end(const struct pipeline *p, const struct ingest_job *job)
{
    return p->options->is_fail_fast && job->result == ENGINE_FILE_FAILED;
}

/* Commits jobs [next_write, next_write + n), reports them and gives their memory back. */
static enum status write_group(struct pipeline *p, size_t n, struct error *err)
{
    size_t first = p->next_write;
    enum status status = commit_group(p, first, n, err);
    if (status)
        return status;
    size_t n_bytes = 0;
    bool is_last = false;
    for (size_t i = 0; i < n; i++) {
        struct ingest_job *job = pipeline_job(p, first + i);
        is_last = is_end(p, job);
        report_job(p, job, p->ring_bytes[(first + i) % INGEST_WINDOW]);
        n_bytes += job->arena.n_bytes;
        arena_clear(&job->arena);
    }
    report_progress(p, first + n);
    pthread_mutex_lock(&p->mutex);
    p->next_write += n;
    p->n_bytes_in_flight -= n_bytes;
    p->is_stopping |= is_last;
    pthread_cond_broadcast(&p->work_changed);
    pthread_mutex_unlock(&p->mutex);
    return STATUS_OK;
}

/* How many jobs from next_write on are done, up to a group's bounds. By mutex. */
static size_t count_done(struct pipeline *p, bool *out_is_full)
{
    size_t n = 0, n_bytes = 0;
    while (p->next_write + n < p->next_job && n < GROUP_FILES_MAX && n_bytes < GROUP_BYTES_MAX &&
           pipeline_job(p, p->next_write + n)->is_done) {
        n_bytes += pipeline_job(p, p->next_write + n)->arena.n_bytes;
        n++;
    }
    *out_is_full =
        n == GROUP_FILES_MAX || n_bytes >= GROUP_BYTES_MAX || p->next_write + n == p->source->n;
    return n;
}

enum status pipeline_write(struct pipeline *p, struct error *err)
{
    int64_t last_commit_ms = clock_monotonic_ms();
    enum status status = STATUS_OK;
    while (!status && p->next_write < p->source->n) {
        pthread_mutex_lock(&p->mutex);
        bool is_full, is_stopping = p->is_stopping || is_cancelled(p->context.cancel);
        size_t n = count_done(p, &is_full);
        bool is_due = clock_monotonic_ms() - last_commit_ms >= GROUP_WAIT_MS;
        bool is_ready = n > 0 && (is_full || is_due || is_stopping);
        if (!is_ready && !is_stopping)
            thread_wait(&p->job_done, &p->mutex, 50);
        pthread_mutex_unlock(&p->mutex);
        if (is_ready) {
            status = write_group(p, n, err);
            last_commit_ms = clock_monotonic_ms();
        } else if (is_stopping) {
            break;
        } else if (is_due) {
            report_progress(p, p->next_write);
        }
    }
    return status;
}
