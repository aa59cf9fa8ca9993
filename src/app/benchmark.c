#include "app/benchmark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/session.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

static struct figure *find_figure(struct benchmark *benchmark, const char *name)
{
    for (size_t i = 0; i < benchmark->n_figures; i++)
        if (strcmp(benchmark->figures[i].name, name) == 0)
            return &benchmark->figures[i];
    return NULL;
}

void benchmark_sample(struct benchmark *benchmark, const char *name, const char *unit,
                      enum better better, double value)
{
    if (benchmark->is_warming_up || benchmark->failed)
        return;
    struct figure *figure = find_figure(benchmark, name);
    if (!figure) {
        if (benchmark->n_figures == BENCHMARK_FIGURES_MAX) {
            benchmark->failed = STATUS_LIMIT;
            return;
        }
        figure = &benchmark->figures[benchmark->n_figures++];
        *figure = (struct figure){.name = name, .unit = unit, .better = better, .baseline = NAN};
    }
    struct samples *samples = &figure->samples[benchmark->side];
    void *values = samples->values;
    benchmark->failed =
        mem_reserve(&values, &samples->n_max, samples->n + 1, sizeof *samples->values, NULL);
    samples->values = values;
    if (!benchmark->failed)
        samples->values[samples->n++] = value;
}

/* ---- new processes ---- */

void benchmark_child_add(struct benchmark_child *child, const char *word)
{
    if (word && child->n + 1 < CHILD_WORDS_MAX)
        child->argv[child->n++] = word;
}

/* What the file and the environment say reaches a new process by itself. */
void benchmark_child_init(struct benchmark_child *child, const struct benchmark *benchmark,
                          const char *command)
{
    *child = (struct benchmark_child){0};
    benchmark_child_add(child, "/proc/self/exe");
    benchmark_child_add(child, command);
    for (int i = 0; i < FEATURE_COUNT; i++) {
        const struct config_feature *feature = &benchmark->app->config.features.values[i];
        if (feature->source != CONFIG_SOURCE_FLAG)
            continue;
        snprintf(child->features[i], sizeof child->features[i], "%s=%s",
                 feature_name((enum feature)i), feature->is_on ? "on" : "off");
        benchmark_child_add(child, "--feature");
        benchmark_child_add(child, child->features[i]);
    }
}

/* ---- runs ---- */

static size_t n_sides(const struct benchmark *benchmark)
{
    return benchmark->flag == FEATURE_COUNT ? 1 : BENCHMARK_SIDES;
}

static void choose_side(struct benchmark *benchmark, enum benchmark_side side)
{
    benchmark->side = side;
    if (benchmark->flag != FEATURE_COUNT)
        benchmark->app->config.features.values[benchmark->flag] =
            (struct config_feature){side == BENCHMARK_ON, CONFIG_SOURCE_FLAG, "--flag"};
}

static enum status run_once(struct benchmark *benchmark, void *state, struct error *err)
{
    if (is_cancelled(benchmark->app->cancel))
        return error_set(err, STATUS_CANCELLED, "the benchmark was stopped");
    enum status status = benchmark->plan->run(benchmark, state, err);
    if (!status && benchmark->failed)
        status = error_set(err, benchmark->failed, "could not keep the figures of \"%s\"",
                           benchmark->plan->name);
    return status;
}

static enum status measure(struct benchmark *benchmark, struct error *err)
{
    const struct benchmark_plan *plan = benchmark->plan;
    void *states[BENCHMARK_SIDES] = {NULL};
    size_t n = n_sides(benchmark);
    enum status status = STATUS_OK;
    for (size_t side = 0; side < n && plan->open && !status; side++) {
        choose_side(benchmark, (enum benchmark_side)side);
        status = plan->open(benchmark, &states[side], err);
    }
    for (size_t i = 0; i < benchmark->n_warmups + benchmark->n_runs && !status; i++) {
        benchmark->is_warming_up = i < benchmark->n_warmups;
        /* Neither is always the first. */
        for (size_t k = 0; k < n && !status; k++) {
            choose_side(benchmark, (enum benchmark_side)((i + k) % n));
            status = run_once(benchmark, states[benchmark->side], err);
        }
    }
    for (size_t side = 0; side < n && plan->close; side++)
        plan->close(states[side]);
    return status;
}

