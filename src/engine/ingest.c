/* The pipeline itself: who works on which job, what is in flight, and the commits. */
#include "engine/ingest.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/known.h"

#define GROUP_FILES_MAX 64
#define GROUP_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define GROUP_WAIT_MS 250
#define THREADS_MAX 64

struct pipeline {
    struct ingest_context context;
    const struct ingest_source *source;
    const struct engine_add_options *options;
    const struct known *known;
    struct store *writer;
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
    bool is_stopping;
    enum status failed; /* the first failure that stops everything */
    struct error error;

    struct engine_add_result result; /* writer only */
    uint64_t n_bytes_done;
};

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

static struct ingest_job *job_at(struct pipeline *p, size_t i)
{
    return &p->ring[i % INGEST_WINDOW];
}

/* A job with slices nobody took; the oldest first, because the writer waits for it. */
static struct ingest_job *find_slice(struct pipeline *p)
{
    for (size_t i = p->next_write; i < p->next_job; i++) {
        struct ingest_job *job = job_at(p, i);
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
        job->is_stored = false;
        job->is_fatal = status == STATUS_REMOTE;
        if (job->is_fatal)
            stop_with(p, status, &error);
    }
    if (--job->n_slices_left == 0)
        finish_job(p, job);
}

static void prepare_one(struct pipeline *p, struct ingest_worker *worker)
{
    size_t i = p->next_job++;
    struct ingest_job *job = job_at(p, i);
    *job = (struct ingest_job){0};
    p->source->get(p->source->ctx, i, job, &p->ring_bytes[i % INGEST_WINDOW]);
    job->known = known_find(p->known, job->path);
    pthread_mutex_unlock(&p->mutex);
    ingest_prepare(worker, &p->context, job);
    pthread_mutex_lock(&p->mutex);
    p->n_bytes_in_flight += job->arena.n_bytes;
    job->n_slices_left = (job->n_needed + INGEST_SLICE - 1) / INGEST_SLICE;
    job->is_prepared = true;
    if (job->n_slices_left == 0)
        finish_job(p, job);
    else
        pthread_cond_broadcast(&p->work_changed);
}

static void *work(void *arg)
{
    struct pipeline *p = arg;
    struct ingest_worker worker = {0};
    struct error error = {0};
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

static enum status put_job(struct pipeline *p, const struct ingest_job *job, struct error *err)
{
    if (job->is_stored)
        return store_put_document(p->writer, &job->document, job->chunks, job->n_chunks, err);
    if (job->is_touch)
        return store_touch_document(p->writer, job->known->id, job->document.size_bytes,
                                    job->document.inode, job->document.mtime_ns, err);
    return STATUS_OK;
}

/* One transaction for a group of finished jobs; nothing is waited for inside it. */
static enum status commit_group(struct pipeline *p, size_t first, size_t n, struct error *err)
{
    bool has_change = false;
    for (size_t i = 0; i < n; i++)
        has_change |= job_at(p, first + i)->is_stored || job_at(p, first + i)->is_touch;
    if (!has_change)
        return STATUS_OK;
    enum status status = store_write_begin(p->writer, err);
    if (status)
        return status;
    for (size_t i = 0; i < n && !status; i++)
        status = put_job(p, job_at(p, first + i), err);
    if (status) {
        store_write_rollback(p->writer);
        return status;
    }
    return store_write_commit(p->writer, err);
}

static void report_job(struct pipeline *p, const struct ingest_job *job, uint64_t size_bytes)
{
    struct engine_add_result *r = &p->result;
    r->n[job->result]++;
    p->n_bytes_done += size_bytes;
    if (job->is_stored) {
        r->n_chunks += job->n_chunks;
        r->n_vectors_computed += job->n_needed;
        r->n_vectors_reused += job->n_chunks - job->n_needed;
    }
    if (!p->options->on_file)
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
                            .n_chunks = job->n_chunks,
                            .size_bytes = size_bytes,
                        });
}

static void report_progress(struct pipeline *p, size_t n_done)
{
    if (!p->options->on_progress)
        return;
    int64_t elapsed_ms = clock_monotonic_ms() - p->start_ms;
    uint64_t n_left =
        p->source->n_bytes > p->n_bytes_done ? p->source->n_bytes - p->n_bytes_done : 0;
    bool is_known = p->n_bytes_done > 0 && elapsed_ms > 500;
    p->options->on_progress(p->options->ctx,
                            &(struct engine_progress){
                                .n_files_done = n_done,
                                .n_files_total = p->source->n,
                                .n_bytes_done = p->n_bytes_done,
                                .n_bytes_total = p->source->n_bytes,
                                .n_chunks = p->result.n_chunks,
                                .elapsed_ms = elapsed_ms,
                                .eta_ms = is_known ? (int64_t)((double)elapsed_ms * (double)n_left /
                                                               (double)p->n_bytes_done)
                                                   : -1,
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
        struct ingest_job *job = job_at(p, first + i);
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
           job_at(p, p->next_write + n)->is_done) {
        n_bytes += job_at(p, p->next_write + n)->arena.n_bytes;
        n++;
    }
    *out_is_full =
        n == GROUP_FILES_MAX || n_bytes >= GROUP_BYTES_MAX || p->next_write + n == p->source->n;
    return n;
}

static void wait_for_job(struct pipeline *p, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(timeout_ms * 1000000);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->job_done, &p->mutex, &until);
}

