#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/monitor_page.h"
#include "app/prometheus.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/operation.h"
#include "base/process.h"
#include "library/library.h"

#define SECONDS(us) ((double)(us) / 1e6)

/* ---- JSON; a list is NULL without memory ---- */

static void add_operation(void *ctx, int64_t process_id, const struct operation *operation)
{
    json_t **list = ctx, *object = json_object();
    char started[32];
    clock_format_utc(operation->started_ms, started);
    bool is_whole =
        *list && object && json_put(object, "process", json_integer(process_id)) &&
        json_put(object, "name", json_text(operation->name)) &&
        json_put(object, "stage", json_text(operation->stage)) &&
        json_put(object, "started", json_text(started)) &&
        json_put(object, "done", json_integer((json_int_t)operation->n_done)) &&
        json_put(object, "total", json_integer((json_int_t)operation->n_total)) &&
        json_put(object, "bytes_done", json_integer((json_int_t)operation->n_bytes_done)) &&
        json_put(object, "bytes_total", json_integer((json_int_t)operation->n_bytes_total)) &&
        json_put(object, "passages", json_integer((json_int_t)operation->n_passages)) &&
        json_put(object, "queued", json_integer((json_int_t)operation->n_queued)) &&
        json_put(object, "memory_bytes", json_integer((json_int_t)operation->memory_bytes)) &&
        json_put(object, "memory_budget_bytes",
                 json_integer((json_int_t)operation->memory_bytes_max)) &&
        json_put(object, "memory_state",
                 json_text(*operation->memory_state ? operation->memory_state : NULL)) &&
        json_put(object, "eta_s",
                 operation->eta_ms < 0 ? json_null()
                                       : json_real((double)operation->eta_ms / 1000.0));
    if (!is_whole || json_array_append(*list, object) != 0) {
        json_decref(*list);
        *list = NULL;
    }
    json_decref(object);
}

static json_t *operations_json(void)
{
    json_t *list = json_array();
    operation_each(add_operation, &list);
    return list;
}

static json_t *metrics_json(void)
{
    json_t *list = json_array();
    for (int i = 0; list && i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        json_t *object = json_object();
        if (!object || !json_put(object, "name", json_text(row->name)) ||
            !json_put(object, "label", json_text(row->label)) ||
            !json_put(object, "value", json_integer((json_int_t)metric_get((enum metric)i))) ||
            json_array_append(list, object) != 0) {
            json_decref(list);
            list = NULL;
        }
        json_decref(object);
    }
    return list;
}

