#include "eval/sweep.h"

#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/numbers.h"

#define NEAREST 10 /* passages of which it is looked whether they are found */
#define CUT 10     /* documents */

static void set_results(struct engine_search_options *options, size_t setting)
{
    options->n = setting;
    options->rerank = ENGINE_RERANK_OFF;
}

/* Passages, not documents: what is compared is the order of the vectors. */
static void set_estimates(struct engine_search_options *options, size_t setting)
{
    options->n = NEAREST;
    options->n_per_document = 0;
    options->n_estimates = setting;
    options->rerank = ENGINE_RERANK_OFF;
}

/* Without its deadline: the time is what is looked for. */
static void set_reranked(struct engine_search_options *options, size_t setting)
{
    options->n_rerank = setting;
    options->deadline_ms = 0;
}

/* n_queries keeps each of them within some seconds. */
static const struct knob {
    size_t settings[ENGINE_EVAL_POINTS]; /* ascending, then 0 */
    size_t n_queries;
    void (*set)(struct engine_search_options *options, size_t setting);
} knobs[ENGINE_EVAL_KNOB_COUNT] = {
    [ENGINE_EVAL_RESULTS] = {{1, 2, 5, 10, 20, 50, 100}, 50, set_results},
    [ENGINE_EVAL_ESTIMATES] = {{10, 20, 50, 100, 200, 400, 800, 1600}, 50, set_estimates},
    [ENGINE_EVAL_RERANKED] = {{1, 2, 5, 10, 20, 50, 100}, 16, set_reranked},
};

struct sweep {
    struct engine *engine;
    const struct beir *beir;
    const struct engine_eval_options *options;
    struct engine_eval_curve curve;
    size_t n_queries;                      /* of the sample */
    double *took_ms;                       /* [curve.n_points][n_queries], owned */
    double n_recalled[ENGINE_EVAL_POINTS]; /* sums */
    int64_t nearest[NEAREST]; /* of the query that it is at, when estimates are looked at */
    size_t n_nearest;
};

struct engine_search_options eval_search_options(const struct engine_eval_options *options,
                                                 enum engine_mode mode)
{
    struct engine_search_options search = engine_search_options_default();
    search.mode = mode;
    search.n = ENGINE_EVAL_DEPTH;
    search.n_per_document = 1;
    search.cancel = options->cancel;
    search.is_uncached = true;
    search.fusion = options->search.fusion;
    search.rerank = options->search.rerank;
    search.n_rerank = options->search.n_rerank;
    search.deadline_ms = options->search.deadline_ms;
    return search;
}

static enum status search(const struct sweep *s, const char *text, size_t setting,
                          struct engine_hits *out, struct error *err)
{
    struct engine_search_options options = eval_search_options(s->options, s->curve.mode);
    knobs[s->curve.knob].set(&options, setting);
    return engine_search(s->engine, text, &options, out, err);
}

/* All vectors are scored exactly. */
static enum status find_nearest(struct sweep *s, const char *text, struct error *err)
{
    struct engine_hits hits = {0};
    enum status status = search(s, text, SIZE_MAX, &hits, err);
    if (status)
        return status;
    s->n_nearest = size_min(hits.n, NEAREST);
    for (size_t i = 0; i < s->n_nearest; i++)
        s->nearest[i] = hits.hit[i].chunk_id;
    engine_hits_clear(&hits);
    return STATUS_OK;
}

static double share_of_nearest(const struct sweep *s, const struct engine_hits *hits)
{
    size_t n_found = 0;
    for (size_t i = 0; i < s->n_nearest; i++)
        for (size_t k = 0; k < hits->n; k++)
            n_found += hits->hit[k].chunk_id == s->nearest[i];
    return s->n_nearest ? (double)n_found / (double)s->n_nearest : 1;
}

static double share_of_judged(const struct beir_query *query, const struct engine_hits *hits,
                              size_t cut)
{
    const char *ranking[ENGINE_EVAL_DEPTH];
    size_t n = size_min(hits->n, ENGINE_EVAL_DEPTH);
    for (size_t k = 0; k < n; k++)
        ranking[k] = hits->hit[k].path + strlen("beir/");
    return beir_recall(query, ranking, n, cut);
}

