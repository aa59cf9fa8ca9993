/* The writer's side: finished jobs in their order, one transaction for a group of them. */
#include "base/checked.h"
#include "base/clock.h"
#include "base/trace.h"
#include "ingest/ingest.h"
#include "ingest/parts.h"
#include "ingest/pipeline.h"
#include "ingest/shrink.h"

#define GROUP_JOBS_MAX 256
#define GROUP_SHARE 8 /* of ingest's memory: a segment is made of the group beside it */
#define GROUP_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define GROUP_WAIT_MS 250
#define SMALL_GROUP_WAIT_MS 2000 /* for words that would go into the tail */
#define TELL_MS 250
#define DISK_GROWTH 3          /* rows, their log, and the segments made of them */
#define DISK_PATIENCE_MS 10000 /* for somebody to make room */
#define LOOK_MS 200

static enum status put_vectors(struct pipeline *p, const struct ingest_job *job, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < job->n_chunks && !status; i++) {
        const struct store_chunk *chunk = &job->chunks[i];
        status = store_put_vector(p->writer, chunk->hash, chunk->vector, chunk->vector_bytes, err);
    }
    for (size_t i = 0; i < job->n_linked && !status; i++)
        status = store_link_vector(p->writer, job->linked[i], err);
    return status;
}

static enum status put_job(struct pipeline *p, struct ingest_job *job, struct new_segment *segment,
                           struct error *err)
{
    bool is_put;
    switch (job->change) {
    case INGEST_CHANGE_DOCUMENT:
        return pipeline_segment_is_used(segment)
                   ? pipeline_segment_put(p, job, segment, err)
                   : store_put_document(p->writer, &job->document, job->chunks, job->n_chunks, NULL,
                                        err);
    case INGEST_CHANGE_PART:
        return pipeline_segment_is_used(segment) ? pipeline_segment_put(p, job, segment, err)
                                                 : parts_put(p->writer, job, NULL, &is_put, err);
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

static enum status note_tail(struct pipeline *p, bool is_new_segment, struct error *err)
{
    size_t n_lexical = 0, n_vector = 0;
    enum status status = store_count_tail(p->writer, &n_lexical, &n_vector, err);
    if (!status)
        status = store_checkpoint(p->writer, p->log_bytes_max, err);
    if (!status)
        keeper_note(&p->keeper, n_lexical > n_vector ? n_lexical : n_vector, is_new_segment);
    return status;
}

/* One write. *out_has_written false: the segment is not what was written, and nothing is. */
static enum status write_changes(struct pipeline *p, size_t first, size_t n,
                                 struct new_segment *segment, bool *out_has_written,
                                 struct error *err)
{
    size_t n_rows = pipeline_segment_count_rows(p, first, n);
    enum status status = store_write_begin(p->writer, err);
    if (status)
        return status;
    for (size_t i = 0; i < n && !status; i++)
        status = put_job(p, pipeline_job(p, first + i), segment, err);
    bool has_segment = pipeline_segment_is_used(segment);
    bool is_whole = !has_segment || segment->rows.n == n_rows;
    if (!status && is_whole && has_segment)
        status = pipeline_segment_list(p, segment, err);
    *out_has_written = is_whole;
    if (!status && is_whole)
        return store_write_commit(p->writer, err);
    store_write_rollback(p->writer);
    return status;
}

/* One transaction for a group of finished jobs; nothing is waited for inside it. */
static enum status commit_group(struct pipeline *p, size_t first, size_t n, struct error *err)
{
    bool has_change = false, has_written = false;
    for (size_t i = 0; i < n; i++)
        if (pipeline_job(p, first + i)->parts)
            parts_settle(pipeline_job(p, first + i));
    for (size_t i = 0; i < n; i++)
        has_change |= pipeline_job(p, first + i)->change != INGEST_CHANGE_NONE;
    if (!has_change)
        return STATUS_OK;
    struct new_segment segment = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = make_room(p, pipeline_job(p, first + i), err);
    if (!status)
        status = pipeline_segment_build(p, first, n, &segment, err);
    if (!status)
        status = write_changes(p, first, n, &segment, &has_written, err);
    if (!status && !has_written) {
        new_segment_clear(&segment);
        status = write_changes(p, first, n, &segment, &has_written, err);
    }
    bool is_new_segment = pipeline_segment_is_used(&segment);
    new_segment_clear(&segment);
    return status ? status : note_tail(p, is_new_segment, err);
}

/* With fail-fast nothing after the first failure is written. */
static bool is_end(const struct pipeline *p, const struct ingest_job *job)
{
    return p->options->is_fail_fast && job->path && job->result == ENGINE_FILE_FAILED;
}

static enum status note_largest(void *ctx, const struct store_segment *segment, struct error *err)
{
    uint64_t *largest = ctx;
    (void)err;
    if (segment->size_bytes > *largest)
        *largest = segment->size_bytes;
    return STATUS_OK;
}

static bool has_disk(struct pipeline *p, uint64_t n_bytes, uint64_t largest)
{
    struct error why = {0};
    bool has =
        governor_check_disk(p->context.engine->governor, n_bytes, largest, &why) == STATUS_OK;
    p->disk = why;
    return has;
}

static size_t bytes_of(struct pipeline *p, size_t n)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++)
        n_bytes += pipeline_job(p, p->next_write + i)->arena.n_bytes;
    return n_bytes;
}

