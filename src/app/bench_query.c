/* How long a question takes: a new process from its start to its end, and a search within a process
 * that runs already, with its stages; and both again when it was asked before. A sample is one
 * question of one run. */
#include <stdio.h>
#include <string.h>

#include "app/benchmark.h"
#include "app/lines.h"
#include "app/session.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "engine/engine.h"
#include "library/library.h"
#include "search/search.h"

enum { CHILD_TIMEOUT_MS = 60000, ANSWER_BYTES_MAX = 64 * 1024 * 1024 };

struct query_bench {
    struct engine *engine;
    struct engine_search_options options;
    const char **questions; /* owned, its texts by the arena */
    size_t n, n_max;
    struct arena arena;
    bool modes[ENGINE_MODE_COUNT];
};

/* Names of figures, by mode. */
static const struct names {
    const char *process, *warm, *embed, *scan, *fuse, *fetch, *rerank, *again_process, *again;
} names[ENGINE_MODE_COUNT] = {
#define NAMES(mode)                                                                              \
    {                                                                                            \
        mode "_process", mode "_warm", mode "_embed", mode "_scan", mode "_fuse", mode "_fetch", \
            mode "_rerank", mode "_cached_process", mode "_cached"                               \
    }
    [ENGINE_MODE_HYBRID] = NAMES("hybrid"),
    [ENGINE_MODE_LEXICAL] = NAMES("lexical"),
    [ENGINE_MODE_VECTOR] = NAMES("vector"),
};
_Static_assert(sizeof names / (sizeof(char *)) <= BENCHMARK_FIGURES_MAX, "all modes in one run");

/* ---- the questions ---- */

static enum status add_question(struct query_bench *state, const struct buf *line,
                                struct error *err)
{
    const char *text = buf_text(line), *end = text + line->len;
    text += strspn(text, " \t");
    while (end > text && strchr(" \t", end[-1]))
        end--;
    size_t len = (size_t)(end - text);
    if (len == 0 || *text == '#')
        return STATUS_OK;
    if (strlen(buf_text(line)) != line->len)
        return error_set(err, STATUS_INVALID, "a question holds a zero byte");
    if (len > RAGGED_LIMIT_QUERY)
        return error_set(err, STATUS_LIMIT, "a question is longer than %zu bytes",
                         RAGGED_LIMIT_QUERY);
    /* Alone it would have the new process read its standard input. */
    if (len == 1 && *text == '-')
        return error_set(err, STATUS_INVALID, "\"-\" is no question");
    void *questions = state->questions;
    enum status status =
        mem_reserve(&questions, &state->n_max, state->n + 1, sizeof *state->questions, err);
    state->questions = questions;
    const char *copy = arena_text(&state->arena, text, len);
    if (!status && !copy)
        status = error_nomem(err);
    if (!status)
        state->questions[state->n++] = copy;
    return status;
}

static enum status read_lines(struct query_bench *state, const char *path, struct error *err)
{
    struct lines lines = {0};
    enum line_result result = LINE_RESULT_LINE;
    enum status status = lines_open(path, &lines, err);
    while (!status && result != LINE_RESULT_END) {
        status = lines_next(&lines, 1000, &result, err);
        if (!status && result == LINE_RESULT_LINE)
            status = add_question(state, &lines.line, err);
    }
    lines_close(&lines);
    if (!status && state->n == 0)
        status = error_set(err, STATUS_INVALID, "it holds no question");
    return status ? error_context(err, status, "\"%s\"", path) : STATUS_OK;
}

/* ---- one question ---- */

enum asked { ASKED_FIRST, ASKED_AGAIN };

static enum status search(const struct query_bench *state, enum engine_mode mode, enum asked asked,
                          const char *question, struct engine_hits *out, struct error *err)
{
    struct engine_search_options options = state->options;
    options.mode = mode;
    options.is_uncached = asked == ASKED_FIRST;
    struct engine_hits hits = {0};
    enum status status = engine_search(state->engine, question, &options, &hits, err);
    if (!status && hits.mode != mode)
        status = error_set(err, STATUS_NOT_FOUND, "%s", hits.warning);
    *out = hits;
    engine_hits_clear(&hits);
    return status;
}

static void sample_us(struct benchmark *benchmark, const char *name, int64_t us)
{
    benchmark_sample(benchmark, name, "ms", BETTER_LOWER, (double)us / 1e3);
}

