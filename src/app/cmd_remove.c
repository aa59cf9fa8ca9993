#include "app/records.h"
#include "app/session.h"
#include "library/library.h"

static const char *path_of(const void *path)
{
    return path;
}

static json_t *get_file(const void *path)
{
    return json_text(path);
}

static const struct column columns[] = {
    {.name = "file", .get = get_file},
    {.name = NULL},
};

static void print_path(struct output *out, const void *path, size_t number)
{
    (void)number;
    output_path(out, path);
    output_puts(out, "\n");
}

static void add_path(void *ctx, const char *path)
{
    records_add(ctx, path);
}

static json_t *envelope(size_t n, bool is_dry_run)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "removed", json_integer((json_int_t)n)) &&
                    json_put(object, "dry_run", json_boolean(is_dry_run)) &&
                    json_put(object, "documents", json_array());
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* One name that is not there does not keep the others; the last failure is returned. */
static enum status remove_words(struct app *app, struct engine *engine, struct records *records,
                                size_t *out_n, struct error *err)
{
    const struct arguments *arguments = &app->arguments;
    bool is_dry_run = arguments_has(arguments, "dry-run");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < arguments->n_words; i++) {
        struct error why = {0};
        size_t n = 0;
        enum status one =
            engine_remove(engine, arguments->words[i], is_dry_run, add_path, records, &n, &why);
        *out_n += n;
        if (!one)
            continue;
        if (status)
            session_warn(app, err->message);
        status = one;
        *err = why;
        if (status != STATUS_NOT_FOUND)
            break;
    }
    return status;
}

static enum status remove_documents(struct app *app, struct engine *engine, struct error *err)
{
    bool is_dry_run = arguments_has(&app->arguments, "dry-run");
    size_t n_removed = 0;
    struct records records = {
        .out = &app->out,
        .format = app->format,
        .columns = columns,
        .path = path_of,
        .print = print_path,
    };
    enum status status = remove_words(app, engine, &records, &n_removed, err);
    if (!status || n_removed) {
        enum status written = records_write(&records, envelope(n_removed, is_dry_run), "documents",
                                            status ? NULL : err);
        status = status ? status : written;
        if (!app->is_quiet)
            output_printf(&app->notes, "%s %zu document%s\n",
                          is_dry_run ? "would remove" : "removed", n_removed,
                          n_removed == 1 ? "" : "s");
    }
    records_clear(&records);
    return status;
}

static enum status run(struct app *app, struct error *err)
{
    return session_run(app, remove_documents, err);
}

static const struct option options[] = {
    {.name = "dry-run", .letters = "n", .help = "only say what would be removed"},
    {.name = "yes", .letters = "y", .help = "accepted and not needed: nothing is asked"},
    OPTION_END,
};

const struct command cmd_remove = {
    .name = "remove",
    .aliases = "rm delete",
    .summary = "Remove documents from the library; the files stay",
    .usage = "[OPTIONS] PATH...",
    .details =
        "A path is a document, a folder with all below it, or a glob. What is relative counts\n"
        "from the current folder.",
    .examples = "  ragged remove --dry-run '/srv/notes/*.log'\n"
                "  ragged remove ~/papers/old",
    .words = "a path or glob",
    .n_words_min = 1,
    .n_words_max = COMMAND_WORDS_ANY,
    .formats = FORMATS_ALL,
    .uses_config = true,
    .options = options,
    .run = run,
};