/* The calling thread: groups finished jobs, commits, reports, until the source is empty or it must
 * stop. */
static enum status write_all(struct pipeline *p, struct error *err)
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
            wait_for_job(p, 50);
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

static void run_threads(struct pipeline *p, unsigned n_threads, enum status *out_status,
                        struct error *err)
{
    struct thread threads[THREADS_MAX] = {{0}};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < n_threads && !status; i++) {
        struct error error = {0};
        status = thread_start(&threads[i], work, p, &error);
        if (status && i > 0)
            status = STATUS_OK, n_threads = i; /* fewer threads, same result */
        else if (status && err)
            *err = error;
    }
    if (!status)
        status = write_all(p, err);
    pthread_mutex_lock(&p->mutex);
    p->is_stopping = true;
    pthread_cond_broadcast(&p->work_changed);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < n_threads; i++)
        thread_join(&threads[i]);
    *out_status = status;
}

/* The library keeps what was made with one model and one analyzer; the first add decides which. */
static enum status agree_meta(struct store *store, const char *key, const char *ours,
                              const char *what, struct error *err)
{
    struct arena arena = {0};
    const char *stored = NULL;
    enum status status = store_get_meta(store, key, &arena, &stored, err);
    if (!status && stored && *stored && strcmp(stored, ours) != 0) {
        status = error_set(err, STATUS_INVALID, "the library was made with %s \"%s\", not \"%s\"",
                           what, stored, ours);
        error_hint(err, "set it back, use another data directory, or `ragged clear` and add again");
    } else if (!status && (!stored || !*stored)) {
        status = store_write_begin(store, err);
        if (!status)
            status = store_set_meta(store, key, ours, err);
        if (status)
            store_write_rollback(store);
        else
            status = store_write_commit(store, err);
    }
    arena_clear(&arena);
    return status;
}

static enum status agree(struct pipeline *p, struct error *err)
{
    struct engine *engine = p->context.engine;
    struct analyzer *analyzer;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    char dim[24];
    snprintf(dim, sizeof dim, "%zu", p->context.dim);
    if (!status)
        status = agree_meta(p->writer, ENGINE_META_FINGERPRINT,
                            embedder_fingerprint(p->context.embedder), "embedding model", err);
    if (!status)
        status = agree_meta(p->writer, ENGINE_META_DIM, dim, "vector size", err);
    if (!status)
        status =
            agree_meta(p->writer, ENGINE_META_ANALYZER, analyzer_id(analyzer), "analyzer", err);
    return status;
}

static void clear_ring(struct pipeline *p)
{
    for (size_t i = p->next_write; p->ring && i < p->next_job; i++)
        arena_clear(&job_at(p, i)->arena);
    mem_free(p->ring);
    mem_free(p->ring_bytes);
}

static enum status run_pipeline(struct pipeline *p, struct error *err)
{
    unsigned n_threads = engine_n_threads(p->context.engine);
    enum status status = STATUS_OK;
    run_threads(p, n_threads < THREADS_MAX ? n_threads : THREADS_MAX, &status, err);
    if (!status && p->failed) {
        status = p->failed;
        if (err)
            *err = p->error;
    }
    if (!status && is_cancelled(p->context.cancel))
        status = error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu files", p->next_write,
                           p->source->n);
    return status;
}

enum status ingest_run(struct engine *engine, const struct ingest_source *source,
                       const struct engine_add_options *options, struct engine_add_result *out,
                       struct error *err)
{
    struct pipeline p = {
        .context = {.engine = engine,
                    .collection = options->collection ? options->collection : "default",
                    .cancel = options->cancel},
        .source = source,
        .options = options,
        .start_ms = clock_monotonic_ms(),
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .work_changed = PTHREAD_COND_INITIALIZER,
        .job_done = PTHREAD_COND_INITIALIZER,
    };
    struct known known = {0};
    enum status status = engine_get_embedder(engine, &p.context.embedder, err);
    if (status)
        return status;
    p.context.dim = embedder_dim(p.context.embedder);
    p.known = &known;
    status = store_open(engine->options.data_folder, STORE_OPEN_WRITE, &p.writer, err);
    if (!status)
        status = agree(&p, err);
    if (!status)
        status = known_init(&known, p.writer, err);
    p.ring = mem_zalloc(INGEST_WINDOW, sizeof *p.ring);
    p.ring_bytes = mem_zalloc(INGEST_WINDOW, sizeof *p.ring_bytes);
    if (!status && (!p.ring || !p.ring_bytes))
        status = error_nomem(err);
    if (!status)
        status = run_pipeline(&p, err);
    p.result.elapsed_ms = clock_monotonic_ms() - p.start_ms;
    if (!status || status == STATUS_CANCELLED)
        *out = p.result;
    if (!status)
        status = store_checkpoint(p.writer, false, err);
    clear_ring(&p);
    known_clear(&known);
    store_close(p.writer);
    return status;
}
