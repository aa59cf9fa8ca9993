#include "app/monitor_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/logging.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/numbers.h"
#include "base/trend.h"
#include "library/library.h"
#include "page/chart.h"
#include "page/page.h"

enum { TIME_COLUMNS = 48 };

#define MS(us) ((double)(us) / 1e3)

/* "embed" of `stage="embed"`, the name itself of a row without a label. */
static void short_label(const struct metric_row *row, char out[64])
{
    const char *begin = strchr(row->label, '"');
    size_t len = begin ? strcspn(begin + 1, "\"") : 0;
    snprintf(out, 64, "%.*s", (int)(begin ? len : strlen(row->name)),
             begin ? begin + 1 : row->name);
}

/* ---- times ---- */

static void add_latency(struct buf *out, enum histogram id, const struct histogram_counts *counts)
{
    struct chart_column columns[HISTOGRAM_BUCKETS];
    const struct metric_row *row = histogram_row(id);
    char title[160], name[64], caption[320];
    short_label(row, name);
    snprintf(title, sizeof title, "%s: %s", row->help, name);
    snprintf(caption, sizeof caption,
             "%s. %" PRIu64
             " times; half of them within %.4g ms, nine of ten within %.4g ms, 99 of "
             "100 within %.4g ms.",
             title, counts->n, MS(histogram_quantile(counts, .5)),
             MS(histogram_quantile(counts, .9)), MS(histogram_quantile(counts, .99)));
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        columns[i] = (struct chart_column){i ? MS(histogram_bound(i - 1)) : MS(0.5),
                                           MS(histogram_bound(i)), (double)counts->buckets[i]};
    const struct chart_text text = {
        .title = title,
        .description = caption,
        .x_name = "milliseconds",
        .y_name = "times",
        .is_x_log = true,
    };
    page_figure_begin(out);
    chart_columns(out, &text, columns, HISTOGRAM_BUCKETS);
    page_figure_end(out, caption);
}

static void add_stage_totals(struct buf *out)
{
    static const struct chart_text text = {
        .title = "Where the time of all searches went",
        .description = "A bar for each stage: the sum of its times.",
        .x_name = "seconds in all",
    };
    struct chart_bar bars[HISTOGRAM_COUNT];
    char names[HISTOGRAM_COUNT][64];
    size_t n = 0;
    for (int i = HISTOGRAM_QUERY_EMBED; i < HISTOGRAM_QUERY_TOTAL; i++) {
        struct histogram_counts counts;
        histogram_get((enum histogram)i, &counts);
        short_label(histogram_row((enum histogram)i), names[n]);
        bars[n] = (struct chart_bar){names[n], (double)counts.sum_us / 1e6, NAN, NAN, 0};
        n++;
    }
    page_figure_begin(out);
    chart_bars(out, &text, bars, n, NULL, 0);
    page_figure_end(out, "Sums over all searches since the counts began.");
}

static void add_times(struct buf *out)
{
    bool has_any = false;
    page_heading(out, "How long it took");
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        struct histogram_counts counts;
        histogram_get((enum histogram)i, &counts);
        if (counts.n == 0)
            continue;
        if (!has_any)
            add_stage_totals(out);
        has_any = true;
        add_latency(out, (enum histogram)i, &counts);
    }
    if (!has_any)
        page_text(out, "Nothing was timed yet.");
}

/* ---- counters ---- */

static void add_family(struct buf *out, const char *name)
{
    struct chart_bar bars[METRIC_COUNT];
    char names[METRIC_COUNT][64];
    size_t n = 0;
    const char *help = "";
    uint64_t sum = 0;
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        if (strcmp(row->name, name) != 0)
            continue;
        help = row->help;
        sum += metric_get((enum metric)i);
        short_label(row, names[n]);
        bars[n] = (struct chart_bar){names[n], (double)metric_get((enum metric)i), NAN, NAN, 0};
        n++;
    }
    if (sum == 0)
        return;
    const struct chart_text text = {
        .title = help, .description = "A bar for each kind, from 0.", .x_name = "how many"};
    page_figure_begin(out);
    chart_bars(out, &text, bars, n, NULL, 0);
    page_figure_end(out, help);
}

static void add_cache(struct buf *out, const char *name, enum metric hits, enum metric misses)
{
    uint64_t n_hits = metric_get(hits), n = n_hits + metric_get(misses);
    char hit[32], all[32], share[32] = "";
    snprintf(hit, sizeof hit, "%" PRIu64, n_hits);
    snprintf(all, sizeof all, "%" PRIu64, n);
    if (n)
        snprintf(share, sizeof share, "%.1f %%", 100.0 * (double)n_hits / (double)n);
    page_table_row(out, (const char *const[]){name, all, hit, share}, 4);
}

