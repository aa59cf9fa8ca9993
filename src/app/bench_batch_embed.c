/* How much text a second: equal lengths and mixed ones, one thread and all, in turn in every run,
 * so that ratios are of the same moment. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/benchmark.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/process.h"
#include "engine/engine.h"

enum { EQUAL_WORDS = 128, MIXED_WORDS_MIN = 8, MIXED_WORDS_MAX = 248 };

/* Words that are one token each, so that lengths are what they are meant to be. */
static const char *const words[] = {
    "river",  "stone", "winter", "market", "paper", "garden", "music",  "number",
    "letter", "field", "bridge", "window", "glass", "summer", "doctor", "village",
};
#define N_WORDS (sizeof words / sizeof words[0])

struct text_set {
    struct buf bytes;
    size_t *starts; /* [n + 1] */
};
enum { SET_EQUAL, SET_MIXED, SET_COUNT };

struct batch_embed {
    struct engine_embedder *embedder;
    size_t n; /* texts in each set */
    struct text_set sets[SET_COUNT];
};

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static enum status make_set(struct text_set *set, size_t n, size_t n_min, size_t n_max,
                            struct error *err)
{
    unsigned seed = 20261124;
    set->starts = mem_array(n + 1, sizeof *set->starts);
    if (!set->starts)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++) {
        size_t n_words = n_min + next_random(&seed) % (n_max - n_min + 1);
        set->starts[i] = set->bytes.len;
        for (size_t k = 0; k < n_words; k++)
            buf_printf(&set->bytes, "%s ", words[next_random(&seed) % N_WORDS]);
    }
    set->starts[n] = set->bytes.len;
    return buf_status(&set->bytes, err);
}

static enum status open(struct benchmark *benchmark, void **out_state, struct error *err)
{
    struct engine_options options = config_options_without_library(&benchmark->app->config);
    struct batch_embed *state = mem_zalloc(1, sizeof *state);
    if (!state)
        return error_nomem(err);
    *out_state = state;
    options.is_bulk = true;
    state->n = (size_t)arguments_number(&benchmark->app->arguments, "size", 100);
    enum status status = make_set(&state->sets[SET_EQUAL], state->n, EQUAL_WORDS, EQUAL_WORDS, err);
    if (!status)
        status = make_set(&state->sets[SET_MIXED], state->n, MIXED_WORDS_MIN, MIXED_WORDS_MAX, err);
    if (!status)
        status = engine_embedder_open(&options, &state->embedder, err);
    return status;
}

static void close_texts(void *opened)
{
    struct batch_embed *state = opened;
    if (!state)
        return;
    for (size_t i = 0; i < SET_COUNT; i++) {
        buf_clear(&state->sets[i].bytes);
        mem_free(state->sets[i].starts);
    }
    engine_embedder_close(state->embedder);
    mem_free(state);
}

/* ---- one set through the stream ---- */

struct pass {
    const struct text_set *set;
    size_t n, i_next, n_tokens;
};

static enum status next(void *ctx, int timeout_ms, struct engine_text *out,
                        enum engine_next *out_next, struct error *err)
{
    struct pass *pass = ctx;
    (void)timeout_ms;
    (void)err;
    *out_next = pass->i_next < pass->n ? ENGINE_NEXT_TEXT : ENGINE_NEXT_END;
    if (*out_next == ENGINE_NEXT_END)
        return STATUS_OK;
    size_t start = pass->set->starts[pass->i_next++];
    *out = (struct engine_text){
        .text = buf_text(&pass->set->bytes) + start,
        .len = pass->set->starts[pass->i_next] - start,
    };
    return STATUS_OK;
}

static enum status each(void *ctx, const struct engine_vector *vector, struct error *err)
{
    struct pass *pass = ctx;
    (void)err;
    pass->n_tokens += vector->n_tokens;
    return STATUS_OK;
}

