/* The most memory that whole processes need: adding files, searching them by words and by both,
 * making vectors. Each is a new process, which tells its own peak; what it works on is made for
 * each run and removed behind it. */
#include <string.h>

#include "app/bench_place.h"
#include "app/benchmark.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"

enum { CHILD_TIMEOUT_MS = 600000, SAID_BYTES_MAX = 64 * 1024 * 1024 };

/* What --timings says stands on the last line, behind all results. */
static enum status read_peak(const struct buf *said, double *out_mib, struct error *err)
{
    const char *text = buf_text(said), *end = text + said->len;
    while (end > text && end[-1] == '\n')
        end--;
    const char *line = end;
    while (line > text && line[-1] != '\n')
        line--;
    json_t *timings = NULL;
    enum status status = json_parse(line, (size_t)(end - line), &timings, err);
    double n_bytes = status ? 0 : json_get_number(timings, "peak_bytes", 0);
    json_decref(timings);
    if (!status && n_bytes <= 0)
        status = error_set(err, STATUS_REMOTE, "a new process did not tell its memory");
    if (!status)
        *out_mib = n_bytes / (double)RAGGED_MIB;
    return status;
}

/* `words`: of the command, ending with NULL. */
static enum status sample(struct benchmark *benchmark, const char *figure, const char *command,
                          const char *const *words, struct error *err)
{
    struct benchmark_child child;
    struct buf said = {.limit_bytes = SAID_BYTES_MAX};
    double peak_mib = 0;
    benchmark_child_init(&child, benchmark, command);
    benchmark_child_add(&child, "--timings=json");
    for (; *words; words++)
        benchmark_child_add(&child, *words);
    enum status status = process_run(child.argv, PROCESS_ERRORS_OUTPUT, CHILD_TIMEOUT_MS,
                                     benchmark->app->cancel, &said, err);
    if (!status)
        status = read_peak(&said, &peak_mib, err);
    buf_clear(&said);
    if (status)
        return error_context(err, status, "\"%s\" in a new process", command);
    benchmark_sample(benchmark, figure, "MiB", BETTER_LOWER, peak_mib);
    return STATUS_OK;
}

static enum status measure(struct benchmark *benchmark, const struct bench_place *place, size_t n,
                           struct error *err)
{
    (void)n;
    const struct {
        const char *figure, *command;
        const char *words[8];
    } rows[] = {
        {"add", "add", {"--quiet", "--data-dir", place->data, place->documents, NULL}},
        {"search_words",
         "search",
         {"--no-cache", "--data-dir", place->data, "--mode", "lexical", "river bridge", NULL}},
        {"search_hybrid",
         "search",
         {"--no-cache", "--data-dir", place->data, "--mode", "hybrid", "river bridge", NULL}},
        {"query",
         "query",
         {"--no-cache", "--data-dir", place->data, "--generator", "extractive", "river bridge",
          NULL}},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++)
        status = sample(benchmark, rows[i].figure, rows[i].command, rows[i].words, err);
    return status;
}

static enum status run(struct benchmark *benchmark, void *state, struct error *err)
{
    (void)state;
    return bench_place_run(benchmark, measure, err);
}

enum status benchmark_memory(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "memory", .n_runs = 5, .n_warmups = 1, .run = run};
    return benchmark_run(app, &plan, err);
}
