#include "app/session.h"
#include "library/library.h"

struct problems {
    struct app *app;
    json_t *list; /* NULL: out of memory on the way */
};

static void add_problem(void *ctx, const char *line)
{
    struct problems *problems = ctx;
    if (problems->app->format == FORMAT_TEXT)
        output_printf(&problems->app->out, "%s\n", line);
    if (problems->list && json_array_append_new(problems->list, json_text(line)) != 0) {
        json_decref(problems->list);
        problems->list = NULL;
    }
}

static enum status print(struct app *app, const struct engine_status *library, size_t n,
                         json_t *list, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        if (n == 0)
            output_printf(&app->out, "sound: %zu documents, %zu passages", library->n_documents,
                          library->n_chunks);
        if (n == 0 && library->n_missing_vectors)
            output_printf(&app->out, ", %zu without a vector yet", library->n_missing_vectors);
        if (n == 0)
            output_puts(&app->out, "\n");
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole =
        object && list && json_put(object, "sound", json_boolean(n == 0)) &&
        json_put(object, "documents", json_integer((json_int_t)library->n_documents)) &&
        json_put(object, "chunks", json_integer((json_int_t)library->n_chunks)) &&
        json_put(object, "missing_vectors", json_integer((json_int_t)library->n_missing_vectors)) &&
        json_put(object, "problems", json_incref(list));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status check(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_status library = {0};
    struct problems problems = {.app = app, .list = json_array()};
    size_t n = 0;
    enum status status = engine_status(engine, &library, err);
    if (!status && library.has_library)
        status = engine_check(engine, ENGINE_CHECK_ALL, add_problem, &problems, &n, err);
    if (!status)
        status = print(app, &library, n, problems.list, err);
    if (n)
        app->exit_code = EXIT_CODE_PROBLEMS;
    json_decref(problems.list);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, check, err);
}

const struct command cmd_check = {
    .name = "check",
    .aliases = "fsck",
    .summary = "Verify everything in the library",
    .usage = "",
    .details = "Ends with 5 when there are problems.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .is_shown = true,
    .run = run,
};
