#include "engine/degraded.h"

#include <string.h>
#include <unistd.h>

#include "base/metric.h"
#include "index/snapshot.h"

static const struct {
    enum engine_degraded bit;
    enum metric metric;
    const char *name;
} rows[] = {
    {ENGINE_DEGRADED_EMBEDDER, METRIC_DEGRADED_EMBEDDER, "embedder"},
    {ENGINE_DEGRADED_VECTORS, METRIC_DEGRADED_VECTORS, "vectors"},
    {ENGINE_DEGRADED_WORDS, METRIC_DEGRADED_WORDS, "words"},
    {ENGINE_DEGRADED_RERANKER, METRIC_DEGRADED_RERANKER, "reranker"},
    {ENGINE_DEGRADED_GENERATOR, METRIC_DEGRADED_GENERATOR, "generator"},
    {ENGINE_DEGRADED_UNFINISHED, METRIC_DEGRADED_UNFINISHED, "unfinished"},
    {ENGINE_DEGRADED_WRITES, METRIC_DEGRADED_WRITES, "writes"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

const char *engine_degraded_name(enum engine_degraded bit)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (rows[i].bit == bit)
            return rows[i].name;
    return "unknown";
}

bool degraded_is_allowed(const struct engine *engine)
{
    return feature_is_on(&engine->options.features, FEATURE_GRACEFUL_DEGRADATION);
}

void degraded_count(const struct engine *engine, unsigned bits)
{
    if (!feature_is_on(&engine->options.features, FEATURE_OBSERVABILITY_DASHBOARD))
        return;
    for (size_t i = 0; i < N_ROWS; i++)
        if (bits & rows[i].bit)
            metric_add(rows[i].metric, 1);
}

/* ---- looking without searching ---- */

static enum status look_at_meta(struct engine *engine, struct store *store, unsigned *bits,
                                struct error *err)
{
    struct arena arena = {0};
    struct analyzer *analyzer;
    struct embedder *embedder;
    const char *words = NULL, *vectors = NULL;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = store_get_meta(store, STORE_META_ANALYZER, &arena, &words, err);
    if (!status)
        status = store_get_meta(store, STORE_META_FINGERPRINT, &arena, &vectors, err);
    if (!status && degraded_is_other(words, analyzer_id(analyzer)))
        *bits |= ENGINE_DEGRADED_WORDS;
    /* A server may be slow to say that it is not there. */
    bool is_native = engine_is_native(&engine->options);
    enum status opened = STATUS_OK;
    if (!status && is_native)
        opened = engine_get_embedder(engine, &embedder, NULL);
    if (opened == STATUS_NOMEM)
        status = error_nomem(err);
    else if (opened)
        *bits |= ENGINE_DEGRADED_EMBEDDER;
    else if (!status && is_native && degraded_is_other(vectors, embedder_fingerprint(embedder)))
        *bits |= ENGINE_DEGRADED_VECTORS;
    arena_clear(&arena);
    return status;
}

static enum status look_at_segments(struct engine *engine, struct store *store, unsigned *bits,
                                    struct error *err)
{
    struct snapshot snapshot = {0};
    enum status status = snapshot_begin(&engine->segments, store, engine->options.data_folder,
                                        SNAPSHOT_LEXICAL | SNAPSHOT_VECTOR, &snapshot, err);
    if (snapshot_is_without_vectors(status)) {
        *bits |= ENGINE_DEGRADED_VECTORS;
        status = snapshot_begin(&engine->segments, store, engine->options.data_folder,
                                SNAPSHOT_LEXICAL, &snapshot, err);
    }
    if (!status && snapshot.lexical->n_lost_rows > 0)
        *bits |= ENGINE_DEGRADED_WORDS;
    if (!status && snapshot.vector && snapshot.vector->n_lost_rows > 0)
        *bits |= ENGINE_DEGRADED_VECTORS;
    snapshot_end(&snapshot);
    return status;
}

enum status engine_look_degraded(struct engine *engine, unsigned *out, struct error *err)
{
    unsigned bits = 0;
    struct store *store;
    struct error why = {0};
    enum status status = engine_get_reader(engine, &store, &why);
    if (status == STATUS_NOT_FOUND) {
        *out = 0;
        return STATUS_OK;
    }
    if (status && err)
        *err = why;
    if (!status)
        status = look_at_meta(engine, store, &bits, err);
    if (!status)
        status = look_at_segments(engine, store, &bits, err);
    if (status)
        return status;
    if (access(engine->options.data_folder, W_OK) != 0 ||
        governor_check_disk(engine->governor, 0, 0, NULL) == STATUS_IO)
        bits |= ENGINE_DEGRADED_WRITES;
    *out = bits;
    return STATUS_OK;
}
