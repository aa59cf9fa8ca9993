#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/progress.h"
#include "app/records.h"
#include "app/session.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "ingest/ingest.h"

struct add {
    struct app *app;
    struct progress progress;
    json_t *failures; /* list; NULL: out of memory on the way */
};

static void on_file(void *ctx, const struct engine_file_report *report)
{
    struct add *add = ctx;
    progress_on_file(&add->progress, report);
    if (report->result != ENGINE_FILE_FAILED || !add->failures)
        return;
    json_t *failure = json_object();
    bool is_whole = failure && records_put_path(failure, "file", report->path) &&
                    json_put(failure, "reason", json_text(report->reason)) &&
                    json_put(failure, "hint", json_text(report->hint)) &&
                    json_array_append(add->failures, failure) == 0;
    json_decref(failure);
    if (!is_whole) {
        json_decref(add->failures);
        add->failures = NULL;
    }
}

static void on_progress(void *ctx, const struct engine_progress *update)
{
    progress_on_update(&((struct add *)ctx)->progress, update);
}

/* What the library is worse for, a sentence each, until the next `ragged add`. */
static bool each_shortcoming(const struct engine_add_result *result,
                             bool (*each)(void *ctx, const char *sentence), void *ctx)
{
    const struct {
        const struct error *why;
        const char *what;
    } all[] = {
        {&result->index_error,
         "the index could not be brought up to date, searches are slower until it is"},
        {&result->vector_error, "not all vectors could be made"},
    };
    bool is_whole = true;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && is_whole; i++) {
        const struct error *why = all[i].why;
        struct buf sentence = {0};
        if (!why->status)
            continue;
        buf_printf(&sentence, "%s: %s", all[i].what, why->message);
        if (why->hint[0])
            buf_printf(&sentence, " (%s)", why->hint);
        is_whole = !sentence.failed && each(ctx, buf_text(&sentence));
        buf_clear(&sentence);
    }
    return is_whole;
}

static bool add_text(void *list, const char *sentence)
{
    return json_array_append_new(list, json_text(sentence)) == 0;
}

static bool print_sentence(void *notes, const char *sentence)
{
    output_printf(notes, "warning: %s\n", sentence);
    return true;
}

static json_t *warnings_json(const struct engine_add_result *result)
{
    json_t *list = json_array();
    if (list && each_shortcoming(result, add_text, list))
        return list;
    json_decref(list);
    return NULL;
}

