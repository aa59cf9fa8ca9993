#include <string.h>

#include "app/command.h"
#include "app/records.h"
#include "app/session.h"
#include "base/mem.h"
#include "engine/engine.h"

/* In which step of a roll-out ragged 0.2 counted each. */
static const unsigned char phases[FEATURE_COUNT] = {
    [FEATURE_EMBEDDER_CACHING] = 1,        [FEATURE_BATCH_AUTO_TUNING] = 1,
    [FEATURE_QUERY_CACHING] = 1,           [FEATURE_ADVANCED_ERROR_RECOVERY] = 1,
    [FEATURE_RESOURCE_GOVERNANCE] = 1,     [FEATURE_PERFORMANCE_AWARE_LOGGING] = 1,
    [FEATURE_ENHANCED_HEALTH_CHECKS] = 2,  [FEATURE_ASYNC_BACKPRESSURE] = 2,
    [FEATURE_INCREMENTAL_INDEXING] = 2,    [FEATURE_OBSERVABILITY_DASHBOARD] = 2,
    [FEATURE_COLD_START_OPTIMISATION] = 2, [FEATURE_GRACEFUL_DEGRADATION] = 3,
    [FEATURE_MULTI_TIER_CACHING] = 3,      [FEATURE_ADAPTIVE_TUNING] = 3,
};

/* A row: what holds for one feature, everywhere or in one collection. */
struct flag {
    enum feature feature;
    const char *collection; /* "": wherever nothing else is said */
    struct config_feature value;
};

static const struct flag *flag_of(const void *record)
{
    return record;
}

static json_t *get_feature(const void *record)
{
    return json_text(feature_name(flag_of(record)->feature));
}

static json_t *get_collection(const void *record)
{
    return json_text(flag_of(record)->collection);
}

static json_t *get_phase(const void *record)
{
    return json_integer(phases[flag_of(record)->feature]);
}

static json_t *get_enabled(const void *record)
{
    return json_boolean(flag_of(record)->value.is_on);
}

static json_t *get_source(const void *record)
{
    return json_text(config_source_name(flag_of(record)->value.source));
}

static json_t *get_origin(const void *record)
{
    return json_text(flag_of(record)->value.origin);
}

static json_t *get_description(const void *record)
{
    return json_text(feature_help(flag_of(record)->feature));
}

static const struct column columns[] = {
    {.name = "feature", .get = get_feature},
    {.name = "collection", .get = get_collection},
    {.name = "phase", .get = get_phase},
    {.name = "enabled", .get = get_enabled},
    {.name = "source", .get = get_source},
    {.name = "origin", .get = get_origin},
    {.name = "description", .get = get_description},
    {.name = NULL},
};

static size_t count_enabled(const struct config *config, const char *collection)
{
    size_t n = 0;
    for (int i = 0; i < FEATURE_COUNT; i++)
        n += config_feature_get(config, (enum feature)i, collection).is_on;
    return n;
}

static json_t *envelope(const struct config *config, const char *collection)
{
    json_t *object = format_object_new();
    if (object &&
        json_put(object, "enabled", json_integer((json_int_t)count_enabled(config, collection))) &&
        json_put(object, "total", json_integer(FEATURE_COUNT)))
        return object;
    json_decref(object);
    return NULL;
}

/* Writes the rows that `is_wanted` says yes to, and how many features are enabled. */
static enum status write_flags(struct app *app,
                               bool (*is_wanted)(const struct app *app, const struct flag *flag),
                               struct error *err)
{
    const struct config *config = &app->config;
    const char *collection = arguments_text(&app->arguments, "collection", NULL);
    struct records records = {.out = &app->out, .format = app->format, .columns = columns};
    for (int i = 0; i < FEATURE_COUNT; i++) {
        struct flag flag = {.feature = (enum feature)i, .collection = collection ? collection : ""};
        flag.value = config_feature_get(config, flag.feature, collection);
        if (is_wanted(app, &flag))
            records_add(&records, &flag);
    }
    for (size_t i = 0; i < config->features.n_overrides && !collection; i++) {
        const struct config_override *o = &config->features.overrides[i];
        struct flag flag = {.feature = o->feature, .collection = o->collection};
        flag.value = config_feature_get(config, o->feature, o->collection);
        if (is_wanted(app, &flag))
            records_add(&records, &flag);
    }
    enum status status = records_write(&records, envelope(config, collection), "flags", err);
    records_clear(&records);
    if (app->format == FORMAT_TEXT && !app->is_quiet)
        output_printf(&app->notes, "%zu of %d features are enabled\n",
                      count_enabled(config, collection), FEATURE_COUNT);
    return status;
}

static bool is_listed(const struct app *app, const struct flag *flag)
{
    double phase = arguments_number(&app->arguments, "phase", 0);
    return (phase <= 0 || (int)phase == phases[flag->feature]) &&
           (flag->value.is_on || !arguments_has(&app->arguments, "enabled-only"));
}

static enum status run_list(struct app *app, struct error *err)
{
    return write_flags(app, is_listed, err);
}

static bool is_named(const struct app *app, const struct flag *flag)
{
    return flag->feature == feature_find(app->arguments.words[1]);
}

static bool is_set(const struct app *app, const struct flag *flag)
{
    (void)app;
    return flag->value.source != CONFIG_SOURCE_DEFAULT;
}

static enum status find_named(const struct app *app, enum feature *out, struct error *err)
{
    *out = feature_find(app->arguments.words[1]);
    return *out == FEATURE_COUNT ? config_feature_unknown(app->arguments.words[1], "", err)
                                 : STATUS_OK;
}

