#include "app/session.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/operation.h"
#include "library/library.h"

const char *session_traceparent(const struct app *app)
{
    return app->context.is_inherited ? app->traceparent : NULL;
}

enum status session_open_for(struct app *app, const char *collection, struct engine **out,
                             struct error *err)
{
    struct engine_options options;
    enum status status = config_engine_options(&app->config, &options, err);
    if (status)
        return status;
    options.cancel = app->cancel;
    options.traceparent = session_traceparent(app);
    options.command = app->arguments.command->name;
    options.features = config_features(&app->config, collection);
    return engine_open(&options, out, err);
}

enum status session_open(struct app *app, struct engine **out, struct error *err)
{
    return session_open_for(app, arguments_text(&app->arguments, "collection", NULL), out, err);
}

/* A slot of the board that the engine shares by now, for the monitor of another process. */
static int show(const struct app *app)
{
    const struct command *command = app->arguments.command;
    return command->is_shown ? operation_begin(command->name) : -1;
}

enum status session_run(struct app *app,
                        enum status (*work)(struct app *app, struct engine *engine,
                                            struct error *err),
                        struct error *err)
{
    struct engine *engine = NULL;
    enum status status = session_open(app, &engine, err);
    if (!status) {
        int slot = show(app);
        status = work(app, engine, err);
        operation_end(slot);
    }
    engine_close(engine);
    return status;
}

/* The name that the library has for a file, also when the file is gone. */
static enum status make_absolute(const char **io_path, struct arena *arena, struct error *err)
{
    char *path = path_absolute(*io_path);
    const char *copy = path ? arena_text(arena, path, strlen(path)) : NULL;
    mem_free(path);
    if (!copy)
        return error_nomem(err);
    *io_path = copy;
    return STATUS_OK;
}

enum status session_filter(const struct app *app, struct arena *arena, struct engine_filter *out,
                           struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    struct engine_filter filter = {
        .since = arguments_text(arguments, "since", NULL),
        .until = arguments_text(arguments, "until", NULL),
    };
    const char **wheres = NULL, **kinds = NULL, **documents = NULL;
    enum status status = arguments_all(arguments, "where", arena, &wheres, &filter.n_wheres, err);
    if (!status)
        status = arguments_all(arguments, "kind", arena, &kinds, &filter.n_kinds, err);
    if (!status)
        status = arguments_all(arguments, "document", arena, &documents, &filter.n_documents, err);
    for (size_t i = 0; i < filter.n_documents && !status; i++)
        status = make_absolute(&documents[i], arena, err);
    if (status)
        return status;
    filter.wheres = wheres;
    filter.kinds = kinds;
    filter.documents = documents;
    *out = filter;
    return STATUS_OK;
}

/* Who asks for it here and now is told when it can't be done. */
static enum engine_rerank rerank_of(const struct app *app)
{
    const struct config_value *rerank = config_get(&app->config, "rerank");
    if (arguments_has(&app->arguments, "no-rerank") || rerank->value.number <= 0)
        return ENGINE_RERANK_OFF;
    return rerank->source == CONFIG_SOURCE_FLAG ? ENGINE_RERANK_REQUIRED : ENGINE_RERANK_ON;
}

void session_rank_options(const struct app *app, struct engine_search_options *options)
{
    const struct arguments *arguments = &app->arguments;
    options->fusion = strcmp(config_text(&app->config, "fusion"), "rrf") == 0
                          ? ENGINE_FUSION_RRF
                          : ENGINE_FUSION_CONVEX;
    options->rerank = rerank_of(app);
    options->n_rerank =
        (size_t)arguments_number(arguments, "candidates", (double)options->n_rerank);
    options->deadline_ms =
        (int64_t)arguments_number(arguments, "deadline-ms", (double)options->deadline_ms);
}

enum status session_search_options(const struct app *app, struct arena *arena,
                                   struct engine_search_options *out, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    struct engine_search_options options = engine_search_options_default();
    const char *method = config_text(&app->config, "retrieval_method");
    options.mode = strcmp(method, "lexical") == 0  ? ENGINE_MODE_LEXICAL
                   : strcmp(method, "vector") == 0 ? ENGINE_MODE_VECTOR
                                                   : ENGINE_MODE_HYBRID;
    options.min_score = config_number(&app->config, "min_score");
    options.collection = arguments_text(arguments, "collection", NULL);
    options.path_glob = arguments_text(arguments, "path", NULL);
    options.n_per_document =
        (size_t)arguments_number(arguments, "per-document", (double)options.n_per_document);
    options.n_context = (size_t)arguments_number(arguments, "context", (double)options.n_context);
    options.is_uncached = arguments_has(arguments, "no-cache");
    options.cancel = app->cancel;
    session_rank_options(app, &options);
    enum status status = session_filter(app, arena, &options.filter, err);
    if (!status)
        *out = options;
    return status;
}

