#include <stdint.h>

#include "app/help.h"
#include "app/records.h"
#include "app/session.h"
#include "base/mem.h"

struct setting {
    const struct config *config;
    const struct config_key *key;
};

static const struct config_value *value_of(const struct setting *setting)
{
    return &setting->config->values[setting->key - config_keys];
}

static json_t *get_key(const void *setting)
{
    return json_text(((const struct setting *)setting)->key->name);
}

static json_t *get_value(const void *record)
{
    const struct setting *setting = record;
    return json_text(config_shown(setting->config, setting->key));
}

static json_t *get_source(const void *setting)
{
    return json_text(config_source_name(value_of(setting)->source));
}

static json_t *get_origin(const void *setting)
{
    return json_text(value_of(setting)->origin);
}

static const struct column columns[] = {
    {.name = "key", .get = get_key},
    {.name = "value", .get = get_value},
    {.name = "source", .get = get_source},
    {.name = "origin", .get = get_origin},
    {.name = NULL},
};

static enum status run_show(struct app *app, struct error *err)
{
    struct records records = {.out = &app->out, .format = app->format, .columns = columns};
    enum status status = config_load(&app->arguments, &app->config, err);
    if (status)
        return status;
    for (const struct config_key *key = config_keys; key->name; key++)
        records_add(&records, &(struct setting){&app->config, key});
    status = records_write(&records, format_object_new(), "settings", err);
    records_clear(&records);
    return status;
}

static enum status run_get(struct app *app, struct error *err)
{
    const struct config_key *key = config_key_find(app->arguments.words[1]);
    if (!key)
        return config_key_unknown(app->arguments.words[1], "", err);
    enum status status = config_load(&app->arguments, &app->config, err);
    if (status)
        return status;
    const char *shown = config_shown(&app->config, key);
    if (app->format == FORMAT_TEXT) {
        output_name(&app->out, shown);
        output_puts(&app->out, "\n");
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    struct setting setting = {&app->config, key};
    bool is_whole = object && json_put(object, "key", json_text(key->name)) &&
                    json_put(object, "value", json_text(shown)) &&
                    json_put(object, "source", get_source(&setting)) &&
                    json_put(object, "origin", get_origin(&setting));
    if (!is_whole) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status run_set(struct app *app, struct error *err)
{
    const struct config_key *key = config_key_find(app->arguments.words[1]);
    if (!key)
        return config_key_unknown(app->arguments.words[1], "", err);
    char *path = NULL;
    struct config_change change;
    struct error unloaded = {0};
    /* The library that the settings name before they change. A file that can't be read may be what
     * is mended here. */
    unloaded.status = config_load(&app->arguments, &app->config, &unloaded);
    enum status status = config_file_path(&path, err);
    if (!status)
        status = config_file_set(path, key, app->arguments.words[2], &change, err);
    if (!status && !app->is_quiet) {
        output_printf(&app->notes, "%s is set in ", key->name);
        output_name(&app->notes, path);
        output_puts(&app->notes, "\n");
    }
    if (!status)
        session_note_settings(app, key->name, NULL, &change, &unloaded);
    mem_free(path);
    return status;
}

static enum status run_path(struct app *app, struct error *err)
{
    char *path = NULL;
    enum status status = config_file_path(&path, err);
    if (status)
        return status;
    if (app->format == FORMAT_TEXT) {
        output_path(&app->out, path);
        output_puts(&app->out, "\n");
    } else {
        json_t *object = format_object_new();
        if (object && !records_put_path(object, "path", path)) {
            json_decref(object);
            object = NULL;
        }
        status = format_object(&app->out, app->format, object, err);
    }
    mem_free(path);
    return status;
}

static const struct command_verb verbs[] = {
    {"show", "", "every setting, its value and where it comes from", 0, 0, run_show},
    {"get", "KEY", "one value", 1, 1, run_get},
    {"set", "KEY VALUE", "write one value into the file; the rest stays as it is", 2, 2, run_set},
    {"path", "", "where the file is", 0, 0, run_path},
    {.name = NULL},
};

const struct command cmd_config = {
    .name = "config",
    .summary = "Show and change settings",
    .usage = "show | get KEY | set KEY VALUE | path",
    .details = "An option beats the environment, the environment beats the file,\n"
               "the file beats the default.",
    .examples = "  ragged config set llm_model llama3.2\n"
                "  ragged config get data_dir\n"
                "  ragged config show --json",
    .words = "show, get, set or path",
    .n_words_min = 1,
    .n_words_max = 3,
    .formats = FORMATS_OBJECT,
    .verbs = verbs,
    .help_more = help_config_keys,
    .run = command_run_verb,
};
