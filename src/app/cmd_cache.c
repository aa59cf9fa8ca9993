#include "app/records.h"
#include "app/session.h"
#include "library/library.h"

/* ---- stats ---- */

struct cache_row {
    const struct engine_cache_status *cache;
    size_t i_kind;
};

static json_t *get_kind(const void *record)
{
    const struct cache_row *row = record;
    return json_text(row->cache->kinds[row->i_kind].name);
}

static json_t *get_entries(const void *record)
{
    const struct cache_row *row = record;
    return json_integer((json_int_t)row->cache->kinds[row->i_kind].n);
}

static json_t *get_bytes(const void *record)
{
    const struct cache_row *row = record;
    return json_integer((json_int_t)row->cache->kinds[row->i_kind].bytes);
}

static const struct column columns[] = {
    {.name = "kind", .get = get_kind},
    {.name = "entries", .get = get_entries},
    {.name = "bytes", .get = get_bytes},
    {.name = NULL},
};

static json_t *envelope(const struct engine_cache_status *cache)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "path", json_text(cache->path)) &&
                    json_put(object, "file_bytes", json_integer((json_int_t)cache->file_bytes)) &&
                    json_put(object, "max_bytes", json_integer((json_int_t)cache->max_bytes));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static enum status show(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_cache_status cache = {0};
    struct records records = {.out = &app->out, .format = app->format, .columns = columns};
    enum status status = engine_cache_status(engine, &cache, err);
    if (status)
        return status;
    for (size_t i = 0; i < ENGINE_CACHE_KINDS; i++)
        records_add(&records, &(struct cache_row){&cache, i});
    status = records_write(&records, envelope(&cache), "kinds", err);
    records_clear(&records);
    return status;
}

static enum status run_stats(struct app *app, struct error *err)
{
    return session_run(app, show, err);
}

/* ---- clear ---- */

static enum status clear(struct app *app, struct engine *engine, struct error *err)
{
    struct engine_cache_status cache = {0};
    enum status status = engine_cache_status(engine, &cache, err);
    if (!status)
        status = engine_cache_clear(engine, err);
    if (status)
        return status;
    if (app->format == FORMAT_TEXT) {
        output_printf(&app->out, "removed %llu bytes\n", (unsigned long long)cache.file_bytes);
        return STATUS_OK;
    }
    json_t *object = format_object_new();
    if (object && !json_put(object, "removed_bytes", json_integer((json_int_t)cache.file_bytes))) {
        json_decref(object);
        object = NULL;
    }
    return format_object(&app->out, app->format, object, err);
}

static enum status run_clear(struct app *app, struct error *err)
{
    return session_run(app, clear, err);
}

static const struct command_verb verbs[] = {
    {"stats", "", "how many results, query vectors and answers are kept", 0, 0, run_stats},
    {"clear", "", "forget them; the library stays", 0, 0, run_clear},
    {.name = NULL},
};

const struct command cmd_cache = {
    .name = "cache",
    .summary = "Show or forget what searches found before",
    .usage = "stats | clear",
    .details =
        "A question that was asked before is answered without searching, as long as nothing in\n"
        "the library has changed. Clearing loses nothing but time.",
    .examples = "  ragged cache stats --json\n"
                "  ragged cache clear",
    .words = "stats or clear",
    .n_words_min = 1,
    .n_words_max = 1,
    .formats = FORMATS_OBJECT,
    .uses_config = true,
    .verbs = verbs,
    .run = command_run_verb,
};
