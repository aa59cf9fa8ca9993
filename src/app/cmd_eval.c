#include <stdlib.h>
#include <string.h>

#include "app/eval_page.h"
#include "app/progress.h"
#include "app/records.h"
#include "app/session.h"
#include "base/file.h"
#include "base/scratch.h"
#include "engine/engine.h"
#include "eval/eval.h"
#include "ingest/ingest.h"
#include "search/search.h"

enum { TOP_IDS = 10 };

/* A row of the answer. */
struct row {
    const struct engine_eval_report *report;
    const struct engine_eval_run *run;
};

static const struct row *row_of(const void *record)
{
    return record;
}

static json_t *get_mode(const void *record)
{
    return json_text(engine_mode_name(row_of(record)->run->mode));
}

static json_t *get_ndcg(const void *record)
{
    return json_score(row_of(record)->run->ndcg_10.mean);
}

static json_t *get_ndcg_low(const void *record)
{
    return json_score(row_of(record)->run->ndcg_10.low);
}

static json_t *get_ndcg_high(const void *record)
{
    return json_score(row_of(record)->run->ndcg_10.high);
}

static json_t *get_recall_10(const void *record)
{
    return json_score(row_of(record)->run->recall_10);
}

static json_t *get_recall_100(const void *record)
{
    return json_score(row_of(record)->run->recall_100);
}

static json_t *get_mrr(const void *record)
{
    return json_score(row_of(record)->run->mrr_10);
}

static json_t *get_p50(const void *record)
{
    return json_score(row_of(record)->run->p50_ms);
}

static json_t *get_p95(const void *record)
{
    return json_score(row_of(record)->run->p95_ms);
}

static json_t *get_queries(const void *record)
{
    return json_integer((json_int_t)row_of(record)->report->n_queries);
}

static json_t *get_documents(const void *record)
{
    return json_integer((json_int_t)row_of(record)->report->n_documents);
}

static json_t *get_chunks(const void *record)
{
    return json_integer((json_int_t)row_of(record)->report->n_chunks);
}

static json_t *get_reranked(const void *record)
{
    return json_integer((json_int_t)row_of(record)->run->n_reranked);
}

/* The order is a promise to readers of CSV: new columns go to the end. */
static const struct column columns[] = {
    {.name = "mode", .get = get_mode},
    {.name = "ndcg_10", .get = get_ndcg},
    {.name = "recall_10", .get = get_recall_10},
    {.name = "recall_100", .get = get_recall_100},
    {.name = "mrr_10", .get = get_mrr},
    {.name = "p50_ms", .get = get_p50},
    {.name = "p95_ms", .get = get_p95},
    {.name = "queries", .get = get_queries},
    {.name = "documents", .get = get_documents},
    {.name = "chunks", .get = get_chunks},
    {.name = "ndcg_10_low", .get = get_ndcg_low},
    {.name = "ndcg_10_high", .get = get_ndcg_high},
    {.name = "reranked", .get = get_reranked, .is_detail = true},
    {.name = NULL},
};