static json_t *histogram_json(enum histogram id)
{
    struct histogram_counts counts;
    histogram_get(id, &counts);
    const struct metric_row *row = histogram_row(id);
    json_t *object = json_object();
    bool is_whole =
        object && json_put(object, "name", json_text(row->name)) &&
        json_put(object, "label", json_text(row->label)) &&
        json_put(object, "count", json_integer((json_int_t)counts.n)) &&
        json_put(object, "sum_s", json_real(SECONDS(counts.sum_us))) &&
        json_put(object, "p50_s", json_real(SECONDS(histogram_quantile(&counts, .5)))) &&
        json_put(object, "p90_s", json_real(SECONDS(histogram_quantile(&counts, .9)))) &&
        json_put(object, "p99_s", json_real(SECONDS(histogram_quantile(&counts, .99))));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *latencies_json(void)
{
    json_t *list = json_array();
    for (int i = 0; list && i < HISTOGRAM_COUNT; i++)
        if (json_array_append_new(list, histogram_json((enum histogram)i)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *snapshot_json(const struct engine_status *library)
{
    json_t *object = format_object_new();
    bool is_whole =
        object && json_put(object, "operations", operations_json()) &&
        json_put(object, "documents", json_integer((json_int_t)library->n_documents)) &&
        json_put(object, "chunks", json_integer((json_int_t)library->n_chunks)) &&
        json_put(object, "missing_vectors", json_integer((json_int_t)library->n_missing_vectors)) &&
        json_put(object, "metrics", metrics_json()) &&
        json_put(object, "latencies", latencies_json());
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- text ---- */

static void print_operation(void *ctx, int64_t process_id, const struct operation *operation)
{
    struct output *out = ctx;
    output_printf(out, "  %-10s %-10s %" PRIu64 " of %" PRIu64, operation->name, operation->stage,
                  operation->n_done, operation->n_total);
    if (operation->eta_ms >= 0)
        output_printf(out, ", %.0f s left", (double)operation->eta_ms / 1000.0);
    output_printf(out, "  (process %" PRId64 ")\n", process_id);
}

static void print_latencies(struct output *out)
{
    output_printf(out, "%-40s %10s %10s %10s %10s\n", "latency", "count", "p50 ms", "p90 ms",
                  "p99 ms");
    for (int i = 0; i < HISTOGRAM_COUNT; i++) {
        struct histogram_counts counts;
        histogram_get((enum histogram)i, &counts);
        if (counts.n == 0)
            continue;
        const struct metric_row *row = histogram_row((enum histogram)i);
        output_printf(out, "  %-22s %-15s %10" PRIu64 " %10.2f %10.2f %10.2f\n", row->name,
                      row->label, counts.n, SECONDS(histogram_quantile(&counts, .5)) * 1e3,
                      SECONDS(histogram_quantile(&counts, .9)) * 1e3,
                      SECONDS(histogram_quantile(&counts, .99)) * 1e3);
    }
}

static void print_snapshot(struct output *out, const struct engine_status *library)
{
    output_printf(out, "library  %zu documents, %zu passages, %zu without a vector\n",
                  library->n_documents, library->n_chunks, library->n_missing_vectors);
    output_puts(out, "running\n");
    operation_each(print_operation, out);
    print_latencies(out);
    output_puts(out, "counters\n");
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = metric_row((enum metric)i);
        uint64_t value = metric_get((enum metric)i);
        if (value)
            output_printf(out, "  %-40s %-22s %10" PRIu64 "\n", row->name, row->label, value);
    }
}

static enum status print_prometheus(struct app *app, const struct engine_status *library,
                                    struct error *err)
{
    struct buf text = {0};
    prometheus_append(&text, library);
    enum status status = buf_status(&text, err);
    if (!status)
        output_text(&app->out, buf_text(&text), text.len);
    buf_clear(&text);
    return status;
}

static enum status show(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    enum status status = engine_status(engine, &library, err);
    if (status)
        return status;
    if (arguments_has(&app->arguments, "prometheus"))
        return print_prometheus(app, &library, err);
    if (app->format == FORMAT_TEXT) {
        print_snapshot(&app->out, &library);
        return STATUS_OK;
    }
    return format_object(&app->out, app->format, snapshot_json(&library), err);
}

/* ---- the screen ---- */

#define LIBEXEC RAGGED_PREFIX "/libexec/ragged"
#define PROGRAM "ragged-monitor"

static bool is_terminal_good(const struct app *app)
{
    const char *term = getenv("TERM");
    return app->out.is_tty && isatty(STDIN_FILENO) == 1 && term && *term &&
           strcmp(term, "dumb") != 0;
}

static bool wants_screen(const struct app *app)
{
    const struct arguments *arguments = &app->arguments;
    return app->format == FORMAT_TEXT && is_terminal_good(app) &&
           !arguments_has(arguments, "once") && !arguments_has(arguments, "prometheus") &&
           !arguments_has(arguments, "format");
}

/* Owned; beside this program, else where it is installed. */
static enum status find_program(char **out, struct error *err)
{
    char *path = NULL;
    enum status status = path_beside_program(PROGRAM, &path, err);
    if (!status && access(path, X_OK) != 0) {
        mem_free(path);
        path = path_join(LIBEXEC, PROGRAM);
        status = path ? STATUS_OK : error_nomem(err);
    }
    if (!status && access(path, X_OK) != 0) {
        status = error_set(err, STATUS_NOT_FOUND, "the program \"" PROGRAM "\" is not installed");
        error_hint(err, "it belongs beside ragged or into " LIBEXEC
                        "; `ragged monitor --once` does without it");
    }
    if (status)
        mem_free(path);
    else
        *out = path;
    return status;
}

/* With the same words, as another program. */
static enum status become_screen(struct app *app, struct error *err)
{
    size_t n = 0;
    char *path = NULL;
    while (app->argv[n])
        n++;
    char **argv = mem_array(n + 1, sizeof *argv);
    enum status status = argv ? find_program(&path, err) : error_nomem(err);
    if (!status) {
        memcpy(argv, app->argv, (n + 1) * sizeof *argv);
        argv[0] = path;
        log_close(); /* its lines are written: the other program goes on */
        status = process_become(argv, err);
    }
    mem_free(path);
    mem_free(argv);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    bool is_timed = arguments_has(arguments, "interval") || arguments_has(arguments, "duration");
    if (arguments_has(arguments, "report"))
        return session_run(app, monitor_page, err);
    if (wants_screen(app))
        return app->watch ? app->watch(app, err) : become_screen(app, err);
    if (!is_timed || arguments_has(arguments, "once"))
        return session_run(app, show, err);
    error_set(err, STATUS_INVALID,
              "--interval and --duration are for the screen, which needs a terminal");
    error_hint(err, "--once prints the counters once");
    return STATUS_INVALID;
}

static const struct option options[] = {
    {.name = "interval",
     .letters = "i",
     .arg = "SECONDS",
     .rule = {.type = VALUE_NUMBER, .min = .1, .max = 60},
     .help = "how often the screen looks, every second when not given"},
    {.name = "duration",
     .letters = "d",
     .arg = "SECONDS",
     .rule = {.type = VALUE_NUMBER, .min = .1, .max = 1e9},
     .help = "end after this time; else the screen stays until q"},
    {.name = "once", .help = "print what there is and end, also on a terminal"},
    {.name = "prometheus", .help = "print the counters as Prometheus reads them"},
    {.name = "report",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "write a page with charts, as report.html"},
    OPTION_END,
};

const struct command cmd_monitor = {
    .name = "monitor",
    .summary = "Show what the processes of this library do and have counted",
    .usage = "[--interval SECONDS] [--duration SECONDS] [--once] [--prometheus]",
    .details =
        "On a terminal it fills the screen and goes on until q (h shows the keys); elsewhere,\n"
        "and with --once, it prints what there is and ends.\n\n"
        "Every command counts in a small file beside the library; deleting it starts the\n"
        "counts anew.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