/* Before the disk is full: what is left is for removing, compacting and other programs. Fewer jobs
 * where there is no room for all of *io_n; when there is none for one, goes on as soon as there is
 * twice of it. */
static enum status wait_for_disk(struct pipeline *p, size_t *io_n, struct error *err)
{
    uint64_t largest = 0;
    enum status status = store_each_segment(p->writer, note_largest, &largest, err);
    if (status || has_disk(p, DISK_GROWTH * bytes_of(p, *io_n), largest))
        return status;
    status = store_checkpoint(p->writer, 0, err);
    if (status)
        return status;
    for (; *io_n > 1; *io_n /= 2)
        if (has_disk(p, DISK_GROWTH * bytes_of(p, *io_n), largest))
            return STATUS_OK;
    uint64_t n_needed = DISK_GROWTH * bytes_of(p, 1);
    if (has_disk(p, n_needed, largest))
        return STATUS_OK;
    int64_t deadline_ms = clock_monotonic_ms() + DISK_PATIENCE_MS;
    while (!is_cancelled(p->context.cancel) && clock_monotonic_ms() < deadline_ms) {
        pipeline_report_progress(p, p->next_write);
        clock_sleep_ms(LOOK_MS);
        if (has_disk(p, 2 * n_needed, largest))
            return STATUS_OK;
    }
    if (is_cancelled(p->context.cancel))
        return error_set(err, STATUS_CANCELLED, "stopped while waiting for the disk");
    if (err)
        *err = p->disk;
    return p->disk.status;
}

/* Commits the jobs [next_write, next_write + n), or as many of them as the disk has room for,
 * reports them and gives their memory back. */
static enum status write_group(struct pipeline *p, size_t n, struct error *err)
{
    TRACE(TRACE_STAGE_WRITE);
    size_t first = p->next_write, n_bytes;
    enum status status = wait_for_disk(p, &n, err);
    if (!status)
        status = commit_group(p, first, n, err);
    if (status)
        return status;
    n_bytes = 0;
    p->has_ended = is_end(p, pipeline_job(p, first + n - 1));
    for (size_t i = 0; i < n; i++) {
        struct ingest_job *job = pipeline_job(p, first + i);
        pipeline_report_job(p, job, p->ring_bytes[(first + i) % INGEST_WINDOW]);
        n_bytes += job->n_taken;
        job->n_taken = 0;
        arena_clear(&job->arena);
    }
    pipeline_report_progress(p, first + n);
    governor_give(p->context.engine->governor, GOVERNOR_INGEST, n_bytes);
    pthread_mutex_lock(&p->mutex);
    p->next_write += n;
    p->is_stopping |= p->has_ended;
    pthread_cond_broadcast(&p->work_changed);
    pthread_mutex_unlock(&p->mutex);
    return STATUS_OK;
}

