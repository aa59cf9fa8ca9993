#include "app/records.h"

#include <string.h>

#include "app/safe_text.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { N_COLUMNS_MAX = 32, CELL_WIDTH_MAX = 60 };

static void append_base64(struct buf *out, const char *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (i + j < len ? (unsigned char)bytes[i + j] : 0u);
        for (size_t j = 0; j < 4; j++)
            buf_append_char(out, i + j <= len ? digits[group >> (18 - 6 * j) & 63] : '=');
    }
}

bool records_put_path(json_t *object, const char *key, const char *path)
{
    if (!json_put(object, key, json_text(path)))
        return false;
    if (!path || utf8_is_valid(path, strlen(path)))
        return true;
    struct buf base64 = {0};
    append_base64(&base64, path, strlen(path));
    bool is_put = !base64.failed && json_put(object, "path_base64", json_text(buf_text(&base64)));
    buf_clear(&base64);
    return is_put;
}

static bool is_nested(enum format format)
{
    return format == FORMAT_JSON || format == FORMAT_JSONL || format == FORMAT_YAML;
}

static bool is_shown(const struct records *records, const struct column *column)
{
    if (records->skipped && strcmp(records->skipped, column->name) == 0)
        return false;
    return !column->is_detail || is_nested(records->format);
}

static json_t *object_of(const struct records *records, const void *record)
{
    json_t *object = json_object();
    bool is_whole = object != NULL;
    for (const struct column *column = records->columns; is_whole && column->name; column++) {
        if (!is_shown(records, column))
            continue;
        bool is_path = strcmp(column->name, "file") == 0 && records->path;
        is_whole = is_path ? records_put_path(object, column->name, records->path(record))
                           : json_put(object, column->name, column->get(record));
    }
    if (!is_whole) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The cells of one record as texts, kept in `text` behind each other. */
struct row {
    struct buf text[N_COLUMNS_MAX];
    const char *cells[N_COLUMNS_MAX];
    size_t n;
};

static void row_fill(const struct records *records, struct row *row, const json_t *object)
{
    const struct column *columns = records->columns;
    *row = (struct row){0};
    for (; columns->name && row->n < N_COLUMNS_MAX; columns++) {
        if (!is_shown(records, columns))
            continue;
        if (object)
            format_cell(json_object_get(object, columns->name), &row->text[row->n]);
        else
            buf_append_text(&row->text[row->n], columns->name);
        output_accepts(records->out, &row->text[row->n]);
        row->cells[row->n] = buf_text(&row->text[row->n]);
        row->n++;
    }
}

static void row_clear(struct row *row)
{
    for (size_t i = 0; i < row->n; i++)
        buf_clear(&row->text[i]);
}

static void print_row(const struct records *records, const json_t *object)
{
    struct row row;
    row_fill(records, &row, object);
    if (records->format == FORMAT_CSV)
        format_csv_row(records->out, row.cells, row.n);
    else
        format_markdown_row(records->out, row.cells, row.n);
    row_clear(&row);
}

static void print_header(const struct records *records)
{
    print_row(records, NULL);
    if (records->format != FORMAT_MARKDOWN)
        return;
    for (const struct column *column = records->columns; column->name; column++)
        output_puts(records->out, is_shown(records, column) ? "| --- " : "");
    output_puts(records->out, "|\n");
}

static void keep(struct records *records, json_t *object)
{
    if (!records->list)
        records->list = json_array();
    if (!records->list || json_array_append(records->list, object) != 0)
        records->failed = STATUS_NOMEM;
}

void records_add(struct records *records, const void *record)
{
    if (records->failed)
        return;
    records->n++;
    if (records->format == FORMAT_FILES) {
        output_path(records->out, records->path(record));
        output_puts(records->out, "\n");
        return;
    }
    if (records->format == FORMAT_TEXT && records->print) {
        records->print(records->out, record, records->n);
        return;
    }
    json_t *object = object_of(records, record);
    if (!object) {
        records->failed = STATUS_NOMEM;
    } else if (records->format == FORMAT_JSONL) {
        records->failed = format_json(records->out, object, JSON_STYLE_COMPACT, NULL);
    } else if (records->format == FORMAT_CSV || records->format == FORMAT_MARKDOWN) {
        if (records->n == 1)
            print_header(records);
        print_row(records, object);
    } else {
        keep(records, object);
    }
    json_decref(object);
}

static void print_cell(struct output *out, const char *cell, size_t width, bool is_last)
{
    struct buf squeezed = {0}, safe = {0};
    safe_text_squeeze(&squeezed, cell, strlen(cell), (size_t)1 << 20);
    safe_text_append(&safe, buf_text(&squeezed), squeezed.len, SAFE_FORM_LINE);
    if (output_accepts(out, &squeezed) && output_accepts(out, &safe))
        output_text(out, buf_text(&safe), safe.len);
    size_t used = safe_text_width(buf_text(&safe), safe.len);
    for (; !is_last && used < width + 2; used++)
        output_puts(out, " ");
    buf_clear(&squeezed);
    buf_clear(&safe);
}

static void print_table_row(const struct records *records, const json_t *object,
                            const size_t *widths)
{
    struct row row;
    row_fill(records, &row, object);
    for (size_t i = 0; i < row.n; i++)
        print_cell(records->out, row.cells[i], widths[i], i + 1 == row.n);
    output_puts(records->out, "\n");
    row_clear(&row);
}

static void widen(const struct records *records, const json_t *object, size_t *widths)
{
    struct row row;
    row_fill(records, &row, object);
    for (size_t i = 0; i < row.n; i++) {
        size_t width = safe_text_width(row.cells[i], strlen(row.cells[i]));
        widths[i] = size_max(widths[i], size_min(width, CELL_WIDTH_MAX));
    }
    row_clear(&row);
}

static void print_table(const struct records *records)
{
    size_t widths[N_COLUMNS_MAX] = {0};
    size_t i;
    json_t *object;
    if (!records->list)
        return;
    widen(records, NULL, widths);
    json_array_foreach(records->list, i, object)
    {
        widen(records, object, widths);
    }
    output_style(records->out, OUTPUT_STYLE_BOLD);
    print_table_row(records, NULL, widths);
    output_style(records->out, OUTPUT_STYLE_PLAIN);
    json_array_foreach(records->list, i, object)
    {
        print_table_row(records, object, widths);
    }
}

static enum status print_yaml_list(const struct records *records, json_t *list, struct error *err)
{
    size_t i;
    json_t *object;
    json_array_foreach(list, i, object)
    {
        const char *key, *indent = "- ";
        json_t *value;
        json_object_foreach(object, key, value)
        {
            enum status status = format_yaml_pair(records->out, indent, key, value, err);
            if (status)
                return status;
            indent = "  ";
        }
    }
    return STATUS_OK;
}

static enum status print_yaml(const struct records *records, json_t *object, const char *name,
                              struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool is_list = strcmp(key, name) == 0 && json_array_size(value) > 0;
        enum status status = STATUS_OK;
        if (is_list) {
            output_printf(records->out, "%s:\n", key);
            status = print_yaml_list(records, value, err);
        } else {
            status = format_yaml_pair(records->out, "", key, value, err);
        }
        if (status)
            return status;
    }
    return STATUS_OK;
}