static void add_caches(struct buf *out)
{
    static const char *const heads[] = {"cache", "looked up", "found", "share"};
    page_heading(out, "Caches");
    page_table_begin(out, heads, 4);
    add_cache(out, "results", METRIC_CACHE_RESULT_HITS, METRIC_CACHE_RESULT_MISSES);
    add_cache(out, "vectors of questions", METRIC_CACHE_VECTOR_HITS, METRIC_CACHE_VECTOR_MISSES);
    add_cache(out, "answers", METRIC_CACHE_ANSWER_HITS, METRIC_CACHE_ANSWER_MISSES);
    page_table_end(out);
}

static void add_counters(struct buf *out)
{
    static const char *const heads[] = {"counter", "label", "count"};
    page_heading(out, "All counters that are not 0");
    page_table_begin(out, heads, 3);
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        uint64_t value = metric_get((enum metric)i);
        char text[32];
        snprintf(text, sizeof text, "%" PRIu64, value);
        if (value)
            page_table_row(out, (const char *const[]){row->name, row->label, text}, 3);
    }
    page_table_end(out);
}

/* ---- over time ---- */

/* Minutes, hours or days: the largest unit of which there are some. */
static double time_unit_ms(int64_t span_ms, const char **out_name)
{
    static const struct {
        double ms;
        const char *name;
    } units[] = {{86400e3, "days"}, {3600e3, "hours"}, {60e3, "minutes"}};
    size_t i = 0;
    while (i < 2 && (double)span_ms < 3 * units[i].ms)
        i++;
    *out_name = units[i].name;
    return units[i].ms;
}

/* Equal times from the first entry until now. */
struct time_scale {
    int64_t now_ms;
    double unit_ms, width; /* width: of a column, in units */
    char axis[96];
};

static struct time_scale scale_of(const struct log_history *history)
{
    struct time_scale scale = {.now_ms = clock_wall_ms()};
    int64_t first_ms = scale.now_ms;
    const char *unit;
    for (size_t i = 0; i < history->n; i++)
        if (history->entries[i].at_ms < first_ms)
            first_ms = history->entries[i].at_ms;
    scale.unit_ms = time_unit_ms(scale.now_ms - first_ms, &unit);
    scale.width = fmax((double)(scale.now_ms - first_ms) / scale.unit_ms, 1) / TIME_COLUMNS;
    snprintf(scale.axis, sizeof scale.axis, "%s, 0 is now", unit);
    return scale;
}

static size_t column_of(const struct time_scale *scale, int64_t at_ms)
{
    double ago = (double)(scale->now_ms - at_ms) / scale->unit_ms / scale->width;
    size_t back = ago > 0 ? (size_t)ago : 0;
    return TIME_COLUMNS - 1 - (back < TIME_COLUMNS ? back : TIME_COLUMNS - 1);
}

static double column_begin(const struct time_scale *scale, size_t i)
{
    return -scale->width * (double)(TIME_COLUMNS - i);
}

static void add_throughput(struct buf *out, const struct log_history *history,
                           const struct time_scale *scale, enum log_history_kind kind,
                           const char *what)
{
    struct chart_column columns[TIME_COLUMNS] = {{0}};
    char title[96];
    for (size_t i = 0; i < TIME_COLUMNS; i++) {
        columns[i].low = column_begin(scale, i);
        columns[i].high = columns[i].low + scale->width;
    }
    for (size_t i = 0; i < history->n; i++)
        if (history->entries[i].kind == kind)
            columns[column_of(scale, history->entries[i].at_ms)].count +=
                (double)history->entries[i].n;
    snprintf(title, sizeof title, "%s over time", what);
    const struct chart_text text = {
        .title = title,
        .description = "Columns of equal times: how much was done in each.",
        .x_name = scale->axis,
        .y_name = what,
    };
    page_figure_begin(out);
    chart_columns(out, &text, columns, TIME_COLUMNS);
    page_figure_end(out, title);
}

/* The times of searches from entry `from` on that are in a column, ascending; returns where the
 * next column begins. Entries are in the order of the log, which is that of time but for moments.
 */
static size_t times_of_column(const struct log_history *history, const struct time_scale *scale,
                              size_t from, double *times, size_t *out_n)
{
    size_t i = from, n = 0;
    size_t column = column_of(scale, history->entries[from].at_ms);
    for (; i < history->n && column_of(scale, history->entries[i].at_ms) == column; i++)
        if (history->entries[i].took_us)
            times[n++] = MS(history->entries[i].took_us);
    numbers_sort(times, n);
    *out_n = n;
    return i;
}

