#include "app/timings.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/process.h"

const char *const timings_form_names[] = {[TIMINGS_TABLE] = "table", [TIMINGS_JSON] = "json", NULL};

struct row {
    enum trace_stage stage;
    struct trace_sum sum;
};

/* What a run cost, beside its stages. */
struct costs {
    int64_t took_us, user_us, system_us;
    int64_t helpers_us; /* computing time of the programs it started, as parsers */
    int64_t peak_bytes;
    struct trace_losses lost;
};

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

static struct costs read_costs(int64_t took_us)
{
    struct rusage own = {0}, children = {0};
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (struct costs){
        .took_us = took_us,
        .user_us = us_of(own.ru_utime),
        .system_us = us_of(own.ru_stime),
        .helpers_us = us_of(children.ru_utime) + us_of(children.ru_stime),
        .peak_bytes = (int64_t)process_peak_bytes(getpid()),
        .lost = trace_losses(),
    };
}

static int by_self(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    if (left->sum.self_ns != right->sum.self_ns)
        return left->sum.self_ns < right->sum.self_ns ? 1 : -1;
    return (int)left->stage - (int)right->stage;
}

/* Those that there were, the most expensive one first. */
static size_t collect(const struct trace_tree *tree, struct row rows[TRACE_STAGE_COUNT])
{
    struct trace_sum sums[TRACE_STAGE_COUNT];
    size_t n = 0;
    trace_sums_read(tree, sums);
    for (int i = 0; i < TRACE_STAGE_COUNT; i++)
        if (sums[i].n_calls > 0)
            rows[n++] = (struct row){(enum trace_stage)i, sums[i]};
    qsort(rows, n, sizeof *rows, by_self);
    return n;
}

static double ms_of(int64_t ns)
{
    return (double)ns / 1e6;
}

/* Of the run. Threads that work at once add up to more than one. */
static double share_of(const struct row *row, const struct costs *costs)
{
    return costs->took_us > 0 ? (double)row->sum.self_ns / (double)costs->took_us / 1e3 : 0;
}

static void print_table(struct app *app, const struct row *rows, size_t n,
                        const struct costs *costs)
{
    struct output *out = &app->notes;
    char trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
    trace_context_ids(&app->context, trace_id, span_id);
    output_style(out, OUTPUT_STYLE_BOLD);
    output_printf(out, "%-13s %8s %12s %12s %7s %12s %12s\n", "stage", "calls", "total ms",
                  "self ms", "share", "longest ms", "cpu ms");
    output_style(out, OUTPUT_STYLE_PLAIN);
    for (size_t i = 0; i < n; i++) {
        const struct trace_sum *sum = &rows[i].sum;
        output_printf(out, "%-13s %8llu %12.3f %12.3f %5.1f %% %12.3f %12.3f\n",
                      trace_stage_name(rows[i].stage), (unsigned long long)sum->n_calls,
                      ms_of(sum->wall_ns), ms_of(sum->self_ns), 100 * share_of(&rows[i], costs),
                      ms_of(sum->longest_ns), ms_of(sum->self_cpu_ns));
    }
    output_printf(out, "wall %.3f ms, cpu %.3f ms user and %.3f ms system, helpers %.3f ms, ",
                  (double)costs->took_us / 1e3, (double)costs->user_us / 1e3,
                  (double)costs->system_us / 1e3, (double)costs->helpers_us / 1e3);
    output_printf(out, "peak memory %.1f MiB\ntrace %s, run %s\n",
                  (double)costs->peak_bytes / (1 << 20), trace_id, span_id);
    if (costs->lost.n_spans > 0)
        output_printf(out, "%llu spans found no room and are in no line\n",
                      (unsigned long long)costs->lost.n_spans);
}

static json_t *row_json(const struct row *row, const struct costs *costs)
{
    const struct trace_sum *sum = &row->sum;
    return json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "stage", trace_stage_name(row->stage),
                     "calls", (json_int_t)sum->n_calls, "total_ms", ms_of(sum->wall_ns), "self_ms",
                     ms_of(sum->self_ns), "share", share_of(row, costs), "longest_ms",
                     ms_of(sum->longest_ns), "cpu_ms", ms_of(sum->self_cpu_ns));
}

static json_t *rows_json(const struct row *rows, size_t n, const struct costs *costs)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, row_json(&rows[i], costs)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static bool put_costs(json_t *object, const struct costs *costs)
{
    return json_put(object, "wall_ms", json_real((double)costs->took_us / 1e3)) &&
           json_put(object, "cpu_user_ms", json_real((double)costs->user_us / 1e3)) &&
           json_put(object, "cpu_system_ms", json_real((double)costs->system_us / 1e3)) &&
           json_put(object, "helpers_cpu_ms", json_real((double)costs->helpers_us / 1e3)) &&
           json_put(object, "peak_bytes", json_integer(costs->peak_bytes)) &&
           json_put(object, "lost_spans", json_integer((json_int_t)costs->lost.n_spans));
}

static enum status print_json(struct app *app, const struct row *rows, size_t n,
                              const struct costs *costs, struct error *err)
{
    char trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
    trace_context_ids(&app->context, trace_id, span_id);
    json_t *object = json_object();
    bool is_whole = object && json_put(object, "trace", json_text(trace_id)) &&
                    json_put(object, "run", json_text(span_id)) && put_costs(object, costs) &&
                    json_put(object, "stages", rows_json(rows, n, costs));
    enum status status =
        is_whole ? format_json(&app->notes, object, JSON_STYLE_COMPACT, err) : error_nomem(err);
    json_decref(object);
    return status;
}

enum status timings_print(struct app *app, const struct trace_tree *tree, enum timings_form form,
                          int64_t took_us, struct error *err)
{
    struct costs costs = read_costs(took_us);
    struct row rows[TRACE_STAGE_COUNT];
    size_t n = collect(tree, rows);
    if (form == TIMINGS_JSON)
        return print_json(app, rows, n, &costs, err);
    print_table(app, rows, n, &costs);
    return STATUS_OK;
}