static enum status run_warm(struct benchmark *benchmark, const struct query_bench *state,
                            enum engine_mode mode, const char *question, struct error *err)
{
    struct engine_hits hits;
    int64_t start_us = clock_monotonic_us();
    enum status status = search(state, mode, ASKED_FIRST, question, &hits, err);
    int64_t took_us = clock_monotonic_us() - start_us;
    if (status)
        return status;
    const struct names *name = &names[mode];
    sample_us(benchmark, name->warm, took_us);
    if (mode != ENGINE_MODE_LEXICAL)
        sample_us(benchmark, name->embed, hits.took.embed_us);
    sample_us(benchmark, name->scan, hits.took.scan_us);
    sample_us(benchmark, name->fuse, hits.took.fuse_us);
    sample_us(benchmark, name->fetch, hits.took.fetch_us);
    if (state->options.rerank)
        sample_us(benchmark, name->rerank, hits.took.rerank_us);
    return STATUS_OK;
}

/* What was not asked before is asked twice. Where nothing is kept there is no sample. */
static enum status run_again(struct benchmark *benchmark, const struct query_bench *state,
                             enum engine_mode mode, const char *question, struct error *err)
{
    struct engine_hits hits = {0};
    enum status status = STATUS_OK;
    int64_t took_us = 0;
    for (int i = 0; i < 2 && !status && !hits.is_cached; i++) {
        int64_t start_us = clock_monotonic_us();
        status = search(state, mode, ASKED_AGAIN, question, &hits, err);
        took_us = clock_monotonic_us() - start_us;
    }
    if (!status && hits.is_cached)
        sample_us(benchmark, names[mode].again, took_us);
    return status;
}

/* Its configuration is that of this process but for what the command line says. */
static enum status ask_process(struct benchmark *benchmark, const struct query_bench *state,
                               enum engine_mode mode, enum asked asked, const char *question,
                               struct buf *answer, int64_t *out_us, struct error *err)
{
    const struct engine_search_options *options = &state->options;
    char limit[24], candidates[24], deadline[24];
    snprintf(limit, sizeof limit, "%zu", options->n);
    snprintf(candidates, sizeof candidates, "%zu", options->n_rerank);
    snprintf(deadline, sizeof deadline, "%lld", (long long)options->deadline_ms);
    const char *const words[] = {
        "--json",
        "--data-dir",
        config_text(&benchmark->app->config, "data_dir"),
        "--mode",
        engine_mode_name(mode),
        "--limit",
        limit,
        "--fusion",
        config_text(&benchmark->app->config, "fusion"),
        "--candidates",
        candidates,
        "--deadline-ms",
        deadline,
        options->rerank ? "--rerank" : "--no-rerank",
        asked == ASKED_FIRST ? "--no-cache" : NULL,
        "--",
        question,
    };
    struct benchmark_child child;
    benchmark_child_init(&child, benchmark, "search");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        benchmark_child_add(&child, words[i]);
    int64_t start_us = clock_monotonic_us();
    enum status status = process_run(child.argv, PROCESS_ERRORS_QUIET, CHILD_TIMEOUT_MS,
                                     benchmark->app->cancel, answer, err);
    *out_us = clock_monotonic_us() - start_us;
    if (status)
        error_context(err, status, "the question \"%.100s\" in a new process", question);
    return status;
}

static enum status run_process(struct benchmark *benchmark, const struct query_bench *state,
                               enum engine_mode mode, const char *question, struct error *err)
{
    struct buf answer = {.limit_bytes = ANSWER_BYTES_MAX};
    int64_t took_us = 0;
    enum status status =
        ask_process(benchmark, state, mode, ASKED_FIRST, question, &answer, &took_us, err);
    buf_clear(&answer);
    if (!status)
        sample_us(benchmark, names[mode].process, took_us);
    return status;
}

static enum status read_cached(const struct buf *answer, bool *out, struct error *err)
{
    json_t *said = NULL;
    enum status status = json_parse(buf_text(answer), answer->len, &said, err);
    *out = json_is_true(json_object_get(said, "cached"));
    json_decref(said);
    return status;
}

static enum status run_process_again(struct benchmark *benchmark, const struct query_bench *state,
                                     enum engine_mode mode, const char *question, struct error *err)
{
    enum status status = STATUS_OK;
    int64_t took_us = 0;
    bool is_cached = false;
    for (int i = 0; i < 2 && !status && !is_cached; i++) {
        struct buf answer = {.limit_bytes = ANSWER_BYTES_MAX};
        status = ask_process(benchmark, state, mode, ASKED_AGAIN, question, &answer, &took_us, err);
        if (!status)
            status = read_cached(&answer, &is_cached, err);
        buf_clear(&answer);
    }
    if (!status && is_cached)
        sample_us(benchmark, names[mode].again_process, took_us);
    return status;
}

