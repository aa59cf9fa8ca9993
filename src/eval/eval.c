/* Quality is a benchmark like speed: a test collection goes through the real ingest and the real
 * search. */
#include <string.h>

#include "base/mem.h"
#include "base/numbers.h"
#include "eval/beir.h"
#include "eval/bootstrap.h"
#include "eval/eval.h"
#include "eval/sweep.h"
#include "ingest/ingest.h"
#include "ingest/ingest_job.h"
#include "library/library.h"
#include "search/search.h"

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
    if (!status && result.vector_error.status) {
        status = result.vector_error.status;
        if (err)
            *err = result.vector_error;
    }
    if (!status && result.n[ENGINE_FILE_FAILED] > 0)
        status =
            error_set(err, STATUS_FORMAT, "%zu documents of the collection could not be indexed",
                      result.n[ENGINE_FILE_FAILED]);
    return status;
}

/* One mode over all queries. */
struct measured {
    double *ndcg_10, *took_ms;            /* [n_queries], in one block */
    double recall_10, recall_100, mrr_10; /* sums */
    size_t n_reranked;
};

struct eval {
    struct engine *engine;
    const struct engine_eval_options *options;
    struct beir beir;
    struct measured measured[ENGINE_MODE_COUNT];
    struct engine_eval_report report;
};

static enum status measure(struct eval *e, enum engine_mode mode, size_t i_query,
                           const struct engine_hits *hits, struct error *err)
{
    const struct beir_query *query = &e->beir.queries[i_query];
    struct measured *m = &e->measured[mode];
    const char *ranking[ENGINE_EVAL_DEPTH];
    for (size_t k = 0; k < hits->n; k++)
        ranking[k] = hits->hit[k].path + strlen("beir/");
    m->ndcg_10[i_query] = beir_ndcg(query, ranking, hits->n, 10);
    m->took_ms[i_query] = (double)hits->took.total_us / 1e3;
    m->recall_10 += beir_recall(query, ranking, hits->n, 10);
    m->recall_100 += beir_recall(query, ranking, hits->n, 100);
    m->mrr_10 += beir_reciprocal_rank(query, ranking, hits->n, 10);
    m->n_reranked += hits->n_reranked > 0;
    const struct engine_eval_query told = {
        .id = query->id,
        .mode = mode,
        .ndcg_10 = m->ndcg_10[i_query],
        .took_ms = m->took_ms[i_query],
        .documents = ranking,
        .n_documents = hits->n,
    };
    return e->options->on_query ? e->options->on_query(e->options->ctx, &told, err) : STATUS_OK;
}

static enum status run_query(struct eval *e, enum engine_mode mode, size_t i, struct error *err)
{
    const struct engine_search_options options = eval_search_options(e->options, mode);
    struct engine_hits hits = {0};
    enum status status = engine_search(e->engine, e->beir.queries[i].text, &options, &hits, err);
    if (!status && hits.mode != mode)
        status = error_set(err, STATUS_NOT_FOUND, "%s", hits.warning);
    if (!status)
        status = measure(e, mode, i, &hits, err);
    engine_hits_clear(&hits);
    return status;
}

static enum status sum_up(struct eval *e, enum engine_mode mode, struct error *err)
{
    struct measured *m = &e->measured[mode];
    size_t n = e->beir.n_queries;
    struct engine_eval_run run = {
        .mode = mode,
        .recall_10 = m->recall_10 / (double)n,
        .recall_100 = m->recall_100 / (double)n,
        .mrr_10 = m->mrr_10 / (double)n,
        .n_reranked = m->n_reranked,
    };
    numbers_sort(m->took_ms, n);
    run.p50_ms = m->took_ms[n / 2];
    run.p95_ms = m->took_ms[n * 95 / 100];
    enum status status = bootstrap_mean(m->ndcg_10, n, &run.ndcg_10, err);
    if (!status)
        e->report.runs[e->report.n_runs++] = run;
    return status;
}

static enum status run_queries(struct eval *e, enum engine_mode mode, struct error *err)
{
    size_t n = e->beir.n_queries;
    struct measured *m = &e->measured[mode];
    m->ndcg_10 = mem_zalloc(n, 2 * sizeof *m->ndcg_10);
    if (!m->ndcg_10)
        return error_nomem(err);
    m->took_ms = m->ndcg_10 + n;
    for (size_t i = 0; i < n; i++) {
        enum status status =
            is_cancelled(e->options->cancel)
                ? error_set(err, STATUS_CANCELLED, "stopped after %zu of %zu queries", i, n)
                : run_query(e, mode, i, err);
        if (status)
            return status;
    }
    return sum_up(e, mode, err);
}

static enum status compare(struct eval *e, enum engine_mode a, enum engine_mode b,
                           struct error *err)
{
    size_t n = e->beir.n_queries;
    struct engine_eval_difference difference = {.a = a, .b = b};
    double *less = mem_array(n, sizeof *less);
    if (!less)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++)
        less[i] = e->measured[a].ndcg_10[i] - e->measured[b].ndcg_10[i];
    enum status status = bootstrap_mean(less, n, &difference.ndcg_10, err);
    mem_free(less);
    if (!status)
        e->report.differences[e->report.n_differences++] = difference;
    return status;
}

static enum status run_modes(struct eval *e, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ENGINE_MODE_COUNT && !status; i++)
        if (e->options->modes[i])
            status = run_queries(e, (enum engine_mode)i, err);
    for (size_t i = 0; i < e->report.n_runs && !status; i++)
        for (size_t k = i + 1; k < e->report.n_runs && !status; k++)
            status = compare(e, e->report.runs[i].mode, e->report.runs[k].mode, err);
    return status;
}

static enum status read_and_run(struct eval *e, const char *folder, struct error *err)
{
    enum status status = beir_read(folder, &e->beir, err);
    if (status)
        return status;
    e->report.n_documents = e->beir.n_documents;
    e->report.n_queries = e->beir.n_queries;
    if (e->beir.n_documents == 0 || e->beir.n_queries == 0)
        return error_set(err, STATUS_FORMAT, "\"%s\" has %zu documents and %zu judged queries",
                         folder, e->beir.n_documents, e->beir.n_queries);
    const struct engine_add_options options = {.collection = "beir",
                                               .cancel = e->options->cancel,
                                               .on_progress = e->options->on_progress,
                                               .ctx = e->options->ctx};
    struct engine_status library = {0};
    status = index_corpus(e->engine, &e->beir, &options, err);
    if (!status)
        status = run_modes(e, err);
    if (!status && e->options->has_curves)
        status = sweep_run(e->engine, &e->beir, e->options, &e->report, err);
    if (!status)
        status = engine_status(e->engine, &library, err);
    e->report.n_chunks = library.n_chunks;
    return status;
}

enum status engine_eval(struct engine *engine, const char *folder,
                        const struct engine_eval_options *options, struct engine_eval_report *out,
                        struct error *err)
{
    struct eval e = {.engine = engine, .options = options};
    enum status status = read_and_run(&e, folder, err);
    if (!status)
        *out = e.report;
    for (size_t i = 0; i < ENGINE_MODE_COUNT; i++)
        mem_free(e.measured[i].ndcg_10);
    beir_clear(&e.beir);
    return status;
}
