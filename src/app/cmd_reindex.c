#include "app/session.h"
#include "library/library.h"

static enum status print(struct app *app, size_t n, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "%zu entries made anew\n", n);
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    if (object && !json_put(object, "entries", json_integer((json_int_t)n))) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status reindex(struct app *app, struct engine *engine, struct error *err)
{
    size_t n = 0;
    enum engine_reindex what =
        arguments_has(&app->arguments, "damaged") ? ENGINE_REINDEX_DAMAGED : ENGINE_REINDEX_ALL;
    enum status status = engine_reindex(engine, what, app->cancel, &n, err);
    return status ? status : print(app, n, err);
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, reindex, err);
}

static const struct option options[] = {
    {.name = "damaged", .help = "only what can't be read any more"},
    {.name = "language",
     .arg = "NAME",
     .config_key = "language",
     .help = "cut words by the rules of this language from now on"},
    OPTION_END,
};

const struct command cmd_reindex = {
    .name = "reindex",
    .aliases = "rebuild",
    .summary = "Make the index anew from the stored texts and vectors",
    .usage = "[--damaged] [--language NAME]",
    .details =
        "An entry is a passage in one of the two indexes, of words and of meaning. No document\n"
        "is read and no vector is computed again. Others read and write on.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .is_shown = true,
    .options = options,
    .run = run,
};