static json_t *difference_json(const struct engine_eval_difference *difference)
{
    json_t *object = json_object();
    bool is_whole = object && json_put(object, "a", json_text(engine_mode_name(difference->a))) &&
                    json_put(object, "b", json_text(engine_mode_name(difference->b))) &&
                    json_put(object, "ndcg_10", json_score(difference->ndcg_10.mean)) &&
                    json_put(object, "low", json_score(difference->ndcg_10.low)) &&
                    json_put(object, "high", json_score(difference->ndcg_10.high));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* "", or that the deadline came before the reranking was done. */
static const char *deadline_warning(const struct app *app, const struct engine_eval_report *report)
{
    struct engine_search_options options = engine_search_options_default();
    session_rank_options(app, &options);
    for (size_t i = 0; i < report->n_runs && options.rerank; i++)
        if (report->runs[i].n_reranked < report->n_queries)
            return "not every query was reranked within the deadline: --deadline-ms 0 waits";
    return "";
}

static json_t *envelope(const struct engine_eval_report *report, const char *warning)
{
    json_t *object = format_object_new(), *list = json_array();
    bool is_whole = object && json_put(object, "warnings", session_warnings_json(warning)) &&
                    json_put(object, "differences", list);
    for (size_t i = 0; i < report->n_differences && is_whole; i++)
        is_whole = json_array_append_new(list, difference_json(&report->differences[i])) == 0;
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void print_differences(struct output *out, const struct engine_eval_report *report)
{
    if (report->n_differences)
        output_puts(out, "\nndcg_10 of one less that of the other, with 95 % confidence:\n");
    for (size_t i = 0; i < report->n_differences; i++) {
        const struct engine_eval_difference *d = &report->differences[i];
        output_printf(out, "  %-7s - %-7s  %+.4f  (%+.4f .. %+.4f)\n", engine_mode_name(d->a),
                      engine_mode_name(d->b), d->ndcg_10.mean, d->ndcg_10.low, d->ndcg_10.high);
    }
}

struct evaluation {
    struct app *app;
    struct progress progress;
    struct buf lines; /* of --per-query */
    bool has_lines, has_page;
    struct eval_queries queries; /* of --report */
};

static void on_progress(void *ctx, const struct engine_progress *update)
{
    progress_on_update(&((struct evaluation *)ctx)->progress, update);
}

static json_t *top_json(const struct engine_eval_query *query)
{
    json_t *list = json_array();
    bool is_whole = list != NULL;
    for (size_t i = 0; i < query->n_documents && i < TOP_IDS && is_whole; i++)
        is_whole = json_array_append_new(list, json_text(query->documents[i])) == 0;
    if (is_whole)
        return list;
    json_decref(list);
    return NULL;
}

static enum status add_line(struct evaluation *evaluation, const struct engine_eval_query *query,
                            struct error *err)
{
    json_t *line = json_object();
    bool is_whole = line && json_put(line, "query", json_text(query->id)) &&
                    json_put(line, "mode", json_text(engine_mode_name(query->mode))) &&
                    json_put(line, "ndcg_10", json_score(query->ndcg_10)) &&
                    json_put(line, "took_ms", json_real(query->took_ms)) &&
                    json_put(line, "top", top_json(query));
    if (is_whole) {
        json_write(line, JSON_STYLE_COMPACT, &evaluation->lines);
        buf_append_char(&evaluation->lines, '\n');
    }
    json_decref(line);
    return is_whole ? buf_status(&evaluation->lines, err) : error_nomem(err);
}

static enum status on_query(void *ctx, const struct engine_eval_query *query, struct error *err)
{
    struct evaluation *evaluation = ctx;
    enum status status = STATUS_OK;
    if (evaluation->has_lines)
        status = add_line(evaluation, query, err);
    if (evaluation->has_page && !status)
        status = eval_queries_add(&evaluation->queries, query, err);
    return status;
}

static enum status write_files(struct evaluation *evaluation,
                               const struct engine_eval_report *report, struct error *err)
{
    const struct arguments *arguments = &evaluation->app->arguments;
    const char *lines = arguments_text(arguments, "per-query", NULL);
    const char *page = arguments_text(arguments, "report", NULL);
    enum status status = STATUS_OK;
    if (lines)
        status =
            file_replace(lines, buf_text(&evaluation->lines), evaluation->lines.len, 0644, err);
    if (page && !status)
        status = eval_page_write(page, arguments->words[0], report, &evaluation->queries, err);
    return status;
}

static enum status evaluate(struct app *app, struct engine *engine, struct engine_eval_report *out,
                            struct error *err)
{
    const char *wanted = arguments_text(&app->arguments, "mode", "all");
    const char *lines = arguments_text(&app->arguments, "per-query", NULL);
    const char *page = arguments_text(&app->arguments, "report", NULL);
    struct evaluation evaluation = {
        .app = app, .has_lines = lines != NULL, .has_page = page != NULL};
    struct engine_eval_options options = {.search = engine_search_options_default(),
                                          .cancel = app->cancel,
                                          .on_progress = on_progress,
                                          .on_query = on_query,
                                          .has_curves = page != NULL,
                                          .ctx = &evaluation};
    session_rank_options(app, &options.search);
    /* What is measured is what was asked for, not less of it. */
    if (options.search.rerank)
        options.search.rerank = ENGINE_RERANK_REQUIRED;
    for (size_t i = 0; i < ENGINE_MODE_COUNT; i++)
        options.modes[i] = strcmp(wanted, "all") == 0 ||
                           strcmp(wanted, engine_mode_name((enum engine_mode)i)) == 0;
    enum status status = lines ? file_check_folder(lines, err) : STATUS_OK;
    if (page && !status)
        status = file_check_folder(page, err);
    if (status)
        return status;
    progress_init(&evaluation.progress, app);
    status = engine_eval(engine, app->arguments.words[0], &options, out, err);
    progress_end(&evaluation.progress);
    if (!status)
        status = write_files(&evaluation, out, err);
    buf_clear(&evaluation.lines);
    eval_queries_clear(&evaluation.queries);
    return status;
}

static enum status print_report(struct app *app, const struct engine_eval_report *report,
                                struct error *err)
{
    const char *warning = deadline_warning(app, report);
    struct records records = {.out = &app->out, .format = app->format, .columns = columns};
    for (size_t i = 0; i < report->n_runs; i++)
        records_add(&records, &(struct row){report, &report->runs[i]});
    enum status status = records_write(&records, envelope(report, warning), "runs", err);
    records_clear(&records);
    if (!status && app->format == FORMAT_TEXT)
        print_differences(&app->out, report);
    session_warn(app, warning);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    struct engine *engine = NULL;
    struct engine_options options;
    struct engine_eval_report report;
    struct scratch *scratch = NULL; /* where nobody asked to keep the index */
    enum status status = STATUS_OK;
    if (!arguments_has(&app->arguments, "data-dir"))
        status = scratch_open("eval", &scratch, err);
    if (!status)
        status = config_engine_options(&app->config, &options, err);
    if (!status) {
        options.data_folder = scratch ? scratch_path(scratch) : options.data_folder;
        options.command = app->arguments.command->name;
        status = engine_open(&options, &engine, err);
    }
    if (!status)
        status = evaluate(app, engine, &report, err);
    if (!status)
        status = print_report(app, &report, err);
    engine_close(engine);
    enum status removed = scratch_close(scratch, status ? NULL : err);
    return status ? status : removed;
}

static const struct option options[] = {
    {.name = "mode",
     .letters = "m",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = config_mode_choices},
     .help = "what to measure, all when not given"},
    {.name = "per-query",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "write a JSON line for every query and mode: nDCG@10, time, the best ten ids"},
    {.name = "report",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "write a page with charts, as report.html; recall against time takes some seconds"},
    SESSION_RANK_OPTIONS,
    {.name = "threads", .letters = "j", .arg = "N", .config_key = "threads", .help = "threads"},
    {.name = "language", .arg = "NAME", .config_key = "language", .help = "language of the corpus"},
    {.name = "progress",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = progress_modes},
     .help = "a bar on a terminal, JSON lines, or nothing"},
    OPTION_END,
};

const struct command cmd_eval = {
    .name = "eval",
    .summary = "Measure search quality and speed on a BEIR data set",
    .usage = "[OPTIONS] FOLDER",
    .details =
        "The folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv. With --data-dir the\n"
        "index is kept and used again, else it is made in a temporary folder. ndcg_10_low and\n"
        "ndcg_10_high are a 95 % bootstrap interval over the queries.",
    .examples = "  ragged eval --mode all --json ~/beir/scifact\n"
                "  ragged eval --mode hybrid --per-query scores.jsonl ~/beir/scifact",
    .words = "a BEIR folder",
    .n_words_min = 1,
    .n_words_max = 1,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