static json_t *summary_json(const struct engine_add_result *result, json_t *failures,
                            bool is_cancelled_early)
{
    json_t *object = format_object_new();
    unsigned degraded = result->vector_error.status ? ENGINE_DEGRADED_EMBEDDER : 0;
    bool is_whole = object && failures && json_put(object, "warnings", warnings_json(result)) &&
                    json_put(object, "degraded", session_degraded_json(degraded));
    for (int i = 0; is_whole && i < ENGINE_FILE_RESULT_COUNT; i++)
        is_whole = json_put(object, engine_file_result_name((enum engine_file_result)i),
                            json_integer((json_int_t)result->n[i]));
    is_whole =
        is_whole && json_put(object, "chunks", json_integer((json_int_t)result->n_chunks)) &&
        json_put(object, "vectors_computed",
                 json_integer((json_int_t)result->n_vectors_computed)) &&
        json_put(object, "vectors_reused", json_integer((json_int_t)result->n_vectors_reused)) &&
        json_put(object, "vectors_deferred",
                 json_integer((json_int_t)result->n_vectors_deferred)) &&
        json_put(object, "vectors_filled", json_integer((json_int_t)result->n_vectors_filled)) &&
        json_put(object, "elapsed_ms", json_integer(result->elapsed_ms)) &&
        json_put(object, "cancelled", json_boolean(is_cancelled_early)) &&
        json_put(object, "failures", json_incref(failures));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void print_summary(struct output *out, const struct engine_add_result *result)
{
    for (int i = 0; i < ENGINE_FILE_RESULT_COUNT; i++)
        output_printf(out, "%s%zu %s", i ? ", " : "", result->n[i],
                      engine_file_result_name((enum engine_file_result)i));
    output_printf(out, " (%zu passages) in %.1f s\n", result->n_chunks,
                  (double)result->elapsed_ms / 1000.0);
    if (result->n_vectors_filled)
        output_printf(out, "%zu vectors made that the library missed\n", result->n_vectors_filled);
    if (result->n_vectors_deferred)
        output_printf(out, "%zu passages are found by words only until the next `ragged add`\n",
                      result->n_vectors_deferred);
}

/* Whoever sees only zeros wants to know why. */
static void explain_nothing(struct output *notes, const struct engine_add_result *result)
{
    size_t n_skipped = result->n[ENGINE_FILE_SKIPPED], n = 0;
    for (int i = 0; i < ENGINE_FILE_RESULT_COUNT; i++)
        n += result->n[i];
    if (n_skipped > 0 && n_skipped == n)
        output_puts(notes,
                    "no file there is known to be a document (--verbose tells why); one that "
                    "is named itself is read whatever it is called\n");
}

static enum status report(struct add *add, const struct engine_add_result *result,
                          enum status status, struct error *err)
{
    struct app *app = add->app;
    if (status && status != STATUS_CANCELLED)
        return status;
    if (app->format == FORMAT_TEXT) {
        if (!app->is_quiet) {
            print_summary(&app->out, result);
            explain_nothing(&app->notes, result);
        }
    } else {
        json_t *object = summary_json(result, add->failures, status == STATUS_CANCELLED);
        enum status written = format_object(&app->out, app->format, object, status ? NULL : err);
        status = status ? status : written;
    }
    if (result->n[ENGINE_FILE_FAILED] > 0 || result->vector_error.status)
        app->exit_code = EXIT_CODE_SOME_FAILED;
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    struct add add = {.app = app, .failures = json_array()};
    struct engine *engine = NULL;
    struct arena arena = {0};
    const char **excludes = NULL, **metas = NULL;
    size_t n_excludes = 0, n_metas = 0;
    progress_init(&add.progress, app);
    enum status status = arguments_all(arguments, "exclude", &arena, &excludes, &n_excludes, err);
    if (!status)
        status = arguments_all(arguments, "meta", &arena, &metas, &n_metas, err);
    if (!status)
        status =
            session_open_for(app, arguments_text(arguments, "collection", "default"), &engine, err);
    if (!status) {
        struct engine_add_result result = {0};
        struct engine_add_options options = {
            .paths = arguments->words,
            .n_paths = arguments->n_words,
            .collection = arguments_text(arguments, "collection", NULL),
            .is_flat = arguments_has(arguments, "no-recursive"),
            .max_depth = (int)arguments_number(arguments, "max-depth", -1),
            .is_fail_fast = arguments_has(arguments, "fail-fast"),
            .is_hidden_included = arguments_has(arguments, "hidden"),
            .is_deferred = arguments_has(arguments, "defer-vectors"),
            .excludes = excludes,
            .n_excludes = n_excludes,
            .metas = metas,
            .n_metas = n_metas,
            .cancel = app->cancel,
            .on_file = on_file,
            .on_progress = on_progress,
            .ctx = &add,
        };
        status = engine_add(engine, &options, &result, err);
        progress_end(&add.progress);
        (void)each_shortcoming(&result, print_sentence, &app->notes);
        status = report(&add, &result, status, err);
    }
    engine_close(engine);
    arena_clear(&arena);
    json_decref(add.failures);
    return status;
}

static const struct option options[] = {
    {.name = "collection",
     .letters = "c",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "put the documents into this collection instead of \"default\""},
    {.name = "meta",
     .arg = "NAME=VALUE",
     .rule = {.type = VALUE_TEXT},
     .help = "say this of the documents, to be asked for with --where; may be repeated"},
    {.name = "recursive", .letters = "r", .help = "folders within folders too (the usual way)"},
    {.name = "no-recursive", .help = "only the files of the folder itself"},
    {.name = "max-depth",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 1000},
     .help = "how many folders deep; 0: only the folder's own files"},
    {.name = "exclude",
     .letters = "x",
     .arg = "GLOB",
     .rule = {.type = VALUE_TEXT},
     .help = "leave out what matches, by name or path below the folder; may be repeated"},
    {.name = "hidden", .help = "hidden files and folders too"},
    {.name = "defer-vectors",
     .help = "only the words; the next add without this makes the vectors"},
    {.name = "fail-fast", .help = "stop at the first file that fails"},
    {.name = "threads", .letters = "j", .arg = "N", .config_key = "threads", .help = "threads"},
    {.name = "language",
     .arg = "NAME",
     .config_key = "language",
     .help = "language of a new library"},
    {.name = "chunk-tokens",
     .aliases = "chunk-size",
     .arg = "N",
     .config_key = "chunk_tokens",
     .help = "tokens in a passage; 0: as many as the model reads"},
    {.name = "chunk-overlap",
     .arg = "N",
     .config_key = "chunk_overlap",
     .help = "tokens that neighbouring passages share"},
    {.name = "max-file-size-mb",
     .arg = "N",
     .config_key = "max_file_size_mb",
     .help = "refuse larger files, but text files"},
    {.name = "progress",
     .arg = "MODE",
     .rule = {.type = VALUE_CHOICE, .choices = progress_modes},
     .help = "a bar on a terminal, JSON lines, or nothing"},
    OPTION_END,
};

const struct command cmd_add = {
    .name = "add",
    .aliases = "index ingest update",
    .summary = "Add files and folders to the library, or bring them up to date",
    .usage = "[OPTIONS] PATH...",
    .details =
        "In a folder PDF, HTML, Markdown, plain text, tables and source code are read, as their\n"
        "extensions say, and README and its kind, but nothing that was packed for programs.\n"
        "--verbose tells why a file is left out; one that is named itself is read whatever it is\n"
        "called.\n"
        "\n"
        "Only what changed is read again. First everything is made searchable by words,\n"
        "then all the vectors that the library misses are made, whichever PATH is given.\n"
        "Stopped at any moment, the next add goes on from there. What fails is listed with\n"
        "its reason, and the exit code is then 3; everything else is in the library all the\n"
        "same. An embedding server that does not answer costs the vectors only.",
    .examples = "  ragged add ~/papers\n"
                "  ragged add -c work --exclude '*.log' ~/work notes.md\n"
                "  ragged add --meta project=apollo --meta tag=draft --meta tag=urgent report.pdf\n"
                "  ragged add --defer-vectors ~/archive && ragged add ~/archive",
    .words = "a file or folder",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
