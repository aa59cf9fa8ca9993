#include "ingest/ingest_job.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/operation.h"
#include "base/thread.h"
#include "engine/degraded.h"
#include "governor/disk_reserve.h"
#include "ingest/pipeline.h"
#include "query/metadata.h"

#define THREADS_MAX 64
#define LOG_BYTES_MAX ((size_t)32 * 1024 * 1024)

static enum status run_threads(struct pipeline *p, unsigned n_threads, struct error *err)
{
    struct thread threads[THREADS_MAX] = {{0}};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < n_threads && !status; i++) {
        struct error error = {0};
        status = thread_start(&threads[i], pipeline_work, p, &error);
        if (status && i > 0)
            status = STATUS_OK, n_threads = i; /* fewer threads, same result */
        else if (status && err)
            *err = error;
    }
    if (!status)
        status = pipeline_write(p, err);
    pthread_mutex_lock(&p->mutex);
    p->is_stopping = true;
    pthread_cond_broadcast(&p->work_changed);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < n_threads; i++)
        thread_join(&threads[i]);
    return status;
}

static enum status check_meta(struct store *store, const char *key, const char *ours,
                              const char *what, bool *out_is_set, struct error *err)
{
    static const char *const remedy_model =
        "set it back, use another data directory, or `ragged clear` and add again";
    static const char *const remedy_words = "`ragged reindex` makes the index anew";
    const char *remedy = strcmp(key, STORE_META_ANALYZER) == 0 ? remedy_words : remedy_model;
    struct arena arena = {0};
    const char *stored = NULL;
    enum status status = store_get_meta(store, key, &arena, &stored, err);
    *out_is_set = stored && *stored;
    if (!status && *out_is_set && strcmp(stored, ours) != 0) {
        status = error_set(err, STATUS_INVALID, "the library was made with %s \"%s\", not \"%s\"",
                           what, stored, ours);
        error_hint(err, "%s", remedy);
    }
    arena_clear(&arena);
    return status;
}

/* The library keeps what was made with one model and one analyzer; the first add decides which, and
 * of two at the same time the one that writes first. */
