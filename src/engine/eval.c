/* Quality is a benchmark like speed: a test collection goes through the real ingest and the real
 * search. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/beir.h"
#include "engine/ingest.h"

#define EVAL_DEPTH 100

static void get_record(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes)
{
    const struct beir *beir = ctx;
    const struct beir_document *document = &beir->documents[i];
    job->path = document->path;
    job->record = &document->block;
    job->n_record = 1;
    job->record_title = document->title;
    *out_bytes = document->block.len;
}

static enum status index_corpus(struct engine *engine, struct beir *beir,
                                const struct engine_add_options *options, struct error *err)
{
    struct ingest_source source = {.n = beir->n_documents, .get = get_record, .ctx = beir};
    for (size_t i = 0; i < beir->n_documents; i++)
        source.n_bytes += beir->documents[i].block.len;
    struct engine_add_result result;
    enum status status = ingest_run(engine, &source, options, &result, err);
    if (!status && result.n[ENGINE_FILE_FAILED] > 0)
        status =
            error_set(err, STATUS_FORMAT, "%zu documents of the collection could not be indexed",
                      result.n[ENGINE_FILE_FAILED]);
    return status;
}

struct sums {
    double ndcg_10, recall_10, recall_100, mrr_10;
    double *took_ms; /* [n_queries] */
};

static enum status run_query(struct engine *engine, const struct beir_query *query,
                             enum engine_mode mode, struct sums *sums, size_t i, struct error *err)
{
    struct engine_search_options options = engine_search_options_default();
    options.mode = mode;
    options.n = EVAL_DEPTH;
    options.n_per_document = 1;
    struct engine_hits hits = {0};
    enum status status = engine_search(engine, query->text, &options, &hits, err);
    if (!status && hits.mode != mode)
        status = error_set(err, STATUS_NOT_FOUND, "%s", hits.warning);
    if (!status) {
        const char *ranking[EVAL_DEPTH];
        for (size_t k = 0; k < hits.n; k++)
            ranking[k] = hits.hit[k].path + strlen("beir/");
        sums->ndcg_10 += beir_ndcg(query, ranking, hits.n, 10);
        sums->recall_10 += beir_recall(query, ranking, hits.n, 10);
        sums->recall_100 += beir_recall(query, ranking, hits.n, 100);
        sums->mrr_10 += beir_reciprocal_rank(query, ranking, hits.n, 10);
        sums->took_ms[i] = (double)hits.took.total_us / 1e3;
    }
    engine_hits_clear(&hits);
    return status;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static enum status run_queries(struct engine *engine, const struct beir *beir,
                               enum engine_mode mode, const struct cancel *cancel,
                               struct engine_eval_result *out, struct error *err)
{
    size_t n = beir->n_queries;
    struct sums sums = {.took_ms = mem_zalloc(n, sizeof(double))};
    enum status status = sums.took_ms ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < n && !status; i++)
        status = is_cancelled(cancel)
                     ? error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu queries", i, n)
                     : run_query(engine, &beir->queries[i], mode, &sums, i, err);
    if (!status && n > 0) {
        qsort(sums.took_ms, n, sizeof(double), compare_doubles);
        *out = (struct engine_eval_result){
            .n_documents = beir->n_documents,
            .n_queries = n,
            .ndcg_10 = sums.ndcg_10 / (double)n,
            .recall_10 = sums.recall_10 / (double)n,
            .recall_100 = sums.recall_100 / (double)n,
            .mrr_10 = sums.mrr_10 / (double)n,
            .p50_ms = sums.took_ms[n / 2],
            .p95_ms = sums.took_ms[n * 95 / 100],
        };
    }
    mem_free(sums.took_ms);
    return status;
}

enum status engine_eval(struct engine *engine, const char *folder, enum engine_mode mode,
                        const struct cancel *cancel,
                        void (*on_progress)(void *ctx, const struct engine_progress *progress),
                        void *ctx, struct engine_eval_result *out, struct error *err)
{
    struct beir beir = {0};
    enum status status = beir_read(folder, &beir, err);
    if (!status && (beir.n_documents == 0 || beir.n_queries == 0))
        status = error_set(err, STATUS_FORMAT, "\"%s\" has %zu documents and %zu judged queries",
                           folder, beir.n_documents, beir.n_queries);
    struct engine_add_options options = {
        .collection = "beir", .cancel = cancel, .on_progress = on_progress, .ctx = ctx};
    struct engine_eval_result result = {0};
    struct engine_status library = {0};
    if (!status)
        status = index_corpus(engine, &beir, &options, err);
    if (!status)
        status = run_queries(engine, &beir, mode, cancel, &result, err);
    if (!status)
        status = engine_status(engine, &library, err);
    if (!status) {
        result.n_chunks = library.n_chunks;
        *out = result;
    }
    beir_clear(&beir);
    return status;
}
