#include "engine/engine_parts.h"
#include "engine/peers.h"

#include <string.h>

#include "base/board.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/thread.h"
#include "base/trace.h"
#include "nn/nn.h"

#define NATIVE "native"

struct engine_options engine_options_default(void)
{
    return (struct engine_options){
        .embedding_backend = NATIVE,
        .generator = "auto",
        .language = "english",
        .cache_bytes_max = 64 * (uint64_t)RAGGED_MIB,
        .cache_ttl_ms = (int64_t)3600 * 1000,
    };
}

void engine_process_init(void)
{
    process_raise_limits();
    store_use_mem();
}

/* Empty and NULL mean the same in a configuration; only NULL goes on from here. */
static enum status copy_text(struct arena *arena, const char **text, struct error *err)
{
    if (!*text || !**text) {
        *text = NULL;
        return STATUS_OK;
    }
    *text = arena_text(arena, *text, strlen(*text));
    return *text ? STATUS_OK : error_nomem(err);
}

static enum status copy_options(struct engine *engine, struct error *err)
{
    struct engine_options *o = &engine->options;
    const char **const texts[] = {
        &o->data_folder,   &o->embedding_backend,   &o->embedding_model, &o->embedding_url,
        &o->embedding_key, &o->embedding_precision, &o->generator,       &o->llm_model,
        &o->ollama_url,    &o->openai_url,          &o->openai_key,      &o->gguf_path,
        &o->language,      &o->rerank_model,        &o->breaker_force,   &o->traceparent,
        &o->command,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        enum status status = copy_text(&engine->arena, texts[i], err);
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status open_governor(struct engine *engine, struct error *err)
{
    const struct engine_options *o = &engine->options;
    const struct governor_options options = {
        .max_bytes = o->memory_bytes_max,
        .data_folder = o->data_folder,
        .reserve_bytes = o->disk_reserve_bytes,
        .is_off = !feature_is_on(&o->features, FEATURE_RESOURCE_GOVERNANCE),
    };
    return governor_new(&options, &engine->governor, err);
}

void engine_share_counters(const struct engine *engine)
{
    if (!feature_is_on(&engine->options.features, FEATURE_OBSERVABILITY_DASHBOARD))
        return;
    char *path = path_join(engine->options.data_folder, BOARD_FILE);
    enum status status = path ? board_share(path, NULL) : STATUS_NOMEM;
    if (status && status != STATUS_NOT_FOUND)
        metric_add(METRIC_BOARD_FAILURES, 1);
    mem_free(path);
}

/* What can't be opened now is tried again by whoever needs it, and fails there. */
static void open_everything(struct engine *engine)
{
    struct store *store;
    struct analyzer *analyzer;
    struct embedder_work *work;
    (void)!engine_get_reader(engine, &store, NULL);
    (void)!engine_get_analyzer(engine, &analyzer, NULL);
    if (engine_is_native(&engine->options))
        (void)!engine_get_embed_work(engine, &work, NULL);
}

static enum status open_cache(struct engine *engine, struct error *err)
{
    const struct engine_options *o = &engine->options;
    if (!feature_is_on(&o->features, FEATURE_QUERY_CACHING) || o->cache_bytes_max == 0)
        return STATUS_OK;
    bool has_file = feature_is_on(&o->features, FEATURE_MULTI_TIER_CACHING);
    return query_cache_new(
        &(struct query_cache_options){.data_folder = has_file ? o->data_folder : NULL,
                                      .governor = engine->governor,
                                      .bytes_max = o->cache_bytes_max},
        &engine->cache, err);
}

enum status engine_open(const struct engine_options *options, struct engine **out,
                        struct error *err)
{
    if (!options->data_folder || !*options->data_folder)
        return error_set(err, STATUS_INVALID, "no data directory is set");
    struct engine *engine = mem_zalloc(1, sizeof *engine);
    if (!engine)
        return error_nomem(err);
    engine->options = *options;
    engine->segments = SNAPSHOT_CACHE_EMPTY;
    engine->run = store_new_run();
    enum status status = copy_options(engine, err);
    if (!status)
        status = open_governor(engine, err);
    if (!status)
        status = peers_open(&engine->options, &engine->peers, err);
    if (!status)
        status = open_cache(engine, err);
    if (status) {
        engine_close(engine);
        return status;
    }
    struct engine_options defaults = engine_options_default();
    if (!engine->options.embedding_backend)
        engine->options.embedding_backend = defaults.embedding_backend;
    if (!engine->options.generator)
        engine->options.generator = defaults.generator;
    if (!engine->options.language)
        engine->options.language = defaults.language;
    engine_share_counters(engine);
    if (!feature_is_on(&engine->options.features, FEATURE_COLD_START_OPTIMISATION))
        open_everything(engine);
    *out = engine;
    return STATUS_OK;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    TRACE(TRACE_STAGE_CLOSE);
    embedder_work_free(engine->embed_work);
    embedder_close(engine->embedder);
    analyzer_free(engine->analyzer);
    snapshot_cache_clear(&engine->segments);
    cross_encoder_close(engine->reranker);
    store_close(engine->reader);
    net_peers_free(engine->peers);
    query_cache_free(engine->cache);
    governor_free(engine->governor);
    arena_clear(&engine->arena);
    mem_free(engine);
}

void engine_sign(const struct engine *engine, struct store *store)
{
    const char *command = engine->options.command;
    store_set_author(store, command ? command : "", engine->run);
}

/* Opening to write brings a library of an older version up to date. */
static enum status bring_up_to_date(const char *folder)
{
    struct store *writer = NULL;
    enum status status = store_open(folder, STORE_OPEN_WRITE, &writer, NULL);
    store_close(writer);
    return status;
}

enum status engine_get_reader(struct engine *engine, struct store **out, struct error *err)
{
    const char *folder = engine->options.data_folder;
    if (!engine->reader) {
        enum status status = store_open(folder, STORE_OPEN_READ, &engine->reader, err);
        if (status == STATUS_INVALID && bring_up_to_date(folder) == STATUS_OK)
            status = store_open(folder, STORE_OPEN_READ, &engine->reader, err);
        if (status)
            return status;
    }
    *out = engine->reader;
    return STATUS_OK;
}

/* The precision that the library's vectors were made with, "" when there are none. */
static enum status library_precision(struct engine *engine, struct arena *arena, const char **out,
                                     struct error *err)
{
    struct store *store;
    struct error none;
    const char *fingerprint = NULL;
    enum status status = engine_get_reader(engine, &store, &none);
    if (status == STATUS_OK)
        status = store_get_meta(store, STORE_META_FINGERPRINT, arena, &fingerprint, &none);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        if (err)
            *err = none;
        return status;
    }
    /* model:hash:precision, and :prefix where passages have one */
    const char *hash = fingerprint ? strchr(fingerprint, ':') : NULL;
    const char *precision = hash ? strchr(hash + 1, ':') : NULL;
    *out = precision ? arena_text(arena, precision + 1, strcspn(precision + 1, ":")) : "";
    return *out ? STATUS_OK : error_nomem(err);
}

/* A library that was made on another machine goes on in its own precision. */
static enum status choose_precision(struct engine *engine, const char **out, struct error *err)
{
    const char *wanted = engine->options.embedding_precision, *stored = "";
    *out = wanted;
    if (!engine_is_native(&engine->options) || (wanted && strcmp(wanted, "auto") != 0))
        return STATUS_OK;
    enum status status = library_precision(engine, &engine->arena, &stored, err);
    if (!status && *stored)
        *out = stored;
    return status;
}

struct embedder_options engine_embedder_options(const struct engine_options *o)
{
    return (struct embedder_options){
        .backend = o->embedding_backend,
        .model = o->embedding_model,
        .url = o->embedding_url                              ? o->embedding_url
               : strcmp(o->embedding_backend, "ollama") == 0 ? o->ollama_url
                                                             : o->openai_url,
        .api_key = o->embedding_key ? o->embedding_key : o->openai_key,
        .precision = o->embedding_precision,
        .is_lasting = o->is_bulk,
        .is_uncached = !feature_is_on(&o->features, FEATURE_EMBEDDER_CACHING),
        .is_untuned = !feature_is_on(&o->features, FEATURE_BATCH_AUTO_TUNING),
        .cancel = o->cancel,
    };
}

enum status engine_open_embedder(const struct engine_options *o, struct net_peers *peers,
                                 struct embedder **out, struct error *err)
{
    struct embedder_options options = engine_embedder_options(o);
    options.peers = peers;
    return embedder_open(&options, out, err);
}

struct generator_options engine_generator_options(const struct engine *engine)
{
    const struct engine_options *o = &engine->options;
    return (struct generator_options){
        .name = o->generator,
        .model = o->llm_model,
        .ollama_url = o->ollama_url,
        .openai_url = o->openai_url,
        .openai_key = o->openai_key,
        .gguf_path = o->gguf_path,
        .n_threads = o->n_threads,
        .is_configured_only = o->is_offline,
        .peers = engine->peers,
    };
}

enum status engine_get_embedder(struct engine *engine, struct embedder **out, struct error *err)
{
    if (!engine->embedder) {
        struct engine_options options = engine->options;
        enum status status = choose_precision(engine, &options.embedding_precision, err);
        if (!status)
            status = engine_open_embedder(&options, engine->peers, &engine->embedder, err);
        if (status)
            return status;
    }
    *out = engine->embedder;
    return STATUS_OK;
}

enum status engine_get_embed_work(struct engine *engine, struct embedder_work **out,
                                  struct error *err)
{
    if (!engine->embed_work) {
        struct embedder *embedder;
        enum status status = engine_get_embedder(engine, &embedder, err);
        if (!status)
            status = embedder_work_new(embedder, &engine->embed_work, err);
        if (status)
            return status;
    }
    *out = engine->embed_work;
    return STATUS_OK;
}

enum status engine_get_analyzer(struct engine *engine, struct analyzer **out, struct error *err)
{
    if (!engine->analyzer) {
        enum status status = analyzer_new(engine->options.language, &engine->analyzer, err);
        if (status)
            return status;
    }
    *out = engine->analyzer;
    return STATUS_OK;
}

int64_t engine_stage_us(const struct engine *engine)
{
    bool is_timed = feature_is_on(&engine->options.features, FEATURE_PERFORMANCE_AWARE_LOGGING);
    return is_timed ? clock_monotonic_us() : 0;
}

bool engine_is_native(const struct engine_options *options)
{
    return strcmp(options->embedding_backend, NATIVE) == 0;
}

unsigned engine_n_threads(const struct engine *engine)
{
    return engine->options.n_threads ? engine->options.n_threads : thread_count_usable();
}