struct rate {
    double texts, tokens; /* a second */
    double cpu_tokens;    /* a second of processor time: what others on the machine do not change */
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec + 1) / 1e6;
}

static enum status pass_through(struct benchmark *benchmark, const struct batch_embed *state,
                                const struct text_set *set, unsigned n_threads, struct rate *out,
                                struct error *err)
{
    struct pass pass = {.set = set, .n = state->n};
    struct engine_embed_options options = {
        .n_threads = n_threads,
        .next = next,
        .each = each,
        .ctx = &pass,
        .cancel = benchmark->app->cancel,
    };
    double start_cpu = cpu_seconds();
    int64_t start_us = clock_monotonic_us();
    enum status status = engine_embed(state->embedder, &options, err);
    if (status)
        return status;
    double seconds = (double)(clock_monotonic_us() - start_us + 1) / 1e6;
    *out = (struct rate){
        .texts = (double)state->n / seconds,
        .tokens = (double)pass.n_tokens / seconds,
        .cpu_tokens = (double)pass.n_tokens / (cpu_seconds() - start_cpu),
    };
    return STATUS_OK;
}

static void sample_rates(struct benchmark *benchmark, const struct rate one[SET_COUNT],
                         const struct rate all[SET_COUNT])
{
    const struct {
        const char *name, *unit;
        double value;
    } rows[] = {
        {"equal_one_thread", "texts/s", one[SET_EQUAL].texts},
        {"equal_one_thread_tokens", "tokens/s", one[SET_EQUAL].tokens},
        {"equal_one_thread_cpu", "tokens/cpu-s", one[SET_EQUAL].cpu_tokens},
        {"equal_all_threads", "texts/s", all[SET_EQUAL].texts},
        {"equal_all_threads_tokens", "tokens/s", all[SET_EQUAL].tokens},
        {"equal_threads_ratio", "x", all[SET_EQUAL].tokens / one[SET_EQUAL].tokens},
        {"mixed_one_thread", "texts/s", one[SET_MIXED].texts},
        {"mixed_one_thread_tokens", "tokens/s", one[SET_MIXED].tokens},
        {"mixed_one_thread_cpu", "tokens/cpu-s", one[SET_MIXED].cpu_tokens},
        {"mixed_all_threads", "texts/s", all[SET_MIXED].texts},
        {"mixed_all_threads_tokens", "tokens/s", all[SET_MIXED].tokens},
        {"mixed_threads_ratio", "x", all[SET_MIXED].tokens / one[SET_MIXED].tokens},
        {"mixed_to_equal_ratio", "x", one[SET_MIXED].tokens / one[SET_EQUAL].tokens},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        benchmark_sample(benchmark, rows[i].name, rows[i].unit, BETTER_HIGHER, rows[i].value);
    benchmark_sample(benchmark, "ms_per_text", "ms", BETTER_LOWER, 1e3 / all[SET_EQUAL].texts);
    benchmark_sample(benchmark, "peak", "MiB", BETTER_LOWER,
                     (double)process_peak_bytes(getpid()) / RAGGED_MIB);
}

static enum status run(struct benchmark *benchmark, void *opened, struct error *err)
{
    const struct batch_embed *state = opened;
    struct rate one[SET_COUNT], all[SET_COUNT];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SET_COUNT && !status; i++) {
        status = pass_through(benchmark, state, &state->sets[i], 1, &one[i], err);
        if (!status)
            status = pass_through(benchmark, state, &state->sets[i], 0, &all[i], err);
    }
    if (!status)
        sample_rates(benchmark, one, all);
    return status;
}

enum status benchmark_batch_embed(struct app *app, struct error *err)
{
    static const struct benchmark_plan plan = {
        .name = "batch-embed",
        .n_runs = 5,
        .n_warmups = 2,
        .open = open,
        .close = close_texts,
        .run = run,
    };
    return benchmark_run(app, &plan, err);
}
