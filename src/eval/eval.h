/* eval/eval.h - quality, measured on a judged collection. */
#ifndef RAGGED_EVAL_EVAL_H
#define RAGGED_EVAL_EVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/status.h"
#include "ingest/ingest.h"
#include "search/search.h"

/* A mean, and where it lies with 95 % confidence: the percentile bootstrap (Efron 1979) over the
 * queries, 10,000 samples of a fixed seed. */
struct engine_interval {
    double mean, low, high;
};

struct engine_eval_run {
    enum engine_mode mode;
    struct engine_interval ndcg_10;
    double recall_10, recall_100, mrr_10;
    double p50_ms, p95_ms;
    size_t n_reranked; /* queries whose hits were ordered by reranking */
};
/* ndcg_10 of mode `a` less that of mode `b`, query by query. */
struct engine_eval_difference {
    enum engine_mode a, b;
    struct engine_interval ndcg_10;
};
/* Recall against time: what several settings of one knob of the search give, one point each. */
enum engine_eval_knob {
    ENGINE_EVAL_RESULTS, /* results wanted; recall: of the judged documents, among so many */
    /* n_estimates; recall: of the ten passages that are nearest in truth; the time that the
     * question's own vector takes, which is the same at all settings, is left out */
    ENGINE_EVAL_ESTIMATES,
    ENGINE_EVAL_RERANKED, /* n_rerank; recall: of the judged documents, among ten */
    ENGINE_EVAL_KNOB_COUNT
};
enum {
    ENGINE_EVAL_DEPTH = 100,
    ENGINE_EVAL_POINTS = 8,
    ENGINE_EVAL_CURVES = ENGINE_MODE_COUNT + 1
};
struct engine_eval_point {
    size_t setting;
    double recall, p50_ms;
};
struct engine_eval_curve {
    enum engine_eval_knob knob;
    enum engine_mode mode;
    struct engine_eval_point points[ENGINE_EVAL_POINTS]; /* by setting, ascending */
    size_t n_points, n_queries;                          /* n_queries: of the sample */
};
struct engine_eval_report {
    size_t n_documents, n_queries, n_chunks;
    struct engine_eval_run runs[ENGINE_MODE_COUNT]; /* in the order of enum engine_mode */
    size_t n_runs;
    struct engine_eval_difference differences[ENGINE_MODE_COUNT]; /* of every two runs */
    size_t n_differences;
    struct engine_eval_curve curves[ENGINE_EVAL_CURVES];
    size_t n_curves; /* 0 without has_curves */
};

struct engine_eval_query {
    const char *id;
    enum engine_mode mode;
    double ndcg_10, took_ms;
    const char *const *documents; /* ids, best first; borrowed like id during the call */
    size_t n_documents;
};
struct engine_eval_options {
    bool modes[ENGINE_MODE_COUNT]; /* those that are measured */
    bool has_curves;               /* of a sample of the queries; takes some seconds more */
    /* What orders the hits is looked at, not its mode, numbers and filters. */
    struct engine_search_options search;
    const struct cancel *cancel;
    /* From the calling thread; both may be NULL. A failure of on_query ends it. */
    void (*on_progress)(void *ctx, const struct engine_progress *progress);
    enum status (*on_query)(void *ctx, const struct engine_eval_query *query, struct error *err);
    void *ctx;
};
/* `folder`: BEIR layout (corpus.jsonl, queries.jsonl, qrels/test.tsv). Indexes the corpus into the
 * engine's library (what is there already and unchanged is skipped), then runs every query that has
 * judgements, 100 documents deep. NOT_FOUND: a mode can't be measured, its model is not there. */
enum status engine_eval(struct engine *engine, const char *folder,
                        const struct engine_eval_options *options, struct engine_eval_report *out,
                        struct error *err) MUST_USE;

#endif
