/* app/records.h - a list of results in any format, from one description of their columns.
 *
 * Text, jsonl, csv, markdown and files go out as records come; json and yaml at the end, with
 * what surrounds them; table at the end, when the widths are known. */
#ifndef RAGGED_APP_RECORDS_H
#define RAGGED_APP_RECORDS_H

#include "app/format.h"

struct column {
    const char *name;
    json_t *(*get)(const void *record); /* new reference; NULL: out of memory */
    bool is_detail;                     /* only in json, jsonl and yaml */
};

struct records {
    struct output *out;
    enum format format;
    const struct column *columns; /* end with a row without a name */
    const char *skipped;          /* the column that is left out; NULL: none */
    const char *(*path)(const void *record);
    /* FORMAT_TEXT; NULL: as a table. */
    void (*print)(struct output *out, const void *record, size_t number);
    json_t *list;
    size_t n;
    enum status failed; /* sticky; records_write() reports it */
};

void records_add(struct records *records, const void *record);

/* Ends the list: `object` (its reference is taken) gets it as member `name` in json and yaml. */
enum status records_write(struct records *records, json_t *object, const char *name,
                          struct error *err) MUST_USE;
void records_clear(struct records *records);

/* Adds "path_base64" when `path` is not UTF-8 and JSON can not hold it; true on success. */
bool records_put_path(json_t *object, const char *key, const char *path);

/* The metadata of a document, a JSON object in text ("" and what is damaged are an empty one);
 * NULL: out of memory. */
json_t *records_meta_json(const char *meta) MUST_USE;

#endif
