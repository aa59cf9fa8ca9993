/* app/benchmark.h - what every benchmark does: warm up, run, keep samples, tell medians, compare
 * with a saved baseline.
 *
 * A new benchmark is a file bench_<name>.c with a plan, and a row in cmd_benchmark.c. One thread at
 * a time. */
#ifndef RAGGED_APP_BENCHMARK_H
#define RAGGED_APP_BENCHMARK_H

#include "app/command.h"
#include "app/records.h"
#include "engine/engine.h"

struct benchmark;

struct benchmark_plan {
    const char *name;
    size_t n_runs, n_warmups; /* when not asked for */
    /* Once before all runs and after them, with --flag for each side; open() may set *out_state,
     * close() gets it, also after a failure of open(). Both may be NULL. */
    enum status (*open)(struct benchmark *benchmark, void **out_state, struct error *err);
    void (*close)(void *state);
    /* One run: adds one sample to each of its figures. */
    enum status (*run)(struct benchmark *benchmark, void *state, struct error *err);
};

/* With --flag every run is done with the feature on and with it off, in turn. */
enum benchmark_side { BENCHMARK_ON, BENCHMARK_OFF, BENCHMARK_SIDES };
struct samples {
    double *values; /* owned */
    size_t n, n_max;
};

enum better { BETTER_LOWER, BETTER_HIGHER };
struct figure {
    const char *name, *unit; /* static texts */
    enum better better;
    struct samples samples[BENCHMARK_SIDES]; /* off: empty without --flag */
    double baseline;                         /* median of the baseline; NAN: none */
};
enum { BENCHMARK_FIGURES_MAX = 32 };

struct benchmark {
    struct app *app;
    const struct benchmark_plan *plan;
    size_t n_runs, n_warmups;
    bool is_warming_up; /* samples are dropped */
    enum feature flag;  /* of --flag; FEATURE_COUNT: none */
    enum benchmark_side side;
    struct figure figures[BENCHMARK_FIGURES_MAX];
    size_t n_figures;
    json_t *machine, *baseline; /* baseline: as it was saved; NULL: none */
    char *save_path;            /* NULL: not to be saved */
    enum status failed;         /* of a sample; sticky */
};

/* A figure begins with its first sample. `name` and `unit` are static texts. */
void benchmark_sample(struct benchmark *benchmark, const char *name, const char *unit,
                      enum better better, double value);

/* The command line of a new process of this program that has the features of this one. */
enum { CHILD_WORDS_MAX = 64 };
struct benchmark_child {
    const char *argv[CHILD_WORDS_MAX]; /* ends with NULL */
    size_t n;
    char features[FEATURE_COUNT][48];
};
void benchmark_child_init(struct benchmark_child *child, const struct benchmark *benchmark,
                          const char *command);
/* `word`: borrowed; NULL is passed over. */
void benchmark_child_add(struct benchmark_child *child, const char *word);

/* The whole command: options, runs, output, baseline. */
enum status benchmark_run(struct app *app, const struct benchmark_plan *plan,
                          struct error *err) MUST_USE;

/* --- what rows of results are (benchmark_table.c) --- */

extern const struct column benchmark_columns[];
/* All rows as a JSON array; NULL: out of memory. */
json_t *benchmark_rows_json(const struct benchmark *benchmark) MUST_USE;

/* --- a page with charts (benchmark_page.c) --- */

/* After baseline_compare(). */
enum status benchmark_page_write(const char *path, const struct benchmark *benchmark,
                                 struct error *err) MUST_USE;

/* --- saved results (baseline.c) --- */

/* Reads --save and --compare into the benchmark. INVALID: not a name; NOT_FOUND: no such baseline.
 */
enum status baseline_prepare(struct benchmark *benchmark, struct error *err) MUST_USE;
/* Fills figures[].baseline. */
void baseline_compare(struct benchmark *benchmark);
/* "" or that the baseline is another machine's. */
const char *baseline_warning(const struct benchmark *benchmark);
/* Writes `results` where --save wants them. */
enum status baseline_save(const struct benchmark *benchmark, const json_t *results,
                          struct error *err) MUST_USE;

/* --- the machine (machine.c) --- */

/* Processor, cores, memory, system, and what the encoder computes with there. */
enum status machine_describe(struct app *app, json_t **out, struct error *err) MUST_USE;

/* --- the benchmarks --- */

enum status benchmark_embedding_init(struct app *app, struct error *err) MUST_USE;
enum status benchmark_batch_embed(struct app *app, struct error *err) MUST_USE;
enum status benchmark_query(struct app *app, struct error *err) MUST_USE;
enum status benchmark_ingest(struct app *app, struct error *err) MUST_USE;
enum status benchmark_memory(struct app *app, struct error *err) MUST_USE;

#endif
