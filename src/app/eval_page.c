#include "app/eval_page.h"

#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/numbers.h"
#include "page/chart.h"
#include "page/page.h"

enum { CURVE_POINTS = 101, HISTOGRAM_COLUMNS = 24 };

enum status eval_queries_add(struct eval_queries *queries, const struct engine_eval_query *query,
                             struct error *err)
{
    size_t n = queries->modes[query->mode].n;
    void *ndcg = queries->modes[query->mode].ndcg_10, *took = queries->modes[query->mode].took_ms;
    enum status status =
        mem_reserve(&ndcg, &queries->modes[query->mode].n_ndcg_max, n + 1, sizeof(double), err);
    queries->modes[query->mode].ndcg_10 = ndcg;
    if (!status)
        status =
            mem_reserve(&took, &queries->modes[query->mode].n_took_max, n + 1, sizeof(double), err);
    queries->modes[query->mode].took_ms = took;
    if (status)
        return status;
    queries->modes[query->mode].ndcg_10[n] = query->ndcg_10;
    queries->modes[query->mode].took_ms[n] = query->took_ms;
    queries->modes[query->mode].n++;
    return STATUS_OK;
}

void eval_queries_clear(struct eval_queries *queries)
{
    for (size_t i = 0; i < ENGINE_MODE_COUNT; i++) {
        mem_free(queries->modes[i].ndcg_10);
        mem_free(queries->modes[i].took_ms);
    }
    *queries = (struct eval_queries){0};
}

/* ---- charts ---- */

static void add_quality(struct buf *out, const struct engine_eval_report *report)
{
    static const struct chart_text text = {
        .title = "nDCG@10 of each mode",
        .description = "A bar for each mode, from 0; the stroke is its 95 % interval.",
        .x_name = "nDCG@10, 1 is best",
    };
    struct chart_bar bars[ENGINE_MODE_COUNT];
    for (size_t i = 0; i < report->n_runs; i++)
        bars[i] = (struct chart_bar){
            .name = engine_mode_name(report->runs[i].mode),
            .value = report->runs[i].ndcg_10.mean,
            .low = report->runs[i].ndcg_10.low,
            .high = report->runs[i].ndcg_10.high,
        };
    page_figure_begin(out);
    chart_bars(out, &text, bars, report->n_runs, NULL, 0);
    page_figure_end(out, "The stroke is the 95 % interval of the mean, by bootstrap over the "
                         "queries. Two modes whose intervals overlap may still differ: the table "
                         "of differences compares them query by query.");
}

static void add_quality_table(struct buf *out, const struct engine_eval_report *report)
{
    static const char *const heads[] = {"mode",       "nDCG@10", "95 % interval", "recall@10",
                                        "recall@100", "MRR@10",  "p50 ms",        "p95 ms"};
    enum { N = sizeof heads / sizeof heads[0] };
    page_table_begin(out, heads, N);
    for (size_t i = 0; i < report->n_runs; i++) {
        const struct engine_eval_run *run = &report->runs[i];
        const double numbers[] = {run->ndcg_10.mean, 0, run->recall_10, run->recall_100,
                                  run->mrr_10};
        char text[N][48];
        const char *cells[N] = {engine_mode_name(run->mode)};
        for (size_t k = 1; k < N; k++) {
            if (k <= 5)
                snprintf(text[k], sizeof text[k], "%.4f", numbers[k - 1]);
            else
                snprintf(text[k], sizeof text[k], "%.2f", k == 6 ? run->p50_ms : run->p95_ms);
            cells[k] = text[k];
        }
        snprintf(text[2], sizeof text[2], "%.4f to %.4f", run->ndcg_10.low, run->ndcg_10.high);
        page_table_row(out, cells, N);
    }
    page_table_end(out);
}

static void add_differences(struct buf *out, const struct engine_eval_report *report)
{
    static const char *const heads[] = {"difference of nDCG@10", "mean", "95 % interval"};
    if (report->n_differences == 0)
        return;
    page_table_begin(out, heads, 3);
    for (size_t i = 0; i < report->n_differences; i++) {
        const struct engine_eval_difference *d = &report->differences[i];
        char name[64], mean[32], interval[64];
        snprintf(name, sizeof name, "%s less %s", engine_mode_name(d->a), engine_mode_name(d->b));
        snprintf(mean, sizeof mean, "%+.4f", d->ndcg_10.mean);
        snprintf(interval, sizeof interval, "%+.4f to %+.4f", d->ndcg_10.low, d->ndcg_10.high);
        page_table_row(out, (const char *const[]){name, mean, interval}, 3);
    }
    page_table_end(out);
}

