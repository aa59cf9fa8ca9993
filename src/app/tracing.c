#include "app/tracing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/timings.h"
#include "app/trace_file.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace_data.h"
#include "page/flame.h"

#define NOTE                                                                                 \
    "computing time by stage, all threads together; parsers and other helpers are programs " \
    "of their own and not in it"
#define NOTE_WALL                                                                           \
    "elapsed time by stage, all threads together: what works at once is side by side, and " \
    "waiting counts"

void tracing_identify(struct app *app)
{
    enum status status = trace_context_begin(getenv("TRACEPARENT"), &app->context);
    app->is_traceparent_invalid = status != STATUS_OK;
    trace_context_write(&app->context, app->traceparent);
}

/* What is replaced when all is done should be a file: said before anything is. */
static enum status check_place(const char *path, struct error *err)
{
    struct file_info info;
    if (!path || file_stat(path, FILE_FOLLOW, &info, NULL) || info.is_regular)
        return STATUS_OK;
    return error_set(err, STATUS_INVALID, "\"%s\" is not a file that could be replaced", path);
}

enum status tracing_open(struct app *app, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    const char *path = arguments_text(arguments, "trace", NULL);
    bool has_events = path != NULL;
    enum status status = check_place(path, err);
    if (!status)
        status = check_place(app->flame.path, err);
    if (status || trace_is_on() ||
        (!has_events && !arguments_has(arguments, "timings") && !app->flame.path))
        return status;
    status = trace_open(has_events ? TRACE_EVENTS : TRACE_SUMS, err);
    app->is_tracing = !status;
    return status;
}

static const char *command_of(const struct app *app)
{
    return app->arguments.command ? app->arguments.command->name : "";
}

static enum status write_flame(const struct app *app, const struct trace_tree *tree,
                               struct error *err)
{
    char title[64];
    struct buf svg = {0};
    bool is_wall = app->flame.clock == FLAME_WALL;
    snprintf(title, sizeof title, "ragged %s", command_of(app));
    flame_draw(tree, app->flame.clock, title, is_wall ? NOTE_WALL : NOTE, &svg);
    enum status status = buf_status(&svg, err);
    if (!status)
        status = file_replace(app->flame.path, svg.data, svg.len, 0600, err);
    buf_clear(&svg);
    return status ? error_context(err, status, "the flame graph") : STATUS_OK;
}

static enum status show(struct app *app, int64_t took_us, struct error *err)
{
    const struct argument *timings = arguments_find(&app->arguments, "timings");
    const char *path = arguments_text(&app->arguments, "trace", NULL);
    struct trace_tree *tree = mem_zalloc(1, sizeof *tree);
    if (!tree)
        return error_nomem(err);
    enum status status = STATUS_OK;
    trace_tree_read(tree);
    if (timings)
        status = timings_print(app, tree,
                               strcmp(timings->value.text, timings_form_names[TIMINGS_JSON]) == 0
                                   ? TIMINGS_JSON
                                   : TIMINGS_TABLE,
                               took_us, err);
    if (!status && path)
        status = trace_file_write(path, &app->context, command_of(app), err);
    if (!status && app->flame.path)
        status = write_flame(app, tree, err);
    mem_free(tree);
    return status;
}

enum status tracing_close(struct app *app, int64_t took_us, struct error *err)
{
    if (!app->is_tracing)
        return STATUS_OK;
    enum status status = show(app, took_us, err);
    trace_close();
    return status;
}
