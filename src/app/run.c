#include <errno.h>
#include <string.h>

#include "app/command.h"
#include "app/help.h"
#include "app/logging.h"
#include "app/signals.h"
#include "app/tracing.h"
#include "base/clock.h"
#include "base/metric.h"
#include "base/trace.h"

static void print_error(struct app *app, const struct error *err)
{
    struct output *notes = &app->notes;
    output_style(notes, OUTPUT_STYLE_ERROR);
    output_puts(notes, "ragged: ");
    output_style(notes, OUTPUT_STYLE_PLAIN);
    output_puts(notes, err->message);
    output_puts(notes, "\n");
    if (err->hint[0])
        output_printf(notes, "  %s\n", err->hint);
    if (app->is_verbose)
        output_printf(notes, "  (%s, %s: %s)\n", error_class_name(status_class(err->status)),
                      status_name(err->status), status_text(err->status));
}

/* Text, or lines where a command answers with a stream. */
static enum format usual_format(const struct command *command)
{
    bool has_text = !command || (command->formats & FORMAT_BIT(FORMAT_TEXT));
    return has_text ? FORMAT_TEXT : FORMAT_JSONL;
}

/* The last of --json and --format wins; a format the command has not is refused. */
static enum status choose_format(struct app *app, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    app->format = usual_format(arguments->command);
    for (size_t i = 0; i < arguments->n_given; i++) {
        const struct argument *given = &arguments->given[i];
        if (strcmp(given->option->name, "json") == 0)
            app->format = FORMAT_JSON;
        for (size_t j = 0; given->option->rule.choices == format_names && format_names[j]; j++)
            if (strcmp(format_names[j], given->value.text) == 0)
                app->format = (enum format)j;
    }
    const struct command *command = arguments->command;
    if (!command || (command->formats & FORMAT_BIT(app->format)))
        return STATUS_OK;
    struct suggestion suggestion = {.wrong = format_names[app->format]};
    for (size_t i = 0; format_names[i]; i++)
        if (command->formats & (1u << i))
            suggestion_offer(&suggestion, format_names[i]);
    error_set(err, STATUS_INVALID, "\"ragged %s\" has no format \"%s\"", command->name,
              format_names[app->format]);
    suggestion_finish(&suggestion, "formats", err);
    return STATUS_INVALID;
}

void app_prepare(struct app *app)
{
    const struct arguments *arguments = &app->arguments;
    bool is_color_wanted = !arguments_has(arguments, "no-color");
    output_init(&app->out, stdout, is_color_wanted);
    output_init(&app->notes, stderr, is_color_wanted);
    app->is_quiet = arguments_has(arguments, "quiet");
    app->is_verbose = arguments_has(arguments, "verbose") && !app->is_quiet;
}

static enum status configure(struct app *app, struct error *err)
{
    TRACE(TRACE_STAGE_CONFIG);
    enum status status = config_load(&app->arguments, &app->config, err);
    if (!status)
        logging_open(app);
    return status;
}

enum status app_run_command(struct app *app, struct error *err)
{
    TRACE(TRACE_STAGE_COMMAND);
    const struct command *command = app->arguments.command;
    if (arguments_has(&app->arguments, "version")) {
        output_puts(&app->out, "ragged " RAGGED_VERSION "\n");
        return STATUS_OK;
    }
    if (!command) {
        help_overview(&app->out);
        return STATUS_OK;
    }
    if (arguments_has(&app->arguments, "help")) {
        help_command(&app->out, command);
        return STATUS_OK;
    }
    enum status status = choose_format(app, err);
    if (!status && command->uses_config)
        status = configure(app, err);
    return status ? status : command->run(app, err);
}

/* What could not be written is the worst that can be said of a run. */
static enum exit_code finish_output(struct app *app, enum exit_code code)
{
    TRACE(TRACE_STAGE_OUTPUT);
    struct error err = {0};
    if (!output_finish(&app->out, "the results", &err))
        return code;
    print_error(app, &err);
    return EXIT_CODE_ERROR;
}

/* The output is there already, and a code that says why a run failed stays. */
static enum exit_code finish_trace(struct app *app, int64_t took_us, enum exit_code code)
{
    struct error err = {0};
    if (!tracing_close(app, took_us, &err))
        return code;
    print_error(app, &err);
    return code ? code : EXIT_CODE_ERROR;
}

int app_run(int argc, char *const *argv, app_watch *watch)
{
    int64_t start_us = clock_monotonic_us();
    struct app app = {.argv = argv, .watch = watch, .cancel = signals_install()};
    struct error err = {0};
    tracing_identify(&app);
    enum status status = arguments_parse(argc, argv, &app.arguments, &err);
    app_prepare(&app);
    if (!status)
        status = tracing_open(&app, &err);
    if (!status)
        status = app_run_command(&app, &err);
    enum exit_code code = status ? exit_code_of(status, signals_received()) : app.exit_code;
    if (status)
        metric_add(metric_of_class(status_class(status)), 1);
    if (status && app.out.failed != EPIPE)
        print_error(&app, &err);
    code = finish_output(&app, code);
    code = finish_trace(&app, clock_monotonic_us() - start_us, code);
    logging_close(&app, code, clock_monotonic_us() - start_us);
    /* Nobody is left to be told when stderr does not work; without memory a sentence still fits. */
    output_flush(&app.notes);
    if (app.notes.failed == ENOMEM)
        fputs("ragged: out of memory\n", stderr);
    config_clear(&app.config);
    arguments_clear(&app.arguments);
    return (int)code;
}