static enum status put_list(struct records *records, json_t *object, const char *name)
{
    if (!records->list)
        records->list = json_array();
    bool is_put = object && records->list && json_object_set(object, name, records->list) == 0;
    return is_put ? STATUS_OK : STATUS_NOMEM;
}

enum status records_write(struct records *records, json_t *object, const char *name,
                          struct error *err)
{
    enum status status = records->failed;
    if (!status && (records->format == FORMAT_JSON || records->format == FORMAT_YAML))
        status = put_list(records, object, name);
    if (status) {
        json_decref(object);
        return error_nomem(err);
    }
    if (records->format == FORMAT_JSON)
        status = format_json(records->out, object, JSON_STYLE_INDENTED, err);
    else if (records->format == FORMAT_YAML)
        status = print_yaml(records, object, name, err);
    else if (records->format == FORMAT_TABLE || records->format == FORMAT_TEXT)
        print_table(records);
    json_decref(object);
    return status;
}

void records_clear(struct records *records)
{
    json_decref(records->list);
    records->list = NULL;
}

json_t *records_meta_json(const char *meta)
{
    json_t *object = NULL;
    enum status status = *meta ? json_parse(meta, strlen(meta), &object, NULL) : STATUS_OK;
    return object || status == STATUS_NOMEM ? object : json_object();
}
