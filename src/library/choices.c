/* What this machine and this library made the engine choose, each with its reason. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "embed/embed.h"
#include "engine/engine_parts.h"
#include "index/recall.h"
#include "ingest/ingest_job.h"
#include "library/library.h"

struct teller {
    struct engine *engine;
    void (*each)(void *ctx, const struct engine_choice *choice);
    void *ctx;
};

static bool is_on(const struct teller *t, enum feature feature)
{
    return feature_is_on(&t->engine->options.features, feature);
}

static void tell(const struct teller *t, const struct engine_choice choice)
{
    t->each(t->ctx, &choice);
}

static void tell_micro_batch(const struct teller *t, const struct embedder *embedder)
{
    struct embedder_tuning tuning = embedder_tuning(embedder);
    char reason[120] = "the usual size; adding documents measures what is best";
    if (!tuning.n_batch_tokens)
        return; /* a server chooses by itself */
    if (!is_on(t, FEATURE_BATCH_AUTO_TUNING))
        snprintf(reason, sizeof reason, "the usual size: batch_auto_tuning is off");
    else if (tuning.tokens_per_second > 0)
        snprintf(reason, sizeof reason,
                 "the best of all sizes that were tried: %.0f tokens/s for a thread",
                 tuning.tokens_per_second);
    tell(t, (struct engine_choice){
                .name = "micro_batch_tokens",
                .unit = "tokens",
                .value = tuning.n_batch_tokens,
                .reason = reason,
                .since = tuning.since,
                .reset = "delete tuning.json in the model's folder (ragged model list)",
            });
}

static void tell_threads(const struct teller *t)
{
    bool is_told = t->engine->options.n_threads > 0;
    tell(t, (struct engine_choice){
                .name = "threads",
                .unit = "threads",
                .value = engine_n_threads(t->engine),
                .reason = is_told ? "the setting \"threads\"" : "every processor there is",
                .since = "",
                .reset = is_told ? "ragged config set threads 0" : "ragged config set threads N",
            });
}

static enum status tell_candidates(const struct teller *t, struct error *err)
{
    struct store *store;
    size_t factor = 1;
    char since[32] = "", reason[120];
    enum status status = engine_get_reader(t->engine, &store, err);
    if (!status)
        status = recall_factor_read(store, &factor, since, err);
    if (status && status != STATUS_NOT_FOUND)
        return status;
    if (!is_on(t, FEATURE_ADAPTIVE_TUNING)) {
        snprintf(reason, sizeof reason, "enough for every library: adaptive_tuning is off");
        factor = RECALL_FACTOR_MAX;
        since[0] = '\0';
    } else if (factor > 1 || *since) {
        snprintf(reason, sizeof reason,
                 "with it .999 of the ten nearest are found; steps are 1, 2, 4, 8, %zu",
                 RECALL_FACTOR_MAX);
    } else {
        snprintf(reason, sizeof reason,
                 "no index was measured to need more; below %zu passages none is measured",
                 RECALL_ROWS_MIN);
    }
    tell(t, (struct engine_choice){
                .name = "candidates_factor",
                .unit = "times",
                .value = factor,
                .reason = reason,
                .since = since,
                .reset = "ragged clear; while a library lives it only rises",
            });
    return STATUS_OK;
}

static void tell_bounds(const struct teller *t)
{
    tell(t, (struct engine_choice){.name = "ingest_queue_files",
                                   .unit = "files",
                                   .value = INGEST_WINDOW,
                                   .reason = "bounds what waits between the stages of an ingest",
                                   .since = "",
                                   .reset = "it is fixed"});
    size_t n_bytes = governor_share(t->engine->governor, GOVERNOR_INGEST);
    bool is_told = t->engine->options.memory_bytes_max > 0;
    tell(t, (struct engine_choice){
                .name = "ingest_memory_bytes",
                .unit = "bytes",
                .value = n_bytes,
                .reason = !is_on(t, FEATURE_RESOURCE_GOVERNANCE)
                              ? "counted, not kept to: resource_governance is off"
                          : is_told ? "what was allowed, less what is kept for searches"
                                    : "the control group's and the machine's memory, less what is "
                                      "kept for searches",
                .since = "",
                .reset = "it follows the machine at every start",
            });
}

enum status engine_each_choice(struct engine *engine,
                               void (*each)(void *ctx, const struct engine_choice *choice),
                               void *ctx, struct error *err)
{
    const struct teller t = {engine, each, ctx};
    struct embedder *embedder;
    enum status status = engine_get_embedder(engine, &embedder, err);
    if (status)
        return status;
    tell_micro_batch(&t, embedder);
    tell_threads(&t);
    status = tell_candidates(&t, err);
    if (!status)
        tell_bounds(&t);
    return status;
}
