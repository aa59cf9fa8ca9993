#include <stdlib.h>
#include <string.h>

#include "app/progress.h"
#include "app/records.h"
#include "app/session.h"
#include "base/file.h"
#include "base/mem.h"

struct run_of_mode {
    enum engine_mode mode;
    struct engine_eval_result result;
};

static const struct run_of_mode *run_of(const void *record)
{
    return record;
}

static json_t *get_mode(const void *record)
{
    return json_text(engine_mode_name(run_of(record)->mode));
}

static json_t *get_ndcg(const void *record)
{
    return json_score(run_of(record)->result.ndcg_10);
}

static json_t *get_recall_10(const void *record)
{
    return json_score(run_of(record)->result.recall_10);
}

static json_t *get_recall_100(const void *record)
{
    return json_score(run_of(record)->result.recall_100);
}

static json_t *get_mrr(const void *record)
{
    return json_score(run_of(record)->result.mrr_10);
}

static json_t *get_p50(const void *record)
{
    return json_score(run_of(record)->result.p50_ms);
}

static json_t *get_p95(const void *record)
{
    return json_score(run_of(record)->result.p95_ms);
}

static json_t *get_queries(const void *record)
{
    return json_integer((json_int_t)run_of(record)->result.n_queries);
}

static json_t *get_documents(const void *record)
{
    return json_integer((json_int_t)run_of(record)->result.n_documents);
}

static json_t *get_chunks(const void *record)
{
    return json_integer((json_int_t)run_of(record)->result.n_chunks);
}

static const struct column columns[] = {
    {.name = "mode", .get = get_mode},
    {.name = "ndcg_10", .get = get_ndcg},
    {.name = "recall_10", .get = get_recall_10},
    {.name = "recall_100", .get = get_recall_100},
    {.name = "mrr_10", .get = get_mrr},
    {.name = "p50_ms", .get = get_p50},
    {.name = "p95_ms", .get = get_p95},
    {.name = "queries", .get = get_queries},
    {.name = "documents", .get = get_documents},
    {.name = "chunks", .get = get_chunks},
    {.name = NULL},
};

/* An index nobody asked to keep lives in a folder of its own, which goes away again. */
static enum status make_folder(char **out, struct error *err)
{
    const char *parent = getenv("TMPDIR");
    return folder_make_temporary(parent && *parent ? parent : "/tmp", "ragged-eval-", out, err);
}

static void on_progress(void *ctx, const struct engine_progress *update)
{
    progress_on_update(ctx, update);
}

static enum status evaluate(struct app *app, struct engine *engine, struct records *records,
                            struct error *err)
{
    const char *wanted = arguments_text(&app->arguments, "mode", "all");
    static const enum engine_mode modes[] = {ENGINE_MODE_HYBRID, ENGINE_MODE_LEXICAL,
                                             ENGINE_MODE_VECTOR};
    struct progress progress;
    progress_init(&progress, app);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0] && !status; i++) {
        struct run_of_mode run = {.mode = modes[i]};
        if (strcmp(wanted, "all") != 0 && strcmp(wanted, engine_mode_name(modes[i])) != 0)
            continue;
        status = engine_eval(engine, app->arguments.words[0], modes[i], app->cancel, on_progress,
                             &progress, &run.result, err);
        progress_end(&progress);
        if (!status)
            records_add(records, &run);
    }
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    struct engine *engine = NULL;
    struct engine_options options;
    char *folder = NULL;
    struct records records = {.out = &app->out, .format = app->format, .columns = columns};
    enum status status = STATUS_OK;
    if (!arguments_has(&app->arguments, "data-dir"))
        status = make_folder(&folder, err);
    if (!status)
        status = config_engine_options(&app->config, &options, err);
    if (!status) {
        options.data_folder = folder ? folder : options.data_folder;
        status = engine_open(&options, &engine, err);
    }
    if (!status)
        status = evaluate(app, engine, &records, err);
    if (!status)
        status = records_write(&records, format_object_new(), "runs", err);
    records_clear(&records);
    engine_close(engine);
    if (folder) {
        enum status removed = folder_remove(folder, status ? NULL : err);
        status = status ? status : removed;
    }
    mem_free(folder);
    return status;
}

static const char *const mode_choices[] = {"all", "hybrid", "lexical", "vector", NULL};

static const struct option options[] = {
    {.name = "mode",
     .letters = "m",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = mode_choices},
     .help = "what to measure, all when not given"},
    {.name = "threads", .letters = "j", .arg = "N", .config_key = "threads", .help = "threads"},
    {.name = "language", .arg = "NAME", .config_key = "language", .help = "language of the corpus"},
    {.name = "progress",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = progress_modes},
     .help = "a bar on a terminal, JSON lines, or nothing"},
    OPTION_END,
};

const struct command cmd_eval = {
    .name = "eval",
    .summary = "Measure search quality and speed on a BEIR data set",
    .usage = "[OPTIONS] FOLDER",
    .details =
        "The folder holds corpus.jsonl, queries.jsonl and qrels/test.tsv. With --data-dir the\n"
        "index is kept and used again, else it is made in a temporary folder.",
    .examples = "  ragged eval --mode all --json ~/beir/scifact",
    .words = "a BEIR folder",
    .n_words_min = 1,
    .n_words_max = 1,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