/* The quantiles of each mode's values, from its least to its most. */
static void add_curves(struct buf *out, const struct chart_text *text,
                       const struct engine_eval_report *report, const struct eval_queries *queries,
                       bool is_latency)
{
    struct svg_point points[ENGINE_MODE_COUNT][CURVE_POINTS];
    struct chart_line lines[ENGINE_MODE_COUNT];
    for (size_t i = 0; i < report->n_runs; i++) {
        enum engine_mode mode = report->runs[i].mode;
        const double *values =
            is_latency ? queries->modes[mode].took_ms : queries->modes[mode].ndcg_10;
        for (size_t k = 0; k < CURVE_POINTS; k++)
            points[i][k] =
                (struct svg_point){(double)k, numbers_quantile(values, queries->modes[mode].n,
                                                               (double)k / (CURVE_POINTS - 1))};
        lines[i] = (struct chart_line){engine_mode_name(mode), points[i], CURVE_POINTS, NULL};
    }
    chart_lines(out, text, lines, report->n_runs);
}

static void add_histogram(struct buf *out, enum engine_mode mode, const double *sorted, size_t n)
{
    struct chart_column columns[HISTOGRAM_COLUMNS];
    char title[96];
    double low = n ? fmax(sorted[0], 1e-3) : 1, high = n ? fmax(sorted[n - 1], low * 1.1) : 2;
    double factor = pow(high / low, 1.0 / HISTOGRAM_COLUMNS);
    for (size_t i = 0; i < HISTOGRAM_COLUMNS; i++)
        columns[i] = (struct chart_column){low * pow(factor, (double)i),
                                           low * pow(factor, (double)(i + 1)), 0};
    for (size_t i = 0; i < n; i++) {
        double place = log(fmax(sorted[i], low) / low) / log(factor);
        columns[place < HISTOGRAM_COLUMNS ? (size_t)place : HISTOGRAM_COLUMNS - 1].count++;
    }
    snprintf(title, sizeof title, "Time of a search, %s", engine_mode_name(mode));
    const struct chart_text text = {
        .title = title,
        .description = "How many queries took how long.",
        .x_name = "milliseconds",
        .y_name = "queries",
        .is_x_log = true,
    };
    page_figure_begin(out);
    chart_columns(out, &text, columns, n ? HISTOGRAM_COLUMNS : 0);
    page_figure_end(out, title);
}

/* ---- recall against time ---- */

static const struct {
    const char *heading, *setting, *caption;
    struct chart_text text;
} recall_charts[ENGINE_EVAL_KNOB_COUNT] = {
    [ENGINE_EVAL_RESULTS] =
        {
            .heading = "Recall against time: how many results are wanted",
            .setting = "results",
            .caption = "The number at a point is how many results were wanted. Higher finds more, "
                       "further to the left is faster.",
            .text =
                {
                    .title = "Recall against time, by the number of results",
                    .description = "A line for each mode, a point for each number of results: the "
                                   "share of the judged documents that is among them, and the "
                                   "median time.",
                    .x_name = "milliseconds, median",
                    .y_name = "recall among the results",
                    .is_x_log = true,
                },
        },
    [ENGINE_EVAL_ESTIMATES] =
        {
            .heading = "Recall against time: how many vectors are scored exactly",
            .setting = "scored exactly",
            .caption =
                "The number at a point is how many of the nearest by their codes were scored "
                "exactly in each segment; the recall is the share of the ten passages that "
                "are nearest in truth. Few passages are all scored: then it is 1.",
            .text =
                {
                    .title = "Recall against time, by the number of vectors scored exactly",
                    .description = "A point for each number of vectors: the share of the ten "
                                   "nearest passages that is found, and the median time.",
                    .x_name = "milliseconds without the vector of the question, median",
                    .y_name = "recall of the ten nearest",
                    .is_y_free = true,
                },
        },
    [ENGINE_EVAL_RERANKED] =
        {
            .heading = "Recall against time: how many results are read again",
            .setting = "read again",
            .caption = "The number at a point is how many of the best results were read again "
                       "together with the question.",
            .text =
                {
                    .title = "Recall against time, by the number of results that are read again",
                    .description = "A line for each mode, a point for each number of results that "
                                   "are read again: the share of the judged documents that is "
                                   "among the first ten, and the median time.",
                    .x_name = "milliseconds, median",
                    .y_name = "recall@10",
                    .is_x_log = true,
                },
        },
};

static void add_recall_table(struct buf *out, const struct engine_eval_report *report,
                             enum engine_eval_knob knob)
{
    const char *const heads[] = {"mode", recall_charts[knob].setting, "recall", "p50 ms"};
    page_table_begin(out, heads, 4);
    for (size_t i = 0; i < report->n_curves; i++) {
        const struct engine_eval_curve *curve = &report->curves[i];
        for (size_t k = 0; k < curve->n_points && curve->knob == knob; k++) {
            char setting[32], recall[32], took[32];
            snprintf(setting, sizeof setting, "%zu", curve->points[k].setting);
            snprintf(recall, sizeof recall, "%.4f", curve->points[k].recall);
            snprintf(took, sizeof took, "%.2f", curve->points[k].p50_ms);
            page_table_row(
                out, (const char *const[]){engine_mode_name(curve->mode), setting, recall, took},
                4);
        }
    }
    page_table_end(out);
}