/* A trend that is told before somebody asks: the earlier half of the searches and the later. */
static void add_trend(struct buf *out, const struct log_history *history, double *times)
{
    size_t n = 0;
    for (size_t i = 0; i < history->n; i++)
        if (history->entries[i].took_us)
            times[n++] = MS(history->entries[i].took_us);
    size_t half = n / 2;
    char text[200];
    const struct trend_shift shift = trend_shift(times, half, times + half, n - half);
    if (shift.verdict == TREND_UNKNOWN) {
        page_text(out, "Too few searches to say whether they became slower.");
        return;
    }
    snprintf(text, sizeof text,
             "Searches %s: half of the earlier %zu took at most %.4g ms, half of the later %zu at "
             "most %.4g ms.",
             shift.verdict == TREND_UP     ? "became slower"
             : shift.verdict == TREND_DOWN ? "became faster"
                                           : "take as long as before",
             half, shift.before, n - half, shift.after);
    page_text(out, text);
}

static void add_speed(struct buf *out, const struct log_history *history,
                      const struct time_scale *scale, double *times, struct svg_point *points)
{
    const struct chart_text text = {
        .title = "Time of a search over time",
        .description = "The median and the 95th percentile of the searches of equal times.",
        .x_name = scale->axis,
        .y_name = "milliseconds",
        .is_y_log = true,
    };
    struct svg_point *medians = points, *highs = points + history->n;
    size_t n_points = 0, n;
    for (size_t i = 0; i < history->n;) {
        double x = column_begin(scale, column_of(scale, history->entries[i].at_ms));
        i = times_of_column(history, scale, i, times, &n);
        if (n == 0)
            continue;
        x += scale->width / 2;
        medians[n_points] = (struct svg_point){x, numbers_quantile(times, n, 0.5)};
        highs[n_points++] = (struct svg_point){x, numbers_quantile(times, n, 0.95)};
    }
    const struct chart_line lines[] = {{"median", medians, n_points, NULL},
                                       {"p95", highs, n_points, NULL}};
    page_figure_begin(out);
    chart_lines(out, &text, lines, 2);
    page_figure_end(out, "Searches in all modes, those too that a cache answered.");
    add_trend(out, history, times);
}

static enum status add_charts_over_time(struct buf *out, const struct log_history *history,
                                        struct error *err)
{
    struct time_scale scale = scale_of(history);
    double *times = mem_array(history->n, sizeof *times);
    struct svg_point *points = mem_array(history->n, 2 * sizeof *points);
    enum status status = times && points ? STATUS_OK : error_nomem(err);
    if (!status) {
        page_text(out, "As the log of this user has it, of all libraries, and as far back as it "
                       "reaches. A run of add counts where it ended.");
        add_throughput(out, history, &scale, LOG_HISTORY_SEARCHED, "searches");
        add_speed(out, history, &scale, times, points);
        add_throughput(out, history, &scale, LOG_HISTORY_FILES, "files added");
        add_throughput(out, history, &scale, LOG_HISTORY_VECTORS, "vectors computed");
    }
    mem_free(times);
    mem_free(points);
    return status;
}

/* Without a log, or when it can't be read, the page says so and goes without. */
static enum status add_history(struct buf *out, const struct app *app, struct error *err)
{
    struct log_history history = {.kinds = LOG_HISTORY_BIT(LOG_HISTORY_SEARCHED) |
                                           LOG_HISTORY_BIT(LOG_HISTORY_FILES) |
                                           LOG_HISTORY_BIT(LOG_HISTORY_VECTORS)};
    struct error why = {0};
    char *path = NULL;
    enum status status = logging_path(&app->config, &path, &why);
    if (!status)
        status = log_history_read(&history, path, &why);
    page_heading(out, "Over time");
    if (status)
        page_text(out, "The log could not be read.");
    else if (history.n == 0)
        page_text(out, "The log says of no search and no file when it was.");
    else
        status = add_charts_over_time(out, &history, &why);
    log_history_clear(&history);
    mem_free(path);
    return status == STATUS_NOMEM ? error_nomem(err) : STATUS_OK;
}

enum status monitor_page(struct app *app, struct engine *engine, struct error *err)
{
    static const char *const families[] = {"ragged_queries_total", "ragged_ingest_files_total",
                                           "ragged_requests_total", "ragged_errors_total",
                                           "ragged_degraded_total"};
    const char *path = arguments_text(&app->arguments, "report", "");
    struct engine_status library = {0};
    struct buf page = {0}, lead = {0};
    enum status status = file_check_folder(path, err);
    if (!status)
        status = engine_status(engine, &library, err);
    if (status)
        return status;
    buf_printf(&lead,
               "%zu documents, %zu passages, %zu without a vector. Counted by all processes "
               "of the library since its file of counters was made.",
               library.n_documents, library.n_chunks, library.n_missing_vectors);
    page_begin(&page, "What this library did", buf_text(&lead));
    status = add_history(&page, app, err);
    add_times(&page);
    add_caches(&page);
    page_heading(&page, "What came of it");
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        add_family(&page, families[i]);
    add_counters(&page);
    page_end(&page);
    if (!status)
        status = buf_status(&lead, err);
    if (!status)
        status = page_write(path, &page, err);
    buf_clear(&lead);
    buf_clear(&page);
    return status;
}
