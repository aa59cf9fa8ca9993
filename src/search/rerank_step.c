#include "search/rerank.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/trace.h"
#include "engine/degraded.h"
#include "search/hits.h"

static enum status open_encoder(struct engine *engine, const struct embed_model *model,
                                struct error *err)
{
    char *folder = embed_model_folder(model->name);
    if (!folder)
        return error_nomem(err);
    bool is_cached = feature_is_on(&engine->options.features, FEATURE_EMBEDDER_CACHING);
    const struct encoder_options options = {.folder = folder,
                                            .precision = engine->options.embedding_precision,
                                            .cache_folder = is_cached ? folder : NULL,
                                            .is_lasting = engine->options.is_bulk};
    enum status status = cross_encoder_open(&options, &engine->reranker, err);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "ragged model pull %s", model->name);
    else if (status == STATUS_FORMAT)
        error_hint(err, "ragged model verify %s tells which file is damaged", model->name);
    mem_free(folder);
    return status;
}

static enum status get_reranker(struct engine *engine, struct error *err)
{
    const struct embed_model *model;
    if (engine->reranker)
        return STATUS_OK;
    enum status status = embed_reranker_find(engine->options.rerank_model, &model, err);
    return status ? status : open_encoder(engine, model, err);
}

static enum status warn_of_deadline(const struct engine *engine, struct engine_hits *hits,
                                    const struct rerank_outcome *outcome, int64_t deadline_ms,
                                    struct error *err)
{
    if (outcome->n_read == outcome->n_wanted)
        return STATUS_OK;
    if (!degraded_is_allowed(engine)) {
        error_set(err, STATUS_LIMIT, "%zu of %zu passages were reranked within %" PRId64 " ms",
                  outcome->n_read, outcome->n_wanted, deadline_ms);
        error_hint(err, "fewer --candidates, or a longer --deadline-ms");
        return STATUS_LIMIT;
    }
    hits->degraded |= ENGINE_DEGRADED_RERANKER;
    return hits_warn(hits,
                     arena_printf(&hits->arena,
                                  "%zu of %zu passages were reranked within %" PRId64 " ms: %s",
                                  outcome->n_read, outcome->n_wanted, deadline_ms,
                                  outcome->is_reordered ? "the others stand behind them"
                                                        : "the order is the one without reranking"),
                     err);
}

static bool is_degradable(enum status status)
{
    return status == STATUS_NOT_FOUND || status == STATUS_FORMAT || status == STATUS_IO;
}

static void cut(struct engine_hits *hits, const struct engine_search_options *options)
{
    hits->n = size_min(hits->n, options->n);
    while (hits->n > 0 && hits->hit[hits->n - 1].score < options->min_score)
        hits->n--;
}

size_t rerank_depth(const struct engine_search_options *options)
{
    return options->rerank ? size_max(options->n, options->n_rerank) : options->n;
}

double rerank_min_score(const struct engine_search_options *options)
{
    return options->rerank ? 0 : options->min_score;
}

static enum status run(struct engine *engine, const char *query,
                       const struct engine_search_options *options, int64_t start_us,
                       struct engine_hits *hits, struct error *err)
{
    struct error why = {0};
    enum status status = get_reranker(engine, &why);
    if (is_degradable(status) && options->rerank != ENGINE_RERANK_REQUIRED &&
        degraded_is_allowed(engine)) {
        hits->degraded |= ENGINE_DEGRADED_RERANKER;
        return hits_warn(hits, arena_printf(&hits->arena, "%s: not reranked", why.message), err);
    }
    if (status) {
        if (err)
            *err = why;
        return status;
    }
    const struct rerank_request request = {
        .encoder = engine->reranker,
        .query = query,
        .n_candidates = options->n_rerank,
        .n_top = options->n,
        .deadline_us = options->deadline_ms ? start_us + options->deadline_ms * 1000 : 0,
        .n_threads = engine_n_threads(engine),
        .cancel = options->cancel,
    };
    struct rerank_outcome outcome;
    status = rerank_hits(&request, hits->hit, hits->n, &outcome, err);
    if (status)
        return status;
    hits->n_reranked = outcome.is_reordered ? outcome.n_read : 0;
    return warn_of_deadline(engine, hits, &outcome, options->deadline_ms, err);
}

enum status rerank_step(struct engine *engine, const char *query,
                        const struct engine_search_options *options, int64_t start_us,
                        struct engine_hits *hits, struct error *err)
{
    if (options->rerank == ENGINE_RERANK_OFF)
        return STATUS_OK;
    TRACE(TRACE_STAGE_RERANK);
    int64_t begin_us = engine_stage_us(engine);
    enum status status = hits->n > 0 ? run(engine, query, options, start_us, hits, err) : STATUS_OK;
    if (!status)
        cut(hits, options);
    hits->took.rerank_us = engine_stage_us(engine) - begin_us;
    return status;
}