/* ---- the plan ---- */

static enum status run(struct benchmark *benchmark, void *opened, struct error *err)
{
    const struct query_bench *state = opened;
    enum status (*const ways[])(struct benchmark *, const struct query_bench *, enum engine_mode,
                                const char *, struct error *) = {run_process, run_warm,
                                                                 run_process_again, run_again};
    const size_t n_ways = sizeof ways / sizeof ways[0];
    for (size_t mode = 0; mode < ENGINE_MODE_COUNT; mode++)
        for (size_t way = 0; state->modes[mode] && way < n_ways; way++)
            for (size_t i = 0; i < state->n; i++) {
                enum status status =
                    ways[way](benchmark, state, (enum engine_mode)mode, state->questions[i], err);
                if (!status && is_cancelled(benchmark->app->cancel))
                    status = error_set(err, STATUS_CANCELLED, "the benchmark was stopped");
                if (status)
                    return status;
            }
    return STATUS_OK;
}

static enum status check_library(struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    enum status status = engine_status(engine, &library, err);
    if (!status && library.n_chunks == 0) {
        status = error_set(err, STATUS_NOT_FOUND, "the library is empty: there is nothing to find");
        error_hint(err, "ragged add PATH");
    }
    return status;
}

/* The first search of a process opens the model: it is nobody's sample. */
static enum status warm_up(const struct query_bench *state, struct error *err)
{
    for (size_t mode = 0; mode < ENGINE_MODE_COUNT; mode++) {
        struct engine_hits hits;
        enum status status = state->modes[mode] ? search(state, (enum engine_mode)mode, ASKED_FIRST,
                                                         state->questions[0], &hits, err)
                                                : STATUS_OK;
        if (status)
            return status;
    }
    return STATUS_OK;
}

static void choose_modes(const struct app *app, bool modes[ENGINE_MODE_COUNT])
{
    const char *wanted =
        arguments_text(&app->arguments, "mode", config_text(&app->config, "retrieval_method"));
    for (size_t i = 0; i < ENGINE_MODE_COUNT; i++)
        modes[i] = strcmp(wanted, "all") == 0 ||
                   strcmp(wanted, engine_mode_name((enum engine_mode)i)) == 0;
}

static enum status open(struct benchmark *benchmark, void **out_state, struct error *err)
{
    struct app *app = benchmark->app;
    struct query_bench *state = mem_zalloc(1, sizeof *state);
    if (!state)
        return error_nomem(err);
    *out_state = state;
    state->options = engine_search_options_default();
    state->options.min_score = config_number(&app->config, "min_score");
    state->options.cancel = app->cancel;
    session_rank_options(app, &state->options);
    state->options.n = (size_t)arguments_number(&app->arguments, "limit", 10);
    state->options.has_query_syntax = true; /* as `ragged search`, which the cold runs start */
    /* What is measured is what was asked for, not less of it. */
    if (state->options.rerank)
        state->options.rerank = ENGINE_RERANK_REQUIRED;
    choose_modes(app, state->modes);
    enum status status = read_lines(state, arguments_text(&app->arguments, "queries", ""), err);
    if (!status)
        status = session_open(app, &state->engine, err);
    if (!status)
        status = check_library(state->engine, err);
    return status ? status : warm_up(state, err);
}

static void close(void *opened)
{
    struct query_bench *state = opened;
    if (!state)
        return;
    engine_close(state->engine);
    mem_free(state->questions);
    arena_clear(&state->arena);
    mem_free(state);
}

/* A new process can't be told these: it would measure something else. */
static enum status check_arguments(const struct arguments *arguments, struct error *err)
{
    static const char *const foreign[] = {"model", "threads", "size"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (arguments_has(arguments, foreign[i]))
            return error_set(err, STATUS_INVALID, "\"ragged benchmark query\" takes no --%s",
                             foreign[i]);
    if (arguments_has(arguments, "queries"))
        return STATUS_OK;
    error_set(err, STATUS_INVALID, "\"ragged benchmark query\" wants questions");
    error_hint(err, "--queries FILE: one question a line, \"#\" begins a comment");
    return STATUS_INVALID;
}

enum status benchmark_query(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "query", .n_runs = 5, .n_warmups = 1, .open = open, .close = close, .run = run};
    enum status status = check_arguments(&app->arguments, err);
    return status ? status : benchmark_run(app, &plan, err);
}