static enum status agree_meta(struct store *store, const char *key, const char *ours,
                              const char *what, struct error *err)
{
    bool is_set;
    enum status status = check_meta(store, key, ours, what, &is_set, err);
    if (status || is_set)
        return status;
    status = store_write_begin(store, err);
    if (status)
        return status;
    status = check_meta(store, key, ours, what, &is_set, err);
    if (!status && !is_set)
        status = store_set_meta(store, key, ours, err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

static enum status agree_model(struct pipeline *p, struct error *err)
{
    char dim[24];
    snprintf(dim, sizeof dim, "%zu", embedder_dim(p->context.embedder));
    enum status status =
        agree_meta(p->writer, STORE_META_FINGERPRINT, embedder_fingerprint(p->context.embedder),
                   "embedding model", err);
    return status ? status : agree_meta(p->writer, STORE_META_DIM, dim, "vector size", err);
}

/* Before there is a vector nothing is decided; others' are not mixed with. */
static enum status agree(struct pipeline *p, struct error *err)
{
    struct analyzer *analyzer;
    bool is_set;
    enum status status = engine_get_analyzer(p->context.engine, &analyzer, err);
    if (!status && !p->counter)
        status =
            check_meta(p->writer, STORE_META_FINGERPRINT, embedder_fingerprint(p->context.embedder),
                       "embedding model", &is_set, err);
    if (!status)
        status = agree_meta(p->writer, STORE_META_ANALYZER, analyzer_id(analyzer), "analyzer", err);
    return status;
}

/* ---- the two passes ---- */

static void clear_ring(struct pipeline *p)
{
    for (size_t i = p->next_write; p->ring && i < p->next_job; i++) {
        arena_clear(&pipeline_job(p, i)->arena);
        governor_give(p->context.engine->governor, GOVERNOR_INGEST, pipeline_job(p, i)->n_taken);
    }
    p->next_write = p->next_job = 0;
}

static bool is_plain(const struct engine *engine)
{
    return !feature_is_on(&engine->options.features, FEATURE_ASYNC_BACKPRESSURE);
}

static enum status say_stopped(const struct pipeline *p, struct error *err)
{
    const struct engine_progress *told = &p->progress;
    bool is_words = p->context.pass == INGEST_PASS_WORDS;
    return error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu %s",
                     is_words ? p->next_write - p->n_silent : told->n_vectors_done,
                     is_words ? p->source->n - p->source->n_silent : told->n_vectors_total,
                     is_words ? "files" : "vectors");
}

/* *out_failed: what the workers could not go on with; the status is the writer's. */
static enum status run_pass(struct pipeline *p, enum ingest_pass pass,
                            const struct ingest_source *source, struct error *out_failed,
                            struct error *err)
{
    p->context.pass = pass;
    p->source = source;
    p->pass_start_ms = clock_monotonic_ms();
    p->pass_start_computed_ms = clock_cpu_ms();
    p->n_bytes_worked = p->n_bytes_passed = 0;
    p->turns = (struct thread_turns){0};
    p->is_stopping = false;
    p->failed = STATUS_OK;
    eta_expect(&p->eta, pass == INGEST_PASS_VECTORS ? pipeline_vector_rate(p) : 0);
    enum status status =
        is_plain(p->context.engine)
            ? pipeline_plain(p, err)
            : run_threads(p, (unsigned)size_min(p->context.n_threads, source->n), err);
    if (!status && is_cancelled(p->context.cancel))
        status = say_stopped(p, err);
    if (!status && p->failed)
        *out_failed = p->error;
    out_failed->status = p->failed;
    clear_ring(p);
    return status;
}

/* Each has an encoder's scratch or a parser for as long as it lives; all of them together have a
 * part of ingest's share, so that jobs have the rest. */
static unsigned choose_threads(const struct pipeline *p)
{
    const struct engine *engine = p->context.engine;
    size_t a_thread = INGEST_PARSER_BYTES;
    if (!p->options->is_deferred)
        a_thread += embedder_tuning(p->context.embedder).bytes_a_thread;
    unsigned n = engine_n_threads(engine);
    n = n < THREADS_MAX ? n : THREADS_MAX;
    while (n > 1 && governor_thread_share(engine->governor, n) < a_thread)
        n--;
    return n;
}

static enum status write_words(struct pipeline *p, const struct ingest_source *source,
                               struct error *err)
{
    struct error failed = {0};
    enum status status = run_pass(p, INGEST_PASS_WORDS, source, &failed, err);
    if (!status && failed.status) {
        status = failed.status;
        if (err)
            *err = failed;
    }
    return status;
}

/* What can't be embedded keeps missing while the rest goes on. */
static enum status write_vectors(struct pipeline *p, struct error *err)
{
    struct ingest_fill fill = {0};
    struct error failed = {0};
    struct engine_add_result *r = &p->result;
    enum status status = ingest_fill_init(&fill, p->writer, p->context.cancel, err);
    struct ingest_source source = ingest_fill_source(&fill);
    if (!status && fill.n_jobs > 0)
        status = agree_model(p, err);
    if (!status && fill.n_jobs > 0)
        status = run_pass(p, INGEST_PASS_VECTORS, &source, &failed, err);
    if (!status && failed.status)
        r->vector_error = failed;
    if (status == STATUS_CANCELLED && fill.n_passages > 0)
        r->n_vectors_deferred = fill.n_passages - p->progress.n_vectors_done;
    ingest_fill_clear(&fill);
    return status;
}

static enum status count_left(struct pipeline *p, struct error *err)
{
    struct ingest_fill fill = {0};
    struct engine_add_result *r = &p->result;
    enum status status = ingest_fill_init(&fill, p->writer, p->context.cancel, err);
    if (status)
        return status;
    r->n_vectors_deferred = fill.n_passages;
    size_t n_made = r->n_vectors_computed + fill.n_passages;
    r->n_vectors_reused = r->n_chunks > n_made ? r->n_chunks - n_made : 0;
    ingest_fill_clear(&fill);
    return STATUS_OK;
}

static enum status run_passes(struct pipeline *p, const struct ingest_source *source,
                              struct error *err)
{
    enum status status = write_words(p, source, err);
    bool is_ended = p->options->is_fail_fast && p->result.n[ENGINE_FILE_FAILED] > 0;
    if (status || p->options->is_deferred || is_ended)
        return status;
    if (!p->result.vector_error.status)
        status = write_vectors(p, err);
    return status ? status : count_left(p, err);
}

/* ---- before and after ---- */

/* A server that does not answer costs the vectors; the words need only to know how long a passage
 * may be. */
static enum status use_counter(struct pipeline *p, enum status status, struct error *err)
{
    const struct engine_options *o = &p->context.engine->options;
    struct error *why = &p->result.vector_error;
    if (engine_is_native(o) || !status_is_of_peer(status) ||
        !degraded_is_allowed(p->context.engine)) {
        if (err)
            *err = *why;
        *why = (struct error){0};
        return status;
    }
    if (p->options->is_deferred)
        *why = (struct error){0};
    status = embedder_open_counter(o->embedding_model, &p->counter, err);
    p->context.embedder = p->counter;
    return status;
}

static enum status choose_embedder(struct pipeline *p, struct error *err)
{
    struct engine *engine = p->context.engine;
    struct error *why = &p->result.vector_error;
    engine->options.is_bulk = !p->options->is_deferred;
    enum status status = engine_get_embedder(engine, &p->context.embedder, why);
    if (!status)
        return STATUS_OK;
    why->status = status;
    return use_counter(p, status, err);
}

static enum status open_pipeline(struct pipeline *p, struct error *err)
{
    struct engine *engine = p->context.engine;
    struct ingest_fill earlier = {0};
    enum status status = store_open(engine->options.data_folder, STORE_OPEN_WRITE, &p->writer, err);
    if (!status)
        engine_sign(engine, p->writer);
    engine_share_counters(engine);
    p->operation = operation_begin("add"); /* on the board that is shared now */
    if (!status)
        status = engine_renew_words(engine, p->writer, p->context.cancel, err);
    if (!status)
        status = agree(p, err);
    if (!status)
        status = known_init(&p->known, p->writer, p->context.cancel, err);
    if (!status)
        status = ingest_fill_init(&earlier, p->writer, p->context.cancel, err);
    p->context.last_earlier_id = earlier.last_id;
    p->n_missing = earlier.n_passages;
    ingest_fill_clear(&earlier);
    disk_ballast_keep(engine->options.data_folder);
    p->log_bytes_max = size_min(LOG_BYTES_MAX, disk_ballast_bytes(engine->options.data_folder) / 2);
    p->ring = mem_zalloc(INGEST_WINDOW, sizeof *p->ring);
    p->ring_bytes = mem_zalloc(INGEST_WINDOW, sizeof *p->ring_bytes);
    if (!status && (!p->ring || !p->ring_bytes))
        status = error_nomem(err);
    if (!status)
        status = keeper_start(&p->keeper, is_plain(engine) ? KEEPER_IN_TURN : KEEPER_THREAD,
                              engine->options.data_folder, engine_n_threads(engine),
                              engine->governor, p->context.cancel, err);
    if (!status)
        engine_sign(engine, p->keeper.maintainer.store); /* nothing is due yet */
    return status;
}

static void close_pipeline(struct pipeline *p)
{
    mem_free(p->ring);
    mem_free(p->ring_bytes);
    known_clear(&p->known);
    store_close(p->writer);
    embedder_close(p->counter);
}

enum status ingest_run(struct engine *engine, const struct ingest_source *source,
                       const struct engine_add_options *options, struct engine_add_result *out,
                       struct error *err)
{
    struct pipeline p = {
        .context = {.engine = engine,
                    .collection = options->collection ? options->collection : "default",
                    .given = "",
                    .cancel = options->cancel},
        .options = options,
        .start_ms = clock_monotonic_ms(),
        .operation = -1,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .work_changed = PTHREAD_COND_INITIALIZER,
        .job_done = PTHREAD_COND_INITIALIZER,
    };
    struct arena arena = {0};
    enum status status =
        metadata_given_parse(options->metas, options->n_metas, &arena, &p.context.given, err);
    if (!status)
        status = choose_embedder(&p, err);
    if (!status)
        p.context.n_threads = choose_threads(&p);
    if (!status)
        status = open_pipeline(&p, err);
    if (!status)
        status = run_passes(&p, source, err);
    /* Everything is stored and found: a segment that could not be built only makes that slower. */
    struct error *index_error = &p.result.index_error;
    index_error->status = keeper_stop(&p.keeper, index_error);
    if (!status && !index_error->status)
        index_error->status = engine_keep_up(engine, options->cancel, index_error);
    if (!status && is_cancelled(options->cancel)) {
        status = error_set(err, STATUS_CANCELLED, "stopped while the index was brought up to date");
        index_error->status = STATUS_OK;
    }
    if (p.writer)
        (void)!store_count_tail(p.writer, &p.result.n_tail, &(size_t){0}, NULL);
    p.result.elapsed_ms = clock_monotonic_ms() - p.start_ms;
    if (!status || status == STATUS_CANCELLED)
        *out = p.result;
    if (!status)
        status = store_checkpoint(p.writer, 0, err);
    else if (p.writer)
        (void)!store_checkpoint(p.writer, 0, NULL); /* a log of a stopped load is short too */
    close_pipeline(&p);
    operation_end(p.operation);
    arena_clear(&arena);
    return status;
}
