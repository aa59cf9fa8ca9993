#include "app/format.h"

#include <string.h>

#include "app/safe_text.h"
#include "base/mem.h"

const char *const format_names[] = {
    [FORMAT_TEXT] = "text",   [FORMAT_TABLE] = "table", [FORMAT_JSON] = "json",
    [FORMAT_JSONL] = "jsonl", [FORMAT_CSV] = "csv",     [FORMAT_MARKDOWN] = "markdown",
    [FORMAT_YAML] = "yaml",   [FORMAT_FILES] = "files", [FORMAT_F32] = "f32",
    [FORMAT_COUNT] = NULL,
};

json_t *format_object_new(void)
{
    json_t *object = json_object();
    if (object && json_put(object, "schema_version", json_integer(1)) &&
        json_put(object, "warnings", json_array()))
        return object;
    json_decref(object);
    return NULL;
}

void format_cell(const json_t *value, struct buf *out)
{
    if (json_is_string(value))
        buf_append_text(out, json_string_value(value));
    else if (value && !json_is_null(value))
        json_write(value, JSON_STYLE_COMPACT, out);
}

void format_csv_row(struct output *out, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *cell = cells[i];
        output_puts(out, i ? "," : "");
        if (!cell[strcspn(cell, ",\"\r\n")]) {
            output_puts(out, cell);
            continue;
        }
        output_puts(out, "\"");
        while (*cell) {
            size_t len = strcspn(cell, "\"");
            output_text(out, cell, len);
            output_puts(out, cell[len] ? "\"\"" : "");
            cell += len + (cell[len] == '"');
        }
        output_puts(out, "\"");
    }
    output_puts(out, "\n");
}

void format_markdown_row(struct output *out, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        output_puts(out, "| ");
        for (const char *cell = cells[i]; *cell;) {
            size_t len = strcspn(cell, "|\r\n\\");
            output_text(out, cell, len);
            if (cell[len] == '|' || cell[len] == '\\')
                output_printf(out, "\\%c", cell[len]);
            else if (cell[len])
                output_puts(out, " ");
            cell += len + (cell[len] != '\0');
        }
        output_puts(out, " ");
    }
    output_puts(out, "|\n");
}

enum status format_yaml_pair(struct output *out, const char *indent, const char *key,
                             const json_t *value, struct error *err)
{
    struct buf json = {0}, safe = {0};
    json_write(value, JSON_STYLE_COMPACT, &json);
    safe_text_append(&safe, buf_text(&json), json.len, SAFE_FORM_YAML);
    enum status status = buf_status(&json, err);
    if (!status)
        status = buf_status(&safe, err);
    if (!status) {
        output_printf(out, "%s%s: ", indent, key);
        output_text(out, buf_text(&safe), safe.len);
        output_puts(out, "\n");
    }
    buf_clear(&json);
    buf_clear(&safe);
    return status;
}

enum status format_json(struct output *out, const json_t *value, enum json_style style,
                        struct error *err)
{
    struct buf json = {0};
    json_write(value, style, &json);
    buf_append_char(&json, '\n');
    enum status status = buf_status(&json, err);
    if (!status)
        output_json(out, buf_text(&json), json.len);
    buf_clear(&json);
    return status;
}

static void write_pair(struct output *out, enum format format, const char *key, const char *value)
{
    const char *const cells[] = {key, value};
    if (format == FORMAT_CSV) {
        format_csv_row(out, cells, 2);
    } else if (format == FORMAT_MARKDOWN) {
        format_markdown_row(out, cells, 2);
    } else {
        output_printf(out, "%-20s ", key);
        output_name(out, value);
        output_puts(out, "\n");
    }
}

static enum status write_pairs(struct output *out, enum format format, json_t *object,
                               struct error *err)
{
    const char *key;
    json_t *value;
    enum status status = STATUS_OK;
    if (format == FORMAT_CSV || format == FORMAT_MARKDOWN)
        write_pair(out, format, "name", "value");
    if (format == FORMAT_MARKDOWN)
        write_pair(out, format, "---", "---");
    json_object_foreach(object, key, value)
    {
        struct buf cell = {0};
        format_cell(value, &cell);
        status = format == FORMAT_YAML ? format_yaml_pair(out, "", key, value, err)
                                       : buf_status(&cell, err);
        bool is_empty = json_is_array(value) && json_array_size(value) == 0;
        if (!status && format != FORMAT_YAML && !is_empty && strcmp(key, "schema_version") != 0)
            write_pair(out, format, key, buf_text(&cell));
        buf_clear(&cell);
        if (status)
            break;
    }
    return status;
}

enum status format_object(struct output *out, enum format format, json_t *object, struct error *err)
{
    if (!object)
        return error_nomem(err);
    enum status status;
    if (format == FORMAT_JSON)
        status = format_json(out, object, JSON_STYLE_INDENTED, err);
    else if (format == FORMAT_JSONL)
        status = format_json(out, object, JSON_STYLE_COMPACT, err);
    else
        status = write_pairs(out, format, object, err);
    json_decref(object);
    return status;
}