/* True: no curve of this kind ever misses anything. */
static bool is_all_found(const struct engine_eval_report *report, enum engine_eval_knob knob)
{
    for (size_t i = 0; i < report->n_curves; i++)
        for (size_t k = 0; k < report->curves[i].n_points; k++)
            if (report->curves[i].knob == knob && report->curves[i].points[k].recall < 1)
                return false;
    return true;
}

static void add_recall(struct buf *out, const struct engine_eval_report *report,
                       enum engine_eval_knob knob)
{
    struct svg_point points[ENGINE_EVAL_CURVES][ENGINE_EVAL_POINTS];
    double settings[ENGINE_EVAL_CURVES][ENGINE_EVAL_POINTS];
    struct chart_line lines[ENGINE_EVAL_CURVES];
    size_t n = 0, n_queries = 0;
    for (size_t i = 0; i < report->n_curves; i++) {
        const struct engine_eval_curve *curve = &report->curves[i];
        if (curve->knob != knob)
            continue;
        for (size_t k = 0; k < curve->n_points; k++) {
            points[n][k] = (struct svg_point){curve->points[k].p50_ms, curve->points[k].recall};
            settings[n][k] = (double)curve->points[k].setting;
        }
        lines[n] = (struct chart_line){engine_mode_name(curve->mode), points[n], curve->n_points,
                                       settings[n]};
        n_queries = curve->n_queries;
        n++;
    }
    if (n == 0)
        return;
    char caption[400];
    snprintf(caption, sizeof caption, "%s %zu queries of the collection.",
             recall_charts[knob].caption, n_queries);
    page_heading(out, recall_charts[knob].heading);
    if (is_all_found(report, knob)) {
        page_text(out, "Nothing was missed at any setting: there is no curve to draw.");
        page_text(out, caption);
    } else {
        page_figure_begin(out);
        chart_lines(out, &recall_charts[knob].text, lines, n);
        page_figure_end(out, caption);
    }
    add_recall_table(out, report, knob);
}

/* ---- the page ---- */

static void add_all(struct buf *out, const struct engine_eval_report *report,
                    const struct eval_queries *queries)
{
    static const struct chart_text quality = {
        .title = "nDCG@10 of the queries, from the worst to the best",
        .description = "A line for each mode: the share of queries that are at or below a value.",
        .x_name = "percent of the queries",
        .y_name = "nDCG@10",
    };
    static const struct chart_text latency = {
        .title = "Time of a search by percentile",
        .description = "A line for each mode: the time that a share of the queries stays below.",
        .x_name = "percentile of the queries",
        .y_name = "milliseconds",
        .is_y_log = true,
    };
    page_heading(out, "Quality");
    add_quality(out, report);
    add_quality_table(out, report);
    add_differences(out, report);
    for (int knob = 0; knob < ENGINE_EVAL_KNOB_COUNT; knob++)
        add_recall(out, report, (enum engine_eval_knob)knob);
    page_heading(out, "Query by query");
    page_figure_begin(out);
    add_curves(out, &quality, report, queries, false);
    page_figure_end(out,
                    "A line that lies higher is better; what is flat at 0 are queries of which "
                    "nothing relevant was among the first ten.");
    page_heading(out, "Time");
    page_figure_begin(out);
    add_curves(out, &latency, report, queries, true);
    page_figure_end(out, "Read at 50 for the median and at 95 for the time that one query of "
                         "twenty takes longer than; lower is better.");
    for (size_t i = 0; i < report->n_runs; i++) {
        enum engine_mode mode = report->runs[i].mode;
        add_histogram(out, mode, queries->modes[mode].took_ms, queries->modes[mode].n);
    }
}

/* "scifact" of "/data/scifact/". */
static void collection_name(const char *folder, struct buf *out)
{
    size_t len = 0, from = 0;
    for (size_t i = 0; folder[i]; i++)
        if (folder[i] != '/')
            len = i + 1;
    for (size_t i = 0; i < len; i++)
        from = folder[i] == '/' ? i + 1 : from;
    buf_append(out, folder + from, len - from);
}

enum status eval_page_write(const char *path, const char *folder,
                            const struct engine_eval_report *report, struct eval_queries *queries,
                            struct error *err)
{
    struct buf page = {0}, lead = {0};
    for (size_t i = 0; i < ENGINE_MODE_COUNT; i++) {
        numbers_sort(queries->modes[i].ndcg_10, queries->modes[i].n);
        numbers_sort(queries->modes[i].took_ms, queries->modes[i].n);
    }
    buf_append_text(&lead, "Collection ");
    collection_name(folder, &lead);
    buf_printf(&lead, ": %zu documents, %zu passages, %zu judged queries.", report->n_documents,
               report->n_chunks, report->n_queries);
    page_begin(&page, "Quality and speed of search", buf_text(&lead));
    add_all(&page, report, queries);
    page_end(&page);
    enum status status = buf_status(&lead, err);
    if (!status)
        status = page_write(path, &page, err);
    buf_clear(&lead);
    buf_clear(&page);
    return status;
}
