#include "app/benchmark.h"
#include "app/session.h"

/* One after the other; questions are asked only when there are some. */
static enum status run_all(struct app *app, struct error *err);

static const struct command_verb verbs[] = {
    {"embedding-init", "", "from nothing to the first vector: new process, open, second open", 0, 0,
     benchmark_embedding_init},
    {"batch-embed", "", "texts and tokens a second: equal and mixed lengths, one thread and all", 0,
     0, benchmark_batch_embed},
    {"query", "", "a question: in a new process, and in one that runs already, stage by stage", 0,
     0, benchmark_query},
    {"ingest", "", "adding files: new ones, unchanged ones, changed ones", 0, 0, benchmark_ingest},
    {"memory", "", "the most memory that adding, searching and answering need", 0, 0,
     benchmark_memory},
    {"all", "", "all of these, one after the other; query with --queries only", 0, 0, run_all},
    {.name = NULL},
};

static enum status run_all(struct app *app, struct error *err)
{
    enum status status = STATUS_OK;
    if (arguments_text(&app->arguments, "report", NULL))
        return error_set(err, STATUS_INVALID, "--report is a page of one benchmark, not of all");
    for (const struct command_verb *verb = verbs; verb->run != run_all && !status; verb++)
        if (verb->run != benchmark_query || arguments_text(&app->arguments, "queries", NULL))
            status = verb->run(app, err);
    return status;
}

static const struct option options[] = {
    {.name = "runs",
     .letters = "n",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 10000},
     .help = "measured runs, 10 (batch-embed, query, ingest, memory: 5) when not given"},
    {.name = "warmup",
     .letters = "w",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 1000},
     .help =
         "runs before them that do not count, 3 (batch-embed: 2, query, ingest, memory: 1) when "
         "not given"},
    {.name = "size",
     .letters = "s",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 100000},
     .help = "texts or files in a run; batch-embed: 100, ingest, memory: 40 when not given"},
    {.name = "queries",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "query: the questions, one a line, # begins a comment; - is standard input"},
    {.name = "mode",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = config_mode_choices},
     .help = "query: what to measure, retrieval_method when not given"},
    {.name = "limit",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 1000},
     .help = "query: how many results, 10 when not given"},
    SESSION_RANK_OPTIONS,
    {.name = "model",
     .letters = "m",
     .arg = "NAME",
     .config_key = "embedding_model",
     .help = "model of the embedding backend"},
    {.name = "threads", .letters = "j", .arg = "N", .config_key = "threads", .help = "threads"},
    {.name = "flag",
     .arg = "FEATURE",
     .rule = {.type = VALUE_TEXT},
     .help = "measure with this feature and without it, in turn"},
    {.name = "save",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "keep the results under this name"},
    {.name = "compare",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "show the gain over the results that were kept under this name"},
    {.name = "report",
     .arg = "FILE",
     .rule = {.type = VALUE_PATH},
     .help = "write a page with charts, as report.html"},
    OPTION_END,
};

const struct command cmd_benchmark = {
    .name = "benchmark",
    .aliases = "bench",
    .summary = "Measure the speed of this program on this machine",
    .usage = "[OPTIONS] embedding-init | batch-embed | query | ingest | memory | all",
    .details =
        "A median is of all measured runs; spread is the middle half of them in percent of\n"
        "it. A gain above 1 is better than what is compared with. query: a sample is one question\n"
        "of one run, _process from the start of a new process to its end, _warm within a\n"
        "running one, the rest its stages. _cached_process and _cached are the same when the\n"
        "question was asked before; they are missing where nothing is kept. memory: the peak of a\n"
        "new process each. all: as JSON it is one object after the other.",
    .examples = "  ragged benchmark embedding-init --runs 10\n"
                "  ragged benchmark batch-embed --size 100 --runs 5 --save before\n"
                "  ragged benchmark batch-embed --size 100 --runs 5 --compare before\n"
                "  ragged benchmark embedding-init --flag embedder_caching\n"
                "  ragged benchmark query --queries test-set.txt --runs 20 --mode all",
    .words = "embedding-init, batch-embed, query, ingest, memory or all",
    .n_words_min = 1,
    .n_words_max = 1,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .verbs = verbs,
    .run = command_run_verb,
};
