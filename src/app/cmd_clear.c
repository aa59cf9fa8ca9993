#include <unistd.h>

#include "app/session.h"
#include "library/library.h"

/* Anything but a yes is a no, and so is the end of the input. */
static bool is_confirmed(struct app *app, size_t n_documents)
{
    char reply[16] = "";
    output_printf(&app->notes, "Remove all %zu documents from the library? [y/N] ", n_documents);
    output_flush(&app->notes);
    ssize_t len = read(0, reply, sizeof reply - 1);
    return len > 0 && (reply[0] == 'y' || reply[0] == 'Y');
}

static enum status check_wanted(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    bool is_dry_run = arguments_has(&app->arguments, "dry-run");
    if (arguments_has(&app->arguments, "yes") || is_dry_run)
        return STATUS_OK;
    enum status status = engine_status(engine, &library, err);
    if (status)
        return status;
    if (isatty(0) != 1) {
        error_set(err, STATUS_INVALID, "\"ragged clear\" removes every document and asks first");
        error_hint(err, "use --yes when there is nobody to ask");
        return STATUS_INVALID;
    }
    if (is_confirmed(app, library.n_documents))
        return STATUS_OK;
    return error_set(err, STATUS_CANCELLED, "nothing was removed");
}

static enum status report(struct app *app, size_t n, bool is_dry_run, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "%s %zu document%s\n", is_dry_run ? "would remove" : "removed", n,
                      n == 1 ? "" : "s");
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "removed", json_integer((json_int_t)n)) &&
                    json_put(object, "dry_run", json_boolean(is_dry_run));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status clear(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    bool is_dry_run = arguments_has(&app->arguments, "dry-run");
    size_t n = 0;
    enum status status = check_wanted(app, engine, err);
    if (!status && is_dry_run) {
        status = engine_status(engine, &library, err);
        n = library.n_documents;
    } else if (!status) {
        status = engine_clear(engine, &n, err);
    }
    if (!status)
        status = report(app, n, is_dry_run, err);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, clear, err);
}

static const struct option options[] = {
    {.name = "yes", .aliases = "force", .letters = "yf", .help = "do not ask"},
    {.name = "dry-run", .letters = "n", .help = "only say what would be removed"},
    OPTION_END,
};

const struct command cmd_clear = {
    .name = "clear",
    .summary = "Remove every document from the library; the files stay",
    .usage = "[--yes]",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .run = run,
};
