#include "app/monitor_panels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/monitor_text.h"

enum { SPARK_MAX = 128, LABEL_COLUMNS = 9 };

static int spark_columns(int n_left)
{
    return n_left < 0 ? 0 : n_left > SPARK_MAX ? SPARK_MAX : n_left;
}

/* ---- throughput ---- */

/* The first are those that a short screen shows. */
static const struct {
    const char *name;
    enum monitor_flow flow;
} flow_rows[MONITOR_FLOW_COUNT] = {
    {"files", MONITOR_FLOW_FILES},       {"text", MONITOR_FLOW_BYTES},
    {"vectors", MONITOR_FLOW_VECTORS},   {"searches", MONITOR_FLOW_SEARCHES},
    {"tokens", MONITOR_FLOW_TOKENS},     {"passages", MONITOR_FLOW_PASSAGES},
    {"requests", MONITOR_FLOW_REQUESTS},
};

void monitor_draw_flows(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model)
{
    const int rate_columns = MONITOR_SIZE_COLUMNS + 2, x = 1 + LABEL_COLUMNS;
    int n = spark_columns(area->n_columns - x - rate_columns - 2);
    for (int i = 0; i < MONITOR_FLOW_COUNT && i < area->n_rows; i++) {
        const struct monitor_history *history = &model->flows[flow_rows[i].flow];
        char size[MONITOR_TEXT_BYTES], rate[MONITOR_TEXT_BYTES + 4];
        double bins[SPARK_MAX];
        if (history->n == 0)
            snprintf(rate, sizeof rate, "-");
        else if (flow_rows[i].flow == MONITOR_FLOW_BYTES) {
            monitor_text_size(history->rate, size);
            snprintf(rate, sizeof rate, "%s/s", size);
        } else
            monitor_text_rate(history->rate, rate);
        monitor_draw(canvas, area, i, 1, MONITOR_STYLE_DIM, "%s", flow_rows[i].name);
        monitor_draw_right(canvas, area, i, x, rate_columns, MONITOR_STYLE_PLAIN, rate);
        monitor_model_course(model, flow_rows[i].flow, bins, (size_t)n);
        monitor_draw_spark(canvas, area, i, x + rate_columns + 1, bins, n);
    }
}

/* ---- memory, queues, caches, servers ---- */

static enum monitor_style style_of_state(const char *state)
{
    static const struct {
        const char *state;
        enum monitor_style style;
    } styles[] = {{"green", MONITOR_STYLE_GOOD},
                  {"yellow", MONITOR_STYLE_WARNING},
                  {"red", MONITOR_STYLE_BAD},
                  {"black", MONITOR_STYLE_BAD}};
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    return MONITOR_STYLE_PLAIN;
}

static void draw_memory(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model)
{
    const struct operation *fullest = monitor_model_fullest(model);
    char taken[MONITOR_TEXT_BYTES], most[MONITOR_TEXT_BYTES], queued[MONITOR_TEXT_BYTES];
    const int x = 1 + LABEL_COLUMNS;
    monitor_draw(canvas, area, 0, 1, MONITOR_STYLE_DIM, "memory");
    monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_DIM, "governor");
    if (!fullest) {
        monitor_draw(canvas, area, 0, x, MONITOR_STYLE_PLAIN, "nobody has taken any");
        monitor_draw(canvas, area, 1, x, MONITOR_STYLE_PLAIN, "at rest");
        return;
    }
    monitor_text_size((double)fullest->memory_bytes, taken);
    monitor_text_size((double)fullest->memory_bytes_max, most);
    monitor_text_count(monitor_model_queued(model), queued);
    monitor_draw(canvas, area, 0, x, MONITOR_STYLE_PLAIN, "%s of %s", taken, most);
    int next = monitor_draw(canvas, area, 1, x, style_of_state(fullest->memory_state), "%s",
                            fullest->memory_state);
    monitor_draw(canvas, area, 1, next, MONITOR_STYLE_PLAIN, ", %s queued", queued);
}

static void draw_cache(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       int row, int column, const char *name, uint64_t n_hits, uint64_t n_misses)
{
    char share[MONITOR_TEXT_BYTES];
    monitor_text_share(n_hits, n_hits + n_misses, share);
    monitor_draw(canvas, area, row, column, MONITOR_STYLE_PLAIN, "%s %s", name, share);
}

