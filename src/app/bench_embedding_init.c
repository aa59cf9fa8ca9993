/* What it costs until the first vector: in a new process, and in one that runs already. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/benchmark.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "engine/engine.h"

static const char question[] = "how do I reset the admin password of the staging server?\n";
enum { CHILD_TIMEOUT_MS = 60000 };

static double ms_since(int64_t start_us)
{
    return (double)(clock_monotonic_us() - start_us) / 1e3;
}

static double cpu_ms(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* ---- a new process: exec of this program to the end of the first row ---- */

static enum status ask(struct process *child, struct error *err)
{
    enum status status =
        file_write_fd(child->in_fd, "the child", question, sizeof question - 1, err);
    char block[16 * 1024];
    ssize_t n = 0;
    while (!status && (n = process_read(child, block, sizeof block, CHILD_TIMEOUT_MS)) > 0)
        if (memchr(block, '\n', (size_t)n))
            return STATUS_OK;
    return status ? status
                  : error_set(err, STATUS_REMOTE, "a new process of this program gave no vector");
}

struct start {
    double first_ms, cpu_ms, peak_mib;
};

/* Its configuration is that of this process; only the model can come from the command line. */
static enum status start_process(const struct benchmark *benchmark, const char *model,
                                 struct start *out, struct error *err)
{
    struct benchmark_child words;
    benchmark_child_init(&words, benchmark, "embed");
    benchmark_child_add(&words, "--query");
    benchmark_child_add(&words, *model ? "--model" : NULL);
    benchmark_child_add(&words, *model ? model : NULL);
    struct rusage before, after;
    struct process child;
    getrusage(RUSAGE_CHILDREN, &before);
    int64_t start_us = clock_monotonic_us();
    enum status status =
        process_start(&(struct process_options){.argv = words.argv, .extra_fd = -1}, &child, err);
    if (status)
        return status;
    status = ask(&child, err);
    out->first_ms = ms_since(start_us);
    out->peak_mib = (double)process_peak_bytes(child.pid) / RAGGED_MIB;
    process_wait(&child, CHILD_TIMEOUT_MS, NULL);
    getrusage(RUSAGE_CHILDREN, &after);
    out->cpu_ms = cpu_ms(&after) - cpu_ms(&before);
    return status;
}

static enum status run_process(struct benchmark *benchmark, const char *model, struct error *err)
{
    struct start start;
    enum status status = start_process(benchmark, model, &start, err);
    if (status)
        return status;
    benchmark_sample(benchmark, "process", "ms", BETTER_LOWER, start.first_ms);
    benchmark_sample(benchmark, "process_cpu", "ms", BETTER_LOWER, start.cpu_ms);
    benchmark_sample(benchmark, "process_peak", "MiB", BETTER_LOWER, start.peak_mib);
    return STATUS_OK;
}

/* ---- the same, with the model's files read from the disk ---- */

static int forget_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)walk;
    if (kind == FTW_F)
        file_forget(path);
    return 0;
}

struct wanted_model {
    const char *name; /* "": the first */
    bool is_found;
};

static void forget_model(void *ctx, const struct engine_model *model)
{
    struct wanted_model *wanted = ctx;
    if (wanted->is_found || (*wanted->name && strcmp(wanted->name, model->name) != 0))
        return;
    wanted->is_found = true;
    nftw(model->folder, forget_entry, 16, FTW_PHYS);
}

static enum status run_cold_process(struct benchmark *benchmark, const char *model,
                                    struct error *err)
{
    struct wanted_model wanted = {.name = model};
    struct start start;
    enum status status = engine_model_list(forget_model, &wanted, err);
    if (!status && wanted.is_found)
        status = start_process(benchmark, model, &start, err);
    if (!status && wanted.is_found)
        benchmark_sample(benchmark, "process_cold", "ms", BETTER_LOWER, start.first_ms);
    return status;
}

/* ---- within this process ---- */

struct one_text {
    bool is_given;
};

static enum status next(void *ctx, int timeout_ms, struct engine_text *out,
                        enum engine_next *out_next, struct error *err)
{
    struct one_text *one = ctx;
    (void)timeout_ms;
    (void)err;
    *out = (struct engine_text){.text = question, .len = sizeof question - 2};
    *out_next = one->is_given ? ENGINE_NEXT_END : ENGINE_NEXT_TEXT;
    one->is_given = true;
    return STATUS_OK;
}

static enum status each(void *ctx, const struct engine_vector *vector, struct error *err)
{
    (void)ctx;
    return vector->values ? STATUS_OK : error_set(err, STATUS_FORMAT, "a question has no token");
}

static enum status embed_one(struct benchmark *benchmark, const struct engine_embedder *embedder,
                             struct error *err)
{
    struct one_text one = {0};
    struct engine_embed_options options = {
        .kind = ENGINE_TEXT_QUERY,
        .next = next,
        .each = each,
        .ctx = &one,
        .cancel = benchmark->app->cancel,
    };
    return engine_embed(embedder, &options, err);
}

static enum status run_inside(struct benchmark *benchmark, struct error *err)
{
    struct engine_options options = config_options_without_library(&benchmark->app->config);
    struct engine_embedder *first = NULL, *second = NULL;
    int64_t start_us = clock_monotonic_us();
    enum status status = engine_embedder_open(&options, &first, err);
    double open_ms = ms_since(start_us);
    if (!status)
        status = embed_one(benchmark, first, err);
    double first_ms = ms_since(start_us);
    start_us = clock_monotonic_us();
    if (!status)
        status = embed_one(benchmark, first, err);
    double again_ms = ms_since(start_us);
    start_us = clock_monotonic_us();
    if (!status)
        status = engine_embedder_open(&options, &second, err);
    double second_ms = ms_since(start_us);
    engine_embedder_close(second);
    engine_embedder_close(first);
    if (status)
        return status;
    benchmark_sample(benchmark, "open", "ms", BETTER_LOWER, open_ms);
    benchmark_sample(benchmark, "open_to_vector", "ms", BETTER_LOWER, first_ms);
    benchmark_sample(benchmark, "second_open", "ms", BETTER_LOWER, second_ms);
    benchmark_sample(benchmark, "query", "ms", BETTER_LOWER, again_ms);
    return STATUS_OK;
}

static enum status run(struct benchmark *benchmark, void *state, struct error *err)
{
    const char *model = config_text(&benchmark->app->config, "embedding_model");
    (void)state;
    /* Between the cold process and the warm one somebody else reads what was forgotten. */
    enum status status = run_cold_process(benchmark, model, err);
    if (!status)
        status = run_inside(benchmark, err);
    return status ? status : run_process(benchmark, model, err);
}

enum status benchmark_embedding_init(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "embedding-init", .n_runs = 10, .n_warmups = 3, .run = run};
    return benchmark_run(app, &plan, err);
}