static json_t *envelope(const struct benchmark *benchmark)
{
    char now[32];
    clock_format_utc(clock_wall_ms(), now);
    json_t *object = format_object_new();
    bool is_whole =
        object &&
        json_put(object, "warnings", session_warnings_json(baseline_warning(benchmark))) &&
        json_put(object, "benchmark", json_text(benchmark->plan->name)) &&
        json_put(object, "time", json_text(now)) &&
        json_put(object, "runs", json_integer((json_int_t)benchmark->n_runs)) &&
        json_put(object, "warmup", json_integer((json_int_t)benchmark->n_warmups)) &&
        json_put(
            object, "flag",
            json_text(benchmark->flag == FEATURE_COUNT ? NULL : feature_name(benchmark->flag))) &&
        json_put(object, "machine", json_incref(benchmark->machine));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static enum status save(const struct benchmark *benchmark, struct error *err)
{
    if (!benchmark->save_path)
        return STATUS_OK;
    json_t *object = envelope(benchmark);
    enum status status = object && json_put(object, "results", benchmark_rows_json(benchmark))
                             ? baseline_save(benchmark, object, err)
                             : error_nomem(err);
    json_decref(object);
    return status;
}

static void print_head(const struct benchmark *benchmark)
{
    struct output *out = &benchmark->app->out;
    const json_t *machine = benchmark->machine;
    output_printf(out, "%s: median of %zu runs after %zu\n", benchmark->plan->name,
                  benchmark->n_runs, benchmark->n_warmups);
    if (benchmark->flag != FEATURE_COUNT)
        output_printf(out, "with %s, in turn without it (off); a ratio above 1: it helps\n",
                      feature_name(benchmark->flag));
    output_name(out, json_get_text(machine, "cpu", ""));
    output_printf(out, ", %.0f cores, kernel %s, micro-batches of %.0f tokens\n\n",
                  json_get_number(machine, "cores", 0), json_get_text(machine, "kernel", "?"),
                  json_get_number(machine, "micro_batch_tokens", 0));
}

static enum status report(struct benchmark *benchmark, struct error *err)
{
    struct app *app = benchmark->app;
    struct records records = {
        .out = &app->out, .format = app->format, .columns = benchmark_columns};
    if (app->format == FORMAT_TEXT)
        print_head(benchmark);
    for (size_t i = 0; i < benchmark->n_figures; i++)
        records_add(&records, &benchmark->figures[i]);
    enum status status = records_write(&records, envelope(benchmark), "results", err);
    records_clear(&records);
    session_warn(app, baseline_warning(benchmark));
    return status;
}

static void clear(struct benchmark *benchmark)
{
    for (size_t i = 0; i < benchmark->n_figures; i++)
        for (size_t side = 0; side < BENCHMARK_SIDES; side++)
            mem_free(benchmark->figures[i].samples[side].values);
    json_decref(benchmark->machine);
    json_decref(benchmark->baseline);
    mem_free(benchmark->save_path);
}

static enum status choose_flag(struct benchmark *benchmark, struct error *err)
{
    const char *name = arguments_text(&benchmark->app->arguments, "flag", NULL);
    if (!name)
        return STATUS_OK;
    benchmark->flag = feature_find(name);
    return benchmark->flag == FEATURE_COUNT ? config_feature_unknown(name, "", err) : STATUS_OK;
}

enum status benchmark_run(struct app *app, const struct benchmark_plan *plan, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    struct benchmark benchmark = {
        .app = app,
        .plan = plan,
        .flag = FEATURE_COUNT,
        .n_runs = (size_t)arguments_number(arguments, "runs", (double)plan->n_runs),
        .n_warmups = (size_t)arguments_number(arguments, "warmup", (double)plan->n_warmups),
    };
    const char *page = arguments_text(arguments, "report", NULL);
    enum status status = page ? file_check_folder(page, err) : STATUS_OK;
    if (!status)
        status = choose_flag(&benchmark, err);
    if (!status)
        status = baseline_prepare(&benchmark, err);
    if (!status)
        status = machine_describe(app, &benchmark.machine, err);
    if (!status)
        status = measure(&benchmark, err);
    if (!status) {
        baseline_compare(&benchmark);
        status = report(&benchmark, err);
    }
    if (!status && page)
        status = benchmark_page_write(page, &benchmark, err);
    if (!status)
        status = save(&benchmark, err);
    clear(&benchmark);
    return status;
}
