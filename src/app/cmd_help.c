#include "app/help.h"

static const char details[] =
    "With --json: every command, option, format, configuration key and exit code.";

static enum status run(struct app *app, struct error *err)
{
    if (app->format == FORMAT_JSON)
        return format_object(&app->out, FORMAT_JSON, help_json(), err);
    if (app->arguments.n_words == 0) {
        help_overview(&app->out);
        return STATUS_OK;
    }
    const struct command *command = command_find(app->arguments.words[0]);
    if (!command)
        return command_unknown(app->arguments.words[0], err);
    help_command(&app->out, command);
    return STATUS_OK;
}

const struct command cmd_help = {
    .name = "help",
    .summary = "Explain a command",
    .usage = "[COMMAND]",
    .details = details,
    .n_words_max = 1,
    .formats = FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSON),
    .run = run,
};
