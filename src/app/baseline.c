/* Results under a name: $XDG_STATE_HOME/ragged/benchmarks/<name>.<benchmark>.json. */
#include <ctype.h>
#include <string.h>

#include "app/benchmark.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

static enum status check_name(const char *name, struct error *err)
{
    bool is_name = *name && *name != '.' && strlen(name) <= 64;
    for (const char *c = name; *c && is_name; c++)
        is_name = isalnum((unsigned char)*c) || strchr("-_.", *c);
    if (is_name)
        return STATUS_OK;
    error_set(err, STATUS_INVALID, "\"%s\" can not name a baseline", name);
    error_hint(err, "letters, digits, \"-\", \"_\" and \".\", at most 64");
    return STATUS_INVALID;
}

/* Owned; with `folder_only` the folder that baselines are in. */
static enum status make_path(const char *name, const char *benchmark, char **out, struct error *err)
{
    char *folder = NULL;
    struct buf path = {0};
    enum status status = check_name(name, err);
    if (!status)
        status = config_xdg_folder("XDG_STATE_HOME", ".local/state", &folder, err);
    if (status)
        return status;
    buf_printf(&path, "%s/benchmarks/%s.%s.json", folder, name, benchmark);
    mem_free(folder);
    status = buf_status(&path, err);
    char *owned = status ? NULL : buf_take(&path, NULL);
    buf_clear(&path);
    if (!status && !owned)
        status = error_nomem(err);
    if (!status)
        *out = owned;
    return status;
}

static enum status load(const char *name, const char *benchmark, json_t **out, struct error *err)
{
    char *path = NULL;
    struct buf text = {0};
    enum status status = make_path(name, benchmark, &path, err);
    if (!status)
        status = file_read(path, RAGGED_LIMIT_CONFIG, &text, err);
    if (status == STATUS_NOT_FOUND) {
        error_set(err, status, "there is no baseline \"%s\" of \"%s\"", name, benchmark);
        error_hint(err, "ragged benchmark %s --save %s", benchmark, name);
    }
    if (!status)
        status = json_parse(buf_text(&text), text.len, out, err);
    if (status && path && status != STATUS_NOT_FOUND)
        error_context(err, status, "could not read the baseline \"%s\"", path);
    buf_clear(&text);
    mem_free(path);
    return status;
}

enum status baseline_prepare(struct benchmark *benchmark, struct error *err)
{
    const struct arguments *arguments = &benchmark->app->arguments;
    const char *saved = arguments_text(arguments, "save", NULL);
    const char *compared = arguments_text(arguments, "compare", NULL);
    enum status status = STATUS_OK;
    if (compared)
        status = load(compared, benchmark->plan->name, &benchmark->baseline, err);
    if (saved && !status)
        status = make_path(saved, benchmark->plan->name, &benchmark->save_path, err);
    return status;
}

void baseline_compare(struct benchmark *benchmark)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(benchmark->baseline, "results"), i, row)
    {
        const char *name = json_get_text(row, "name", "");
        for (size_t k = 0; k < benchmark->n_figures; k++)
            if (strcmp(benchmark->figures[k].name, name) == 0)
                benchmark->figures[k].baseline =
                    json_get_number(row, "median", benchmark->figures[k].baseline);
    }
}

const char *baseline_warning(const struct benchmark *benchmark)
{
    static const char *const keys[] = {"cpu", "cores"};
    const json_t *then = json_object_get(benchmark->baseline, "machine");
    for (size_t i = 0; benchmark->baseline && i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(then, keys[i]),
                        json_object_get(benchmark->machine, keys[i])))
            return "the baseline was measured on another machine";
    return "";
}

enum status baseline_save(const struct benchmark *benchmark, const json_t *results,
                          struct error *err)
{
    const char *path = benchmark->save_path;
    struct buf text = {0};
    char *folder = mem_text_n(path, (size_t)(path_name(path) - path) - 1);
    enum status status = folder ? folder_make(folder, err) : error_nomem(err);
    mem_free(folder);
    json_write(results, JSON_STYLE_INDENTED, &text);
    buf_append_char(&text, '\n');
    if (!status)
        status = buf_status(&text, err);
    if (!status)
        status = file_replace(path, buf_text(&text), text.len, 0600, err);
    buf_clear(&text);
    return status;
}
