#include "app/session.h"
#include "library/library.h"

static enum status print(struct app *app, const struct engine_status *before,
                         const struct engine_status *after, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "segments     %zu, before %zu\n", after->n_segments,
                      before->n_segments);
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole =
        object &&
        json_put(object, "segments_before", json_integer((json_int_t)before->n_segments)) &&
        json_put(object, "segments", json_integer((json_int_t)after->n_segments)) &&
        json_put(object, "index_bytes_before", json_integer((json_int_t)before->index_bytes)) &&
        json_put(object, "index_bytes", json_integer((json_int_t)after->index_bytes));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status compact(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status before = {0}, after = {0};
    enum status status = engine_status(engine, &before, err);
    if (!status)
        status = engine_compact(engine, err);
    if (!status)
        status = engine_status(engine, &after, err);
    return status ? status : print(app, &before, &after, err);
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, compact, err);
}

const struct command cmd_compact = {
    .name = "compact",
    .aliases = "optimize",
    .summary = "Bring the index into its shortest form and give space back",
    .usage = "",
    .details = "Never needed: `ragged add` keeps the index in shape. Others read and write on.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .is_shown = true,
    .run = run,
};