static enum status read_stdin(struct buf *out, struct error *err)
{
    enum status status = file_read_fd(0, "standard input", RAGGED_LIMIT_QUERY, out, err);
    if (!status && out->len != strlen(buf_text(out)))
        status = error_set(err, STATUS_INVALID, "the question holds a zero byte");
    return status;
}

static enum status read_question(struct app *app, struct buf *out, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    enum status status = STATUS_OK;
    if (arguments->n_words == 1 && strcmp(arguments->words[0], "-") == 0)
        status = read_stdin(out, err);
    else
        for (size_t i = 0; i < arguments->n_words; i++)
            buf_printf(out, "%s%s", i ? " " : "", arguments->words[i]);
    if (!status)
        status = buf_status(out, err);
    if (status)
        return status;
    while (out->len && strchr(" \t\r\n", out->data[out->len - 1]))
        buf_truncate(out, out->len - 1);
    if (strspn(buf_text(out), " \t\r\n") == out->len) {
        error_set(err, STATUS_INVALID, "the question is empty");
        error_hint(err, "usage: ragged %s %s", arguments->command->name, arguments->command->usage);
        return STATUS_INVALID;
    }
    if (out->len > RAGGED_LIMIT_QUERY)
        return error_set(err, STATUS_LIMIT, "the question is longer than %zu bytes",
                         RAGGED_LIMIT_QUERY);
    return STATUS_OK;
}

enum status session_run_question(struct app *app,
                                 enum status (*work)(struct app *app, struct engine *engine,
                                                     const char *question, struct error *err),
                                 struct error *err)
{
    struct engine *engine = NULL;
    struct buf question = {0};
    enum status status = read_question(app, &question, err);
    if (!status)
        status = session_open(app, &engine, err);
    int slot = status ? -1 : show(app);
    if (!status)
        status = work(app, engine, buf_text(&question), err);
    operation_end(slot);
    /* Whoever reads it need not wait for what is kept of it. */
    output_flush(&app->out);
    engine_close(engine);
    buf_clear(&question);
    return status;
}

void session_warn(struct app *app, const char *text)
{
    if (app->is_quiet || !text || !*text)
        return;
    output_printf(&app->notes, "warning: %s\n", text);
}

static enum status note_settings(struct app *app, const struct engine_audit_settings *settings,
                                 struct error *err)
{
    struct engine *engine = NULL;
    enum status status = session_open(app, &engine, err);
    if (!status)
        status = engine_audit_settings(engine, settings, err);
    engine_close(engine);
    return status;
}

void session_note_settings(struct app *app, const char *keys, const char *collection,
                           const struct config_change *change, const struct error *unloaded)
{
    const struct engine_audit_settings settings = {
        .keys = keys,
        .collection = collection ? collection : "",
        .file_before = change->before,
        .file_after = change->after,
    };
    struct error why = *unloaded;
    if (strcmp(change->before, change->after) == 0)
        return;
    enum status status = why.status ? why.status : note_settings(app, &settings, &why);
    if (status && status != STATUS_NOT_FOUND)
        output_printf(&app->notes, "warning: the change is not in the audit trail: %s\n",
                      why.message);
}

void session_tell_empty(struct app *app, struct engine *engine)
{
    struct engine_status library = {0};
    if (app->is_quiet || engine_status(engine, &library, NULL) || library.n_documents > 0)
        return;
    output_puts(&app->notes, "the library is empty: \"ragged add PATH\" fills it\n");
}

json_t *session_warnings_json(const char *text)
{
    json_t *list = json_array();
    if (list && text && *text && json_array_append_new(list, json_text(text)) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

json_t *session_degraded_json(unsigned bits)
{
    json_t *list = json_array();
    for (int i = 0; list && i < ENGINE_DEGRADED_COUNT; i++) {
        enum engine_degraded bit = (enum engine_degraded)(1 << i);
        if ((bits & (unsigned)bit) &&
            json_array_append_new(list, json_text(engine_degraded_name(bit))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
