/* Figures of one unit share an axis, so there is a chart for each unit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/benchmark.h"
#include "base/mem.h"
#include "base/numbers.h"
#include "page/chart.h"
#include "page/page.h"

enum { DOTS_MAX = 200, ROWS_MAX = 2 * BENCHMARK_FIGURES_MAX };

struct sorted {
    double *values; /* [n], owned, ascending */
    size_t n;
};

struct pages {
    const struct benchmark *benchmark;
    struct sorted sorted[BENCHMARK_FIGURES_MAX][BENCHMARK_SIDES];
};

static enum status sort_samples(struct pages *pages, struct error *err)
{
    for (size_t i = 0; i < pages->benchmark->n_figures; i++)
        for (size_t side = 0; side < BENCHMARK_SIDES; side++) {
            const struct samples *samples = &pages->benchmark->figures[i].samples[side];
            struct sorted *sorted = &pages->sorted[i][side];
            if (samples->n == 0)
                continue;
            sorted->values = mem_array(samples->n, sizeof *sorted->values);
            if (!sorted->values)
                return error_nomem(err);
            sorted->n = samples->n;
            memcpy(sorted->values, samples->values, samples->n * sizeof *sorted->values);
            numbers_sort(sorted->values, sorted->n);
        }
    return STATUS_OK;
}

static struct chart_bar bar_of(const char *name, const struct sorted *sorted, size_t i_series)
{
    return (struct chart_bar){
        .name = name,
        .value = numbers_quantile(sorted->values, sorted->n, 0.5),
        .low = numbers_quantile(sorted->values, sorted->n, 0),
        .high = numbers_quantile(sorted->values, sorted->n, 1),
        .i_series = i_series,
    };
}

/* What was saved of the figure; all NAN when it was not. */
static struct chart_bar baseline_bar(const struct benchmark *benchmark, const char *name)
{
    struct chart_bar bar = {.name = "", .value = NAN, .low = NAN, .high = NAN, .i_series = 1};
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(benchmark->baseline, "results"), i, row)
    {
        if (strcmp(json_get_text(row, "name", ""), name) != 0)
            continue;
        bar.value = json_get_number(row, "median", NAN);
        bar.low = json_get_number(row, "min", NAN);
        bar.high = json_get_number(row, "max", NAN);
    }
    return bar;
}

/* The second series: the runs without the feature, else what was saved. */
static const char *second_series(const struct benchmark *benchmark)
{
    if (benchmark->flag != FEATURE_COUNT)
        return "without it";
    return benchmark->baseline ? "before" : NULL;
}

static const char *first_series(const struct benchmark *benchmark)
{
    return benchmark->flag != FEATURE_COUNT ? feature_name(benchmark->flag) : "now";
}

static void add_bars(struct buf *out, const struct pages *pages, const char *unit,
                     const struct chart_text *text)
{
    const struct benchmark *benchmark = pages->benchmark;
    const char *const series[] = {first_series(benchmark), second_series(benchmark)};
    struct chart_bar bars[ROWS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < benchmark->n_figures; i++) {
        const struct figure *figure = &benchmark->figures[i];
        if (strcmp(figure->unit, unit) != 0)
            continue;
        bars[n++] = bar_of(figure->name, &pages->sorted[i][BENCHMARK_ON], 0);
        if (benchmark->flag != FEATURE_COUNT)
            bars[n++] = bar_of("", &pages->sorted[i][BENCHMARK_OFF], 1);
        else if (benchmark->baseline)
            bars[n++] = baseline_bar(benchmark, figure->name);
    }
    page_figure_begin(out);
    chart_bars(out, text, bars, n, series, series[1] ? 2 : 1);
    page_figure_end(out, "Medians; the stroke goes from the least run to the greatest.");
}

/* Of many runs as many as can be told apart, in even steps. */
static void thin_out(struct sorted *sorted)
{
    size_t n = sorted->n;
    for (size_t i = 0; n > DOTS_MAX && i < DOTS_MAX; i++)
        sorted->values[i] = sorted->values[i * (n - 1) / (DOTS_MAX - 1)];
    sorted->n = n < DOTS_MAX ? n : DOTS_MAX;
}

static void add_dots(struct buf *out, struct pages *pages, const char *unit,
                     const struct chart_text *text)
{
    const struct benchmark *benchmark = pages->benchmark;
    const char *const series[] = {first_series(benchmark), second_series(benchmark)};
    struct chart_row rows[ROWS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < benchmark->n_figures; i++)
        for (size_t side = 0; side < BENCHMARK_SIDES; side++) {
            const struct figure *figure = &benchmark->figures[i];
            struct sorted *sorted = &pages->sorted[i][side];
            if (strcmp(figure->unit, unit) != 0 || sorted->n == 0)
                continue;
            double middle = numbers_quantile(sorted->values, sorted->n, 0.5);
            thin_out(sorted);
            rows[n++] = (struct chart_row){side ? "" : figure->name, sorted->values, sorted->n,
                                           middle, side};
        }
    page_figure_begin(out);
    chart_dots(out, text, rows, n, series, benchmark->flag != FEATURE_COUNT ? 2 : 1);
    page_figure_end(out, "Each mark is a run, of more than 200 as many in even steps; the stroke "
                         "is the median.");
}

