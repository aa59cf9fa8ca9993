#include "engine/ingest.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/metadata.h"
#include "engine/pipeline.h"

#define THREADS_MAX 64

static void run_threads(struct pipeline *p, unsigned n_threads, enum status *out_status,
                        struct error *err)
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
    *out_status = status;
}

static enum status check_meta(struct store *store, const char *key, const char *ours,
                              const char *what, bool *out_is_set, struct error *err)
{
    static const char *const remedy_model =
        "set it back, use another data directory, or `ragged clear` and add again";
    static const char *const remedy_words = "`ragged reindex` makes the index anew";
    const char *remedy = strcmp(key, ENGINE_META_ANALYZER) == 0 ? remedy_words : remedy_model;
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

/* Deferred, there is no vector yet that would decide anything; others' are not mixed with. */
static enum status agree_model(struct pipeline *p, const char *key, const char *ours,
                               const char *what, struct error *err)
{
    bool is_set;
    return p->context.is_deferred ? check_meta(p->writer, key, ours, what, &is_set, err)
                                  : agree_meta(p->writer, key, ours, what, err);
}

static enum status agree(struct pipeline *p, struct error *err)
{
    struct engine *engine = p->context.engine;
    struct analyzer *analyzer;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    char dim[24];
    snprintf(dim, sizeof dim, "%zu", p->context.dim);
    if (!status)
        status = agree_model(p, ENGINE_META_FINGERPRINT, embedder_fingerprint(p->context.embedder),
                             "embedding model", err);
    if (!status)
        status = agree_model(p, ENGINE_META_DIM, dim, "vector size", err);
    if (!status)
        status =
            agree_meta(p->writer, ENGINE_META_ANALYZER, analyzer_id(analyzer), "analyzer", err);
    return status;
}

static void clear_ring(struct pipeline *p)
{
    for (size_t i = p->next_write; p->ring && i < p->next_job; i++)
        arena_clear(&pipeline_job(p, i)->arena);
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
        status = error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu files",
                           p->next_write - p->n_silent, p->source->n - p->source->n_silent);
    return status;
}

enum status ingest_run(struct engine *engine, const struct ingest_source *source,
                       const struct engine_add_options *options, struct engine_add_result *out,
                       struct error *err)
{
    struct pipeline p = {
        .context = {.engine = engine,
                    .collection = options->collection ? options->collection : "default",
                    .given = "",
                    .cancel = options->cancel,
                    .is_deferred = options->is_deferred},
        .source = source,
        .options = options,
        .start_ms = clock_monotonic_ms(),
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .work_changed = PTHREAD_COND_INITIALIZER,
        .job_done = PTHREAD_COND_INITIALIZER,
    };
    struct known known = {0};
    struct arena arena = {0};
    engine->options.is_bulk = !options->is_deferred;
    enum status status =
        metadata_given_parse(options->metas, options->n_metas, &arena, &p.context.given, err);
    if (!status)
        status = engine_get_embedder(engine, &p.context.embedder, err);
    if (status) {
        arena_clear(&arena);
        return status;
    }
    p.context.dim = embedder_dim(p.context.embedder);
    p.known = &known;
    status = store_open(engine->options.data_folder, STORE_OPEN_WRITE, &p.writer, err);
    if (!status)
        status = engine_renew_words(engine, p.writer, err);
    if (!status)
        status = agree(&p, err);
    if (!status)
        status = known_init(&known, p.writer, err);
    p.ring = mem_zalloc(INGEST_WINDOW, sizeof *p.ring);
    p.ring_bytes = mem_zalloc(INGEST_WINDOW, sizeof *p.ring_bytes);
    if (!status && (!p.ring || !p.ring_bytes))
        status = error_nomem(err);
    if (!status)
        status =
            keeper_start(&p.keeper, engine->options.data_folder, engine_n_threads(engine), err);
    if (!status)
        status = run_pipeline(&p, err);
    /* Everything is stored and found: a segment that could not be built only makes that slower. */
    struct error *index_error = &p.result.index_error;
    index_error->status = keeper_stop(&p.keeper, index_error);
    if (!status && !index_error->status)
        index_error->status = engine_keep_up(engine, index_error);
    p.result.elapsed_ms = clock_monotonic_ms() - p.start_ms;
    if (!status || status == STATUS_CANCELLED)
        *out = p.result;
    if (!status)
        status = store_checkpoint(p.writer, false, err);
    clear_ring(&p);
    known_clear(&known);
    arena_clear(&arena);
    store_close(p.writer);
    return status;
}