/* How many jobs from next_write on are done, up to a group's bounds or to what ends the add. By
 * mutex. */
static size_t count_done(struct pipeline *p, bool *out_is_full)
{
    bool is_green = governor_state(p->context.engine->governor) == GOVERNOR_GREEN;
    size_t share = governor_share(p->context.engine->governor, GOVERNOR_INGEST);
    size_t n_bytes_max = size_min(GROUP_BYTES_MAX, share / GROUP_SHARE);
    size_t n = 0, n_bytes = 0;
    bool is_last = false;
    n_bytes_max = is_green ? n_bytes_max : n_bytes_max / 2;
    while (p->next_write + n < p->next_job && n < GROUP_JOBS_MAX && n_bytes < n_bytes_max &&
           !is_last && pipeline_job(p, p->next_write + n)->is_done) {
        n_bytes += pipeline_job(p, p->next_write + n)->arena.n_bytes;
        is_last = is_end(p, pipeline_job(p, p->next_write + n));
        n++;
    }
    *out_is_full = is_last || n == GROUP_JOBS_MAX || n_bytes >= n_bytes_max ||
                   p->next_write + n == p->source->n;
    return n;
}

static bool is_group_due(struct pipeline *p, size_t n, int64_t waited_ms)
{
    bool is_small =
        p->context.pass == INGEST_PASS_WORDS && !pipeline_segment_is_worth(p, p->next_write, n);
    return waited_ms >= (is_small ? SMALL_GROUP_WAIT_MS : GROUP_WAIT_MS);
}

enum status pipeline_write(struct pipeline *p, struct error *err)
{
    int64_t last_commit_ms = clock_monotonic_ms(), told_ms = last_commit_ms;
    enum status status = STATUS_OK;
    while (!status && !p->has_ended && p->next_write < p->source->n) {
        pthread_mutex_lock(&p->mutex);
        bool is_full, is_stopping = p->is_stopping || is_cancelled(p->context.cancel);
        size_t n = count_done(p, &is_full);
        bool is_due = is_group_due(p, n, clock_monotonic_ms() - last_commit_ms);
        bool is_ready = n > 0 && (is_full || is_due || is_stopping);
        if (!is_ready && !is_stopping) {
            TRACE(TRACE_STAGE_WAIT);
            thread_wait(&p->job_done, &p->mutex, 50);
        }
        pthread_mutex_unlock(&p->mutex);
        if (is_ready) {
            status = write_group(p, n, err);
            last_commit_ms = told_ms = clock_monotonic_ms();
        } else if (is_stopping) {
            break;
        } else if (clock_monotonic_ms() - told_ms >= TELL_MS) {
            pipeline_report_progress(p, p->next_write);
            told_ms = clock_monotonic_ms();
        }
    }
    return status;
}

enum status pipeline_plain(struct pipeline *p, struct error *err)
{
    struct ingest_worker worker = {0};
    enum status status = ingest_worker_init(&worker, &p->context, err);
    while (!status && !p->has_ended && p->next_write < p->source->n &&
           !is_cancelled(p->context.cancel)) {
        bool is_full = false;
        pthread_mutex_lock(&p->mutex);
        size_t n = count_done(p, &is_full);
        bool has_worked = !is_full && pipeline_step(p, &worker);
        pthread_mutex_unlock(&p->mutex);
        if (has_worked)
            continue;
        if (n > 0)
            status = write_group(p, n, err);
        else if (p->is_paused)
            clock_sleep_ms(LOOK_MS);
        else
            break;
    }
    ingest_worker_clear(&worker);
    return status;
}