static void cell_text(const json_t *value, char out[32])
{
    if (json_is_number(value))
        chart_number(json_number_value(value), out);
    else
        snprintf(out, 32, "%s", json_is_string(value) ? json_string_value(value) : "");
}

/* Of the columns that text has, those that say something of this benchmark. */
static bool is_shown(const struct benchmark *benchmark, const struct column *column)
{
    bool is_there = false;
    for (size_t i = 0; i < benchmark->n_figures && !column->is_detail && !is_there; i++) {
        json_t *value = column->get(&benchmark->figures[i]);
        is_there = value && !json_is_null(value);
        json_decref(value);
    }
    return is_there;
}

static void add_table(struct buf *out, const struct benchmark *benchmark)
{
    enum { CELLS_MAX = 24 };
    const struct column *columns[CELLS_MAX];
    const char *heads[CELLS_MAX];
    size_t n = 0;
    for (const struct column *c = benchmark_columns; c->name && n < CELLS_MAX; c++)
        if (is_shown(benchmark, c)) {
            columns[n] = c;
            heads[n++] = c->name;
        }
    page_table_begin(out, heads, n);
    for (size_t i = 0; i < benchmark->n_figures; i++) {
        char texts[CELLS_MAX][32];
        const char *cells[CELLS_MAX];
        for (size_t k = 0; k < n; k++) {
            json_t *value = columns[k]->get(&benchmark->figures[i]);
            cell_text(value, texts[k]);
            cells[k] = texts[k];
            json_decref(value);
        }
        page_table_row(out, cells, n);
    }
    page_table_end(out);
}

static bool is_first_of_unit(const struct benchmark *benchmark, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(benchmark->figures[k].unit, benchmark->figures[i].unit) == 0)
            return false;
    return true;
}

static void add_unit(struct buf *out, struct pages *pages, const struct figure *figure)
{
    char bars[128], dots[128], axis[96], heading[96];
    snprintf(heading, sizeof heading, "In %s", strcmp(figure->unit, "x") ? figure->unit : "times");
    snprintf(bars, sizeof bars, "Medians in %s", figure->unit);
    snprintf(dots, sizeof dots, "All runs in %s", figure->unit);
    snprintf(axis, sizeof axis, "%s, %s is better", figure->unit,
             figure->better == BETTER_LOWER ? "less" : "more");
    const struct chart_text bars_text = {
        .title = bars, .description = "A bar for each figure, from 0.", .x_name = axis};
    const struct chart_text dots_text = {.title = dots,
                                         .description =
                                             "A row for each figure, a mark for each run.",
                                         .x_name = axis};
    page_heading(out, heading);
    add_bars(out, pages, figure->unit, &bars_text);
    add_dots(out, pages, figure->unit, &dots_text);
}

static void add_lead(struct buf *out, const struct benchmark *benchmark)
{
    const json_t *machine = benchmark->machine;
    buf_printf(out, "%zu runs after %zu that do not count. %s, %.0f cores, kernel %s.",
               benchmark->n_runs, benchmark->n_warmups, json_get_text(machine, "cpu", ""),
               json_get_number(machine, "cores", 0), json_get_text(machine, "kernel", "?"));
    if (benchmark->baseline)
        buf_printf(out, " Before: %s, %s.",
                   arguments_text(&benchmark->app->arguments, "compare", ""),
                   json_get_text(benchmark->baseline, "time", ""));
    if (*baseline_warning(benchmark))
        buf_printf(out, " Warning: %s.", baseline_warning(benchmark));
}

enum status benchmark_page_write(const char *path, const struct benchmark *benchmark,
                                 struct error *err)
{
    struct pages pages = {.benchmark = benchmark};
    struct buf page = {0}, lead = {0}, title = {0};
    enum status status = sort_samples(&pages, err);
    buf_printf(&title, "Benchmark: %s", benchmark->plan->name);
    add_lead(&lead, benchmark);
    page_begin(&page, buf_text(&title), buf_text(&lead));
    for (size_t i = 0; i < benchmark->n_figures && !status; i++)
        if (is_first_of_unit(benchmark, i))
            add_unit(&page, &pages, &benchmark->figures[i]);
    page_heading(&page, "All figures");
    add_table(&page, benchmark);
    page_end(&page);
    if (!status)
        status = buf_status(&lead, err);
    if (!status)
        status = page_write(path, &page, err);
    for (size_t i = 0; i < benchmark->n_figures; i++)
        for (size_t side = 0; side < BENCHMARK_SIDES; side++)
            mem_free(pages.sorted[i][side].values);
    buf_clear(&title);
    buf_clear(&lead);
    buf_clear(&page);
    return status;
}