static void draw_servers(const struct monitor_canvas *canvas, const struct monitor_area *area,
                         const uint64_t *values)
{
    char good[MONITOR_TEXT_BYTES], bad[MONITOR_TEXT_BYTES], again[MONITOR_TEXT_BYTES];
    const int x = 1 + LABEL_COLUMNS;
    uint64_t n_bad = values[METRIC_REQUESTS_FAILED] + values[METRIC_REQUESTS_THROTTLED] +
                     values[METRIC_REQUESTS_REFUSED];
    monitor_text_count(values[METRIC_REQUESTS_OK], good);
    monitor_text_count(n_bad, bad);
    monitor_text_count(values[METRIC_RETRIES], again);
    monitor_draw(canvas, area, 4, 1, MONITOR_STYLE_DIM, "servers");
    monitor_draw(canvas, area, 4, x, MONITOR_STYLE_PLAIN, "%s ok %s bad %s again", good, bad,
                 again);
    monitor_text_count(values[METRIC_BREAKER_OPENED], good);
    monitor_text_count(values[METRIC_BREAKER_FAST_FAILURES], bad);
    monitor_draw(canvas, area, 5, 1, MONITOR_STYLE_DIM, "breakers");
    monitor_draw(canvas, area, 5, x, MONITOR_STYLE_PLAIN, "opened %s spared %s", good, bad);
}

void monitor_draw_state(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model)
{
    const uint64_t *values = model->sample.view.values;
    const int x = 1 + LABEL_COLUMNS, second = x + 12;
    draw_memory(canvas, area, model);
    monitor_draw(canvas, area, 2, 1, MONITOR_STYLE_DIM, "hits of");
    draw_cache(canvas, area, 2, x, "result", values[METRIC_CACHE_RESULT_HITS],
               values[METRIC_CACHE_RESULT_MISSES]);
    draw_cache(canvas, area, 2, second, "vector", values[METRIC_CACHE_VECTOR_HITS],
               values[METRIC_CACHE_VECTOR_MISSES]);
    monitor_draw(canvas, area, 3, 1, MONITOR_STYLE_DIM, "caches");
    draw_cache(canvas, area, 3, x, "answer", values[METRIC_CACHE_ANSWER_HITS],
               values[METRIC_CACHE_ANSWER_MISSES]);
    draw_servers(canvas, area, values);
}

/* ---- latencies ---- */

void monitor_draw_latencies(const struct monitor_canvas *canvas, const struct monitor_area *area,
                            const struct monitor_model *model)
{
    static const char *const names[HISTOGRAM_COUNT] = {
        [HISTOGRAM_QUERY_EMBED] = "embed",   [HISTOGRAM_QUERY_SCAN] = "scan",
        [HISTOGRAM_QUERY_FUSE] = "fuse",     [HISTOGRAM_QUERY_FETCH] = "fetch",
        [HISTOGRAM_QUERY_RERANK] = "rerank", [HISTOGRAM_QUERY_TOTAL] = "total",
        [HISTOGRAM_GENERATE] = "answer"};
    static const double shares[] = {.5, .9, .99};
    static const char *const titles[] = {"p50", "p90", "p99"};
    enum { N_SHARES = 3, NAME = 6, COUNT = MONITOR_COUNT_COLUMNS, TIME = MONITOR_LATENCY_COLUMNS };
    const int count_x = 1 + NAME + 1, share_x = count_x + COUNT + 1;
    const int spark_x = share_x + N_SHARES * (TIME + 1);
    int n = spark_columns(area->n_columns - spark_x - 1);
    n = n > 20 ? n / 20 * 20 : n; /* each factor has as many columns */
    monitor_draw(canvas, area, 0, 1, MONITOR_STYLE_DIM, "STAGE");
    monitor_draw_right(canvas, area, 0, count_x, COUNT, MONITOR_STYLE_DIM, "COUNT");
    for (int j = 0; j < N_SHARES; j++)
        monitor_draw_right(canvas, area, 0, share_x + j * (TIME + 1), TIME, MONITOR_STYLE_DIM,
                           titles[j]);
    if (n >= 16)
        monitor_draw(canvas, area, 0, spark_x, MONITOR_STYLE_DIM, "64 us%*s", n - 5, "67 s");
    for (int i = 0; i < HISTOGRAM_COUNT && i + 1 < area->n_rows; i++) {
        struct histogram_counts counts;
        char text[MONITOR_TEXT_BYTES];
        double bins[SPARK_MAX];
        monitor_model_latencies(model, (enum histogram)i, &counts);
        monitor_text_count(counts.n, text);
        monitor_draw(canvas, area, i + 1, 1, MONITOR_STYLE_DIM, "%s", names[i]);
        monitor_draw_right(canvas, area, i + 1, count_x, COUNT, MONITOR_STYLE_PLAIN, text);
        for (int j = 0; j < N_SHARES; j++) {
            monitor_text_latency(histogram_quantile(&counts, shares[j]), text);
            monitor_draw_right(canvas, area, i + 1, share_x + j * (TIME + 1), TIME,
                               MONITOR_STYLE_PLAIN, counts.n ? text : "-");
        }
        monitor_spread(&counts, bins, (size_t)n);
        monitor_draw_spark(canvas, area, i + 1, spark_x, bins, n);
    }
}

