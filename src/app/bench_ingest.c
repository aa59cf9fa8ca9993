/* How long adding files takes: new ones, then the same again, then with a part of them changed.
 * Files and library are made for each run and removed behind it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench_place.h"
#include "app/benchmark.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "ingest/ingest.h"

enum { FILES_PER_CHANGED = 10 };

static enum status add(struct benchmark *benchmark, const struct bench_place *place,
                       enum engine_file_result wanted, size_t n_wanted, double *out_ms,
                       struct error *err)
{
    struct engine_options options = config_options_without_library(&benchmark->app->config);
    const char *const paths[] = {place->documents};
    struct engine_add_options add = {
        .paths = paths, .n_paths = 1, .max_depth = -1, .cancel = benchmark->app->cancel};
    struct engine_add_result result = {0};
    struct engine *engine = NULL;
    options.data_folder = place->data;
    int64_t start_us = clock_monotonic_us();
    enum status status = engine_open(&options, &engine, err);
    if (!status)
        status = engine_add(engine, &add, &result, err);
    engine_close(engine);
    *out_ms = (double)(clock_monotonic_us() - start_us) / 1e3;
    if (!status && result.n[wanted] != n_wanted)
        status = error_set(err, STATUS_FORMAT, "%zu of %zu files were %s", result.n[wanted],
                           n_wanted, engine_file_result_name(wanted));
    return status;
}

static enum status measure(struct benchmark *benchmark, const struct bench_place *place, size_t n,
                           struct error *err)
{
    double first_ms = 0, same_ms = 0, changed_ms = 0;
    size_t n_changed = (n + FILES_PER_CHANGED - 1) / FILES_PER_CHANGED;
    enum status status = add(benchmark, place, ENGINE_FILE_ADDED, n, &first_ms, err);
    if (!status)
        status = add(benchmark, place, ENGINE_FILE_UNCHANGED, n, &same_ms, err);
    for (size_t i = 0; i < n_changed && !status; i++)
        status = bench_place_write(place, i * FILES_PER_CHANGED, 2, err);
    if (!status)
        status = add(benchmark, place, ENGINE_FILE_UPDATED, n_changed, &changed_ms, err);
    if (status)
        return status;
    benchmark_sample(benchmark, "new", "ms", BETTER_LOWER, first_ms);
    benchmark_sample(benchmark, "new_files", "files/s", BETTER_HIGHER, (double)n * 1e3 / first_ms);
    benchmark_sample(benchmark, "unchanged", "ms", BETTER_LOWER, same_ms);
    benchmark_sample(benchmark, "changed", "ms", BETTER_LOWER, changed_ms);
    return STATUS_OK;
}

static enum status run(struct benchmark *benchmark, void *state, struct error *err)
{
    (void)state;
    return bench_place_run(benchmark, measure, err);
}

enum status benchmark_ingest(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "ingest", .n_runs = 5, .n_warmups = 1, .run = run};
    return benchmark_run(app, &plan, err);
}
