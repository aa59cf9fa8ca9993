#include "app/records.h"
#include "app/session.h"
#include "base/clock.h"
#include "library/library.h"

static const struct engine_document *document_of(const void *record)
{
    return record;
}

static const char *path_of(const void *record)
{
    return document_of(record)->path;
}

static json_t *get_file(const void *record)
{
    return json_text(document_of(record)->path);
}

static json_t *get_title(const void *record)
{
    return json_text(document_of(record)->title);
}

static json_t *get_kind(const void *record)
{
    return json_text(document_of(record)->kind);
}

static json_t *get_pages(const void *record)
{
    uint32_t n_pages = document_of(record)->n_pages;
    return n_pages ? json_integer((json_int_t)n_pages) : json_null();
}

static json_t *get_chunks(const void *record)
{
    return json_integer((json_int_t)document_of(record)->n_chunks);
}

static json_t *get_size(const void *record)
{
    return json_integer((json_int_t)document_of(record)->size_bytes);
}

static json_t *get_state(const void *record)
{
    const struct engine_document *document = document_of(record);
    return json_text(document->is_failed ? "failed" : document->is_partial ? "partial" : "ok");
}

static json_t *get_error(const void *record)
{
    return json_text(document_of(record)->error);
}

static json_t *get_warning(const void *record)
{
    return json_text(document_of(record)->warning);
}

static json_t *get_docid(const void *record)
{
    return json_integer(document_of(record)->id);
}

static json_t *get_collection(const void *record)
{
    return json_text(document_of(record)->collection);
}

static json_t *get_hash(const void *record)
{
    return json_text(document_of(record)->hash);
}

static json_t *time_json(int64_t wall_ms)
{
    char time[32];
    clock_format_utc(wall_ms, time);
    return json_text(time);
}

static json_t *get_mtime(const void *record)
{
    return time_json(document_of(record)->mtime_ms);
}

static json_t *get_added(const void *record)
{
    return time_json(document_of(record)->added_ms);
}

static json_t *get_meta(const void *record)
{
    return records_meta_json(document_of(record)->meta);
}

/* The order is a promise to readers of CSV: new columns go to the end. */
static const struct column columns[] = {
    {.name = "file", .get = get_file},
    {.name = "title", .get = get_title},
    {.name = "kind", .get = get_kind},
    {.name = "pages", .get = get_pages},
    {.name = "chunks", .get = get_chunks},
    {.name = "size", .get = get_size},
    {.name = "state", .get = get_state},
    {.name = "error", .get = get_error},
    {.name = "warning", .get = get_warning, .is_detail = true},
    {.name = "docid", .get = get_docid, .is_detail = true},
    {.name = "collection", .get = get_collection, .is_detail = true},
    {.name = "hash", .get = get_hash, .is_detail = true},
    {.name = "mtime", .get = get_mtime, .is_detail = true},
    {.name = "added", .get = get_added, .is_detail = true},
    {.name = "meta", .get = get_meta, .is_detail = true},
    {.name = NULL},
};

static void add_document(void *ctx, const struct engine_document *document)
{
    records_add(ctx, document);
}

static json_t *envelope(const struct records *records)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "total", json_integer((json_int_t)records->n)) &&
                    json_put(object, "documents", json_array());
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static enum status list(struct app *app, struct engine *engine, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    struct records records = {
        .out = &app->out,
        .format = app->format,
        .columns = columns,
        .path = path_of,
    };
    struct engine_list_options options = {
        .glob = arguments->n_words ? arguments->words[0] : NULL,
        .collection = arguments_text(arguments, "collection", NULL),
        .is_failed_only = arguments_has(arguments, "failed"),
    };
    struct arena arena = {0};
    enum status status = session_filter(app, &arena, &options.filter, err);
    if (!status)
        status = engine_list(engine, &options, add_document, &records, err);
    arena_clear(&arena);
    if (!status)
        status = records_write(&records, envelope(&records), "documents", err);
    if (!status && records.n == 0 && !app->is_quiet && app->format == FORMAT_TEXT)
        output_puts(&app->notes, "no documents\n");
    records_clear(&records);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, list, err);
}

static const struct option options[] = {
    {.name = "failed", .help = "only documents that could not be read, with their reasons"},
    {.name = "collection",
     .letters = "c",
     .arg = "NAME",
     .rule = {.type = VALUE_TEXT},
     .help = "only this collection"},
    SESSION_FILTER_OPTIONS,
    OPTION_END,
};

const struct command cmd_list = {
    .name = "list",
    .aliases = "ls",
    .summary = "List the documents of the library",
    .usage = "[OPTIONS] [GLOB]",
    .examples = "  ragged list '*.pdf'\n"
                "  ragged list --failed\n"
                "  ragged list --where 'tags = \"to read\" and not kind = pdf' --since 2024-05",
    .n_words_max = 1,
    .formats = FORMATS_ALL,
    .uses_config = true,
    .options = options,
    .run = run,
};
