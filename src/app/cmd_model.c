#include <string.h>

#include "app/records.h"
#include "app/session.h"
#include "engine/engine.h"

static const struct engine_model *model_of(const void *record)
{
    return record;
}

static const char *folder_of(const void *record)
{
    return model_of(record)->folder;
}

static json_t *get_name(const void *record)
{
    return json_text(model_of(record)->name);
}

static json_t *get_present(const void *record)
{
    return json_boolean(model_of(record)->is_present);
}

static json_t *get_size(const void *record)
{
    uint64_t n = model_of(record)->size_bytes;
    return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *get_kind(const void *record)
{
    return json_text(model_of(record)->is_reranker ? "reranker" : "embedding");
}

static json_t *get_dim(const void *record)
{
    size_t dim = model_of(record)->dim;
    return dim ? json_integer((json_int_t)dim) : json_null();
}

static json_t *get_tokens(const void *record)
{
    return json_integer((json_int_t)model_of(record)->n_tokens_max);
}

static json_t *get_pinned(const void *record)
{
    return json_boolean(model_of(record)->is_pinned);
}

static json_t *get_licence(const void *record)
{
    return json_text(model_of(record)->licence);
}

static json_t *get_hub(const void *record)
{
    return json_text(model_of(record)->hub);
}

static json_t *get_folder(const void *record)
{
    return json_text(model_of(record)->folder);
}

static const struct column columns[] = {
    {.name = "name", .get = get_name},
    {.name = "kind", .get = get_kind},
    {.name = "present", .get = get_present},
    {.name = "dimension", .get = get_dim},
    {.name = "tokens", .get = get_tokens},
    {.name = "size", .get = get_size},
    {.name = "licence", .get = get_licence},
    {.name = "pinned", .get = get_pinned},
    {.name = "hub", .get = get_hub, .is_detail = true},
    {.name = "folder", .get = get_folder, .is_detail = true},
    {.name = NULL},
};

static void add_model(void *ctx, const struct engine_model *model)
{
    records_add(ctx, model);
}

static enum status run_list(struct app *app, struct error *err)
{
    struct records records = {
        .out = &app->out, .format = app->format, .columns = columns, .path = folder_of};
    enum status status = engine_model_list(add_model, &records, err);
    if (!status)
        status = records_write(&records, format_object_new(), "models", err);
    records_clear(&records);
    return status;
}

static void say(void *ctx, const char *line)
{
    struct app *app = ctx;
    if (app->is_quiet)
        return;
    output_printf(&app->notes, "%s\n", line);
    output_flush(&app->notes);
}

struct first_model {
    struct arena *arena;
    const char *name; /* owned by arena */
};

static void note_first(void *ctx, const struct engine_model *model)
{
    struct first_model *first = ctx;
    if (!first->name)
        first->name = arena_text(first->arena, model->name, strlen(model->name));
}

/* The named model, else the configured one, else the first that ragged knows. */
static enum status choose_model(struct app *app, const char **out, struct error *err)
{
    const char *name = config_text(&app->config, "embedding_model");
    struct first_model first = {.arena = &app->config.arena};
    if (app->arguments.n_words > 1)
        name = app->arguments.words[1];
    if (!*name) {
        enum status status = engine_model_list(note_first, &first, err);
        if (status)
            return status;
        name = first.name;
    }
    if (!name)
        return error_nomem(err);
    *out = name;
    return STATUS_OK;
}

static enum status report(struct app *app, const char *name, const char *state, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "%s: %s\n", name, state);
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "model", json_text(name)) &&
                    json_put(object, "state", json_text(state));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status run_pull(struct app *app, struct error *err)
{
    if (config_is_on(&app->config, "offline")) {
        error_set(err, STATUS_INVALID, "offline: no model is fetched");
        error_hint(err, "leave out --offline, or \"ragged config set offline false\"");
        return STATUS_INVALID;
    }
    const char *name = NULL;
    enum engine_trust trust =
        arguments_has(&app->arguments, "trust-hub") ? ENGINE_TRUST_HUB : ENGINE_TRUST_PINNED;
    enum status status = choose_model(app, &name, err);
    if (!status)
        status = engine_model_pull(name, trust, say, app, app->cancel, err);
    return status ? status : report(app, name, "present", err);
}

static enum status run_verify(struct app *app, struct error *err)
{
    const char *name = NULL;
    enum status status = choose_model(app, &name, err);
    if (!status)
        status = engine_model_verify(name, err);
    return status ? status : report(app, name, "sound", err);
}

static const struct command_verb verbs[] = {
    {"list", "", "the models ragged knows, and which are here", 0, 0, run_list},
    {"pull", "[NAME]", "fetch a model and check its hashes", 0, 1, run_pull},
    {"verify", "[NAME]", "check the hashes of a model that is here", 0, 1, run_verify},
    {.name = NULL},
};

static const struct option options[] = {
    {.name = "trust-hub",
     .help = "pull: take a file whose hash is not known as the hub sends it, and record its hash"},
    OPTION_END,
};

const struct command cmd_model = {
    .name = "model",
    .aliases = "models",
    .summary = "List, fetch and verify embedding models",
    .usage = "list | pull [--trust-hub] [NAME] | verify [NAME]",
    .examples = "  ragged model pull\n"
                "  ragged model list --json",
    .words = "list, pull or verify",
    .n_words_min = 1,
    .n_words_max = 2,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .verbs = verbs,
    .run = command_run_verb,
};
