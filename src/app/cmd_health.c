#include <string.h>

#include "app/logging.h"
#include "app/session.h"
#include "base/mem.h"
#include "health/health.h"

struct report {
    struct app *app;
    json_t *list; /* NULL: out of memory on the way */
};

static json_t *check_json(const struct engine_health_check *check)
{
    json_t *object = json_object();
    bool is_whole = object && json_put(object, "name", json_text(check->name)) &&
                    json_put(object, "status", json_text(engine_health_name(check->health))) &&
                    json_put(object, "message", json_text(check->evidence)) &&
                    json_put(object, "remedy", json_text(*check->remedy ? check->remedy : NULL)) &&
                    json_put(object, "fixed", json_boolean(check->is_fixed)) &&
                    json_put(object, "duration_ms", json_score((double)check->took_us / 1000.0));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static void print_check(struct output *out, const struct engine_health_check *check)
{
    bool is_well = check->health == ENGINE_HEALTHY;
    output_style(out, is_well ? OUTPUT_STYLE_PLAIN : OUTPUT_STYLE_ERROR);
    output_printf(out, "%-10s", check->is_fixed ? "repaired" : engine_health_name(check->health));
    output_style(out, OUTPUT_STYLE_PLAIN);
    output_printf(out, " %-13s %s\n", check->name, check->evidence);
    if (!is_well && *check->remedy)
        output_printf(out, "%-24s -> %s\n", "", check->remedy);
}

static void take(void *ctx, const struct engine_health_check *check)
{
    struct report *report = ctx;
    if (report->app->format == FORMAT_TEXT)
        print_check(&report->app->out, check);
    if (report->list && json_array_append_new(report->list, check_json(check)) != 0) {
        json_decref(report->list);
        report->list = NULL;
    }
}

static enum status print(struct app *app, enum engine_health worst, json_t *list, struct error *err)
{
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "\n%s\n", engine_health_name(worst));
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    bool is_whole = object && list &&
                    json_put(object, "overall_status", json_text(engine_health_name(worst))) &&
                    json_put(object, "checks", json_incref(list));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

/* What is shown otherwise than it is has something in it that is nobody's business. */
static void count_settings(const struct config *config, struct engine_health_options *io_options)
{
    for (const struct config_key *key = config_keys; key->name; key++) {
        const struct config_value *value = config_get(config, key->name);
        if (value->source != CONFIG_SOURCE_FILE)
            continue;
        io_options->n_settings++;
        io_options->has_secret |= strcmp(value->value.text, config_shown(config, key)) != 0;
    }
}

static enum status look(struct app *app, struct engine *engine, struct error *err)
{
    /* `health` has no such option. */
    bool is_fix = arguments_has(&app->arguments, "fix");
    struct report report = {.app = app, .list = json_array()};
    enum engine_health worst = ENGINE_HEALTHY;
    char *log_path = NULL, *config_path = NULL;
    (void)!config_file_path(&config_path, NULL);
    if (logging_has_past(&app->config))
        (void)!logging_path(&app->config, &log_path, NULL);
    struct engine_health_options options = {
        .is_deep = is_fix || arguments_has(&app->arguments, "deep"),
        .is_fix = is_fix,
        .log_path = log_path,
        .config_path = config_path,
        .cancel = app->cancel,
        .each = take,
        .ctx = &report,
    };
    count_settings(&app->config, &options);
    enum status status = engine_check_health(engine, &options, &worst, err);
    if (!status)
        status = print(app, worst, report.list, err);
    if (worst == ENGINE_UNHEALTHY)
        app->exit_code = EXIT_CODE_PROBLEMS;
    json_decref(report.list);
    mem_free(log_path);
    mem_free(config_path);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, look, err);
}

#define DEEP_OPTION                                                                       \
    {                                                                                     \
        .name = "deep", .help = "read everything: hashes, the whole index, known answers" \
    }

static const struct option health_options[] = {
    DEEP_OPTION,
    OPTION_END,
};

static const struct option doctor_options[] = {
    DEEP_OPTION,
    {.name = "fix", .letters = "f", .help = "repair what is safe to repair"},
    OPTION_END,
};

const struct command cmd_health = {
    .name = "health",
    .summary = "Say how the library and what it works with are doing",
    .usage = "[--deep]",
    .details =
        "Ends with 5 when something is unhealthy; what is only degraded works, with 0. What the\n"
        "log knows of the last 30 days is compared with now: a disk that fills up, searches that\n"
        "become slower, failures that become more, an index that falls behind.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = health_options,
    .run = run,
};

const struct command cmd_doctor = {
    .name = "doctor",
    .aliases = "validate",
    .summary = "Find what is wrong, say what to do, and with --fix do it",
    .usage = "[--deep] [--fix]",
    .details =
        "Repairs need no document: damaged parts of the index are made anew from what is\n"
        "stored, rights are set back. Anything else is told with its remedy and left to you.",
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = doctor_options,
    .run = run,
};
