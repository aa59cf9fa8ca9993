#include <sys/utsname.h>

#include "app/command.h"

static enum status run(struct app *app, struct error *err)
{
    struct utsname system = {0};
    if (uname(&system) != 0)
        return error_set(err, STATUS_IO, "could not ask the system for its name");
    if (app->format == FORMAT_TEXT) {
        output_puts(&app->out, "ragged " RAGGED_VERSION "\n");
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "version", json_text(RAGGED_VERSION)) &&
                    json_put(object, "system", json_text(system.sysname)) &&
                    json_put(object, "machine", json_text(system.machine));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

const struct command cmd_version = {
    .name = "version",
    .summary = "Print the version",
    .usage = "",
    .formats = FORMATS_OBJECT,
    .run = run,
};