static enum status measure_point(struct sweep *s, const struct beir_query *query, size_t i_query,
                                 size_t i_point, struct error *err)
{
    struct engine_hits hits = {0};
    size_t setting = s->curve.points[i_point].setting;
    enum status status = search(s, query->text, setting, &hits, err);
    if (status)
        return status;
    bool is_of_vectors = s->curve.knob == ENGINE_EVAL_ESTIMATES;
    int64_t took_us = hits.took.total_us - (is_of_vectors ? hits.took.embed_us : 0);
    s->took_ms[i_point * s->n_queries + i_query] = (double)took_us / 1e3;
    s->n_recalled[i_point] +=
        is_of_vectors
            ? share_of_nearest(s, &hits)
            : share_of_judged(query, &hits, s->curve.knob == ENGINE_EVAL_RESULTS ? setting : CUT);
    engine_hits_clear(&hits);
    return STATUS_OK;
}

/* What any setting needs of the database was read once before: else each would pay for what it
 * needs beyond the one before it. Reranking needs as many passages at all settings. */
static enum status warm_up(const struct sweep *s, const char *text, struct error *err)
{
    struct engine_hits hits = {0};
    size_t i = s->curve.knob == ENGINE_EVAL_RESULTS ? s->curve.n_points - 1 : 0;
    enum status status = search(s, text, s->curve.points[i].setting, &hits, err);
    engine_hits_clear(&hits);
    return status;
}

/* All settings of a query one after the other: what the machine does besides hits them alike. */
static enum status measure_query(struct sweep *s, size_t i_query, struct error *err)
{
    const struct beir_query *query = &s->beir->queries[i_query * s->beir->n_queries / s->n_queries];
    enum status status;
    if (is_cancelled(s->options->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped while recall was set against time");
    status = s->curve.knob == ENGINE_EVAL_ESTIMATES ? find_nearest(s, query->text, err)
                                                    : warm_up(s, query->text, err);
    for (size_t i = 0; i < s->curve.n_points && !status; i++)
        status = measure_point(s, query, i_query, i, err);
    return status;
}

static void choose_settings(struct sweep *s)
{
    const struct knob *knob = &knobs[s->curve.knob];
    size_t most = s->curve.knob == ENGINE_EVAL_RERANKED ? s->options->search.n_rerank : SIZE_MAX;
    for (size_t i = 0; i < ENGINE_EVAL_POINTS && knob->settings[i]; i++)
        if (knob->settings[i] <= most)
            s->curve.points[s->curve.n_points++].setting = knob->settings[i];
}

static enum status measure_curve(struct sweep *s, struct error *err)
{
    choose_settings(s);
    s->n_queries = size_min(knobs[s->curve.knob].n_queries, s->beir->n_queries);
    s->took_ms = mem_zalloc(s->curve.n_points * s->n_queries, sizeof *s->took_ms);
    enum status status = s->took_ms ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < s->n_queries && !status; i++)
        status = measure_query(s, i, err);
    for (size_t i = 0; i < s->curve.n_points && !status; i++) {
        double *took_ms = s->took_ms + i * s->n_queries;
        numbers_sort(took_ms, s->n_queries);
        s->curve.points[i].p50_ms = numbers_quantile(took_ms, s->n_queries, .5);
        s->curve.points[i].recall = s->n_recalled[i] / (double)s->n_queries;
    }
    s->curve.n_queries = s->n_queries;
    mem_free(s->took_ms);
    return status;
}

enum status sweep_run(struct engine *engine, const struct beir *beir,
                      const struct engine_eval_options *options,
                      struct engine_eval_report *io_report, struct error *err)
{
    enum engine_eval_knob first =
        options->search.rerank ? ENGINE_EVAL_RERANKED : ENGINE_EVAL_RESULTS;
    enum status status = STATUS_OK;
    for (size_t i = 0; i <= ENGINE_MODE_COUNT && !status; i++) {
        bool is_last = i == ENGINE_MODE_COUNT;
        struct sweep s = {
            .engine = engine,
            .beir = beir,
            .options = options,
            .curve = {.knob = is_last ? ENGINE_EVAL_ESTIMATES : first,
                      .mode = is_last ? ENGINE_MODE_VECTOR : (enum engine_mode)i},
        };
        if (!options->modes[s.curve.mode])
            continue;
        status = measure_curve(&s, err);
        if (!status)
            io_report->curves[io_report->n_curves++] = s.curve;
    }
    return status;
}