static enum status run_status(struct app *app, struct error *err)
{
    enum feature feature;
    if (app->arguments.n_words == 1)
        return write_flags(app, is_set, err);
    enum status status = find_named(app, &feature, err);
    return status ? status : write_flags(app, is_named, err);
}

/* ---- changing the file ---- */

static void tell(struct app *app, enum feature feature, bool is_on, const char *path)
{
    const char *collection = arguments_text(&app->arguments, "collection", NULL);
    struct config_feature now = config_feature_get(&app->config, feature, collection);
    if (app->is_quiet)
        return;
    if (now.source > CONFIG_SOURCE_FILE && now.is_on != is_on)
        output_printf(&app->notes, "warning: %s says otherwise, and is stronger than the file\n",
                      now.origin);
    bool is_same = now.source <= CONFIG_SOURCE_FILE && now.is_on == is_on;
    output_printf(&app->notes, "%s %s %s%s%s", feature_name(feature),
                  is_same ? "was already" : "is now", is_on ? "enabled" : "disabled",
                  collection ? " in " : "", collection ? collection : "");
    output_puts(&app->notes, ", in ");
    output_name(&app->notes, path);
    output_puts(&app->notes, "\n");
}

static enum status set(struct app *app, const bool is_wanted[FEATURE_COUNT], bool is_on,
                       struct error *err)
{
    const char *collection = arguments_text(&app->arguments, "collection", NULL);
    char *path = NULL;
    struct config_change all = {0}, one;
    struct buf keys = {0};
    enum status status = config_file_path(&path, err);
    for (int i = 0; i < FEATURE_COUNT && !status; i++) {
        if (!is_wanted[i])
            continue;
        status = config_file_set_feature(path, (enum feature)i, collection, is_on, &one, err);
        if (status)
            break;
        if (keys.len == 0)
            memcpy(all.before, one.before, sizeof all.before);
        memcpy(all.after, one.after, sizeof all.after);
        buf_printf(&keys, "%sfeature_flags.%s", keys.len ? "," : "", feature_name((enum feature)i));
        tell(app, (enum feature)i, is_on, path);
    }
    /* Also of a phase that was set in part. */
    if (keys.len)
        session_note_settings(app, buf_text(&keys), collection, &all, &(struct error){0});
    buf_clear(&keys);
    mem_free(path);
    return status;
}

static enum status set_one(struct app *app, bool is_on, struct error *err)
{
    bool is_wanted[FEATURE_COUNT] = {false};
    enum feature feature;
    enum status status = find_named(app, &feature, err);
    if (status)
        return status;
    is_wanted[feature] = true;
    return set(app, is_wanted, is_on, err);
}

static enum status run_enable(struct app *app, struct error *err)
{
    return set_one(app, true, err);
}

static enum status run_disable(struct app *app, struct error *err)
{
    return set_one(app, false, err);
}

static enum status set_phase(struct app *app, bool is_on, struct error *err)
{
    static const struct value_rule rule = {.type = VALUE_COUNT, .min = 1, .max = 3};
    bool is_wanted[FEATURE_COUNT];
    struct value phase;
    enum status status = value_check(&rule, "the phase", app->arguments.words[1], &phase, err);
    if (status)
        return status;
    for (int i = 0; i < FEATURE_COUNT; i++)
        is_wanted[i] = phases[i] == (int)phase.number;
    return set(app, is_wanted, is_on, err);
}

static enum status run_enable_phase(struct app *app, struct error *err)
{
    return set_phase(app, true, err);
}

static enum status run_disable_phase(struct app *app, struct error *err)
{
    return set_phase(app, false, err);
}

static const struct command_verb verbs[] = {
    {"list", "", "every feature, whether it is enabled and who says so", 0, 0, run_list},
    {"status", "[FEATURE]", "what is set; with a name: that feature, everywhere", 0, 1, run_status},
    {"enable", "FEATURE", "write it into the file; the rest stays as it is", 1, 1, run_enable},
    {"disable", "FEATURE", "the same, the other way", 1, 1, run_disable},
    {"enable-phase", "N", "enable all features of a phase, 1 to 3", 1, 1, run_enable_phase},
    {"disable-phase", "N", "disable them", 1, 1, run_disable_phase},
    {.name = NULL},
};

static const struct option options[] = {
    {.name = "collection",
     .letters = "c",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "in this collection only"},
    {.name = "phase",
     .arg = "N",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 3},
     .help = "list: only features of this phase"},
    {.name = "enabled-only", .help = "list: only features that are enabled"},
    OPTION_END,
};

const struct command cmd_feature_flags = {
    .name = "feature-flags",
    .aliases = "features",
    .summary = "Show and switch features",
    .usage = "list | status [FEATURE] | enable FEATURE | disable FEATURE",
    .details =
        "Every feature is on until something says otherwise. Without one everything works as\n"
        "before, only plainer or slower. --feature NAME=off switches one for a single run of any\n"
        "command; RAGGED_FEATURE_FLAGS holds a JSON object. What is said of a collection is for\n"
        "searches and adds that name it.",
    .examples = "  ragged feature-flags disable query_caching\n"
                "  ragged feature-flags enable query_caching --collection papers\n"
                "  ragged search --feature embedder_caching=off vitamin D",
    .words = "list, status, enable or disable",
    .n_words_min = 1,
    .n_words_max = 2,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .options = options,
    .verbs = verbs,
    .run = command_run_verb,
};
