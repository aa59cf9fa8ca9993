/* What it costs until the first vector: in a new process, and in one that runs already. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/benchmark.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"

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

/* Its configuration is that of this process; only the model can come from the command line. */
static enum status run_process(struct benchmark *benchmark, struct error *err)
{
    const char *model = config_text(&benchmark->app->config, "embedding_model");
    const char *const argv[] = {"/proc/self/exe",          "embed", "--query",
                                *model ? "--model" : NULL, model,   NULL};
    struct rusage before, after;
    struct process child;
    getrusage(RUSAGE_CHILDREN, &before);
    int64_t start_us = clock_monotonic_us();
    enum status status =
        process_start(&(struct process_options){.argv = argv, .extra_fd = -1}, &child, err);
    if (status)
        return status;
    status = ask(&child, err);
    double first_ms = ms_since(start_us);
    process_wait(&child, CHILD_TIMEOUT_MS, NULL);
    getrusage(RUSAGE_CHILDREN, &after);
    if (status)
        return status;
    benchmark_sample(benchmark, "process", "ms", BETTER_LOWER, first_ms);
    benchmark_sample(benchmark, "process_cpu", "ms", BETTER_LOWER,
                     cpu_ms(&after) - cpu_ms(&before));
    benchmark_sample(benchmark, "process_peak", "MiB", BETTER_LOWER,
                     (double)after.ru_maxrss / 1024);
    return STATUS_OK;
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
    (void)state;
    enum status status = run_process(benchmark, err);
    return status ? status : run_inside(benchmark, err);
}

enum status benchmark_embedding_init(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "embedding-init", .n_runs = 10, .n_warmups = 3, .run = run};
    return benchmark_run(app, &plan, err);
}