/* ---- events ---- */

/* Whole facts only. */
static void draw_facts(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       int row, int column, const char *facts)
{
    while (*facts) {
        int n = (int)strcspn(facts, " ");
        if (column + n > area->n_columns)
            return;
        monitor_draw(canvas, area, row, column, MONITOR_STYLE_PLAIN, "%.*s", n, facts);
        column += n + 1;
        facts += n + (facts[n] == ' ');
    }
}

void monitor_draw_events(const struct monitor_canvas *canvas, const struct monitor_area *area,
                         const struct monitor_model *model)
{
    const struct monitor_sample *sample = &model->sample;
    if (sample->n_events == 0)
        monitor_draw(canvas, area, 0, 1, MONITOR_STYLE_DIM, "none");
    for (int i = 0; i < area->n_rows && (size_t)i < sample->n_events; i++) {
        const struct monitor_event *event = &sample->events[i];
        char age[MONITOR_TEXT_BYTES];
        int64_t ms = sample->wall_ms - event->wall_ms;
        monitor_text_duration(ms < 0 ? 0 : ms, age);
        monitor_draw_right(canvas, area, i, 1, MONITOR_DURATION_COLUMNS, MONITOR_STYLE_DIM, age);
        int next = monitor_draw(canvas, area, i, 2 + MONITOR_DURATION_COLUMNS,
                                event->is_error ? MONITOR_STYLE_BAD : MONITOR_STYLE_WARNING, "%s",
                                event->name);
        draw_facts(canvas, area, i, next + 1, event->facts);
    }
}

/* ---- counters ---- */

/* "ragged_cache_hits_total" and "cache=\"result\"" become "cache hits result". */
static void name_counter(const struct metric_row *row, char *out, size_t n_max)
{
    const char *name = row->name + (strncmp(row->name, "ragged_", 7) == 0 ? 7 : 0);
    const char *value = strchr(row->label, '"');
    int len = (int)strlen(name);
    if (len > 6 && strcmp(name + len - 6, "_total") == 0)
        len -= 6;
    snprintf(out, n_max, "%.*s %.*s", len, name, value ? (int)strcspn(value + 1, "\"") : 0,
             value ? value + 1 : "");
    for (; *out; out++)
        *out = *out == '_' ? ' ' : *out;
}

int monitor_draw_counters(const struct monitor_canvas *canvas, const struct monitor_area *area,
                          const struct monitor_model *model)
{
    enum { NAME = 34, COUNT = MONITOR_COUNT_COLUMNS, ALL = NAME + COUNT + 3 };
    int n_across = area->n_columns / ALL, n_down = area->n_rows > 0 ? area->n_rows : 1, n = 0;
    for (int i = 0; i < METRIC_COUNT; i++) {
        char name[64], text[MONITOR_TEXT_BYTES];
        uint64_t value = model->sample.view.values[i];
        if (!value)
            continue;
        int y = n % n_down, across = n / n_down;
        n++;
        if (across >= n_across)
            continue;
        name_counter(metric_row((enum metric)i), name, sizeof name);
        monitor_text_count(value, text);
        monitor_draw(canvas, area, y, across * ALL + 1, MONITOR_STYLE_DIM, "%s", name);
        monitor_draw_right(canvas, area, y, across * ALL + 1 + NAME, COUNT, MONITOR_STYLE_PLAIN,
                           text);
    }
    if (n == 0)
        monitor_draw(canvas, area, 0, 1, MONITOR_STYLE_DIM, "nothing was counted yet");
    int n_room = n_across * n_down;
    return n > n_room ? n - n_room : 0;
}
