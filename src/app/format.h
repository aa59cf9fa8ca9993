/* app/format.h - the ways results are printed. */
#ifndef RAGGED_APP_FORMAT_H
#define RAGGED_APP_FORMAT_H

#include "app/output.h"
#include "base/json.h"

enum format {
    FORMAT_TEXT,
    FORMAT_TABLE,
    FORMAT_JSON,
    FORMAT_JSONL,
    FORMAT_CSV,
    FORMAT_MARKDOWN,
    FORMAT_YAML,
    FORMAT_FILES,
    FORMAT_F32,
    FORMAT_COUNT
};
/* In the order of the enum, ends with NULL. */
extern const char *const format_names[];

#define FORMAT_BIT(format) (1u << (format))
#define FORMATS_OBJECT                                                              \
    (FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_JSONL) | \
     FORMAT_BIT(FORMAT_YAML) | FORMAT_BIT(FORMAT_TABLE) | FORMAT_BIT(FORMAT_CSV) |  \
     FORMAT_BIT(FORMAT_MARKDOWN))
#define FORMATS_ALL (FORMATS_OBJECT | FORMAT_BIT(FORMAT_FILES))

/* Prints one object: JSON as it is, YAML as a mapping, the others as rows of name and value.
 * Takes the reference of `object`; NULL (out of memory) gives NOMEM. */
enum status format_object(struct output *out, enum format format, json_t *object,
                          struct error *err) MUST_USE;

/* A new object that begins as every answer of ours: "schema_version", "warnings" (an empty list to
 * be replaced when there are some). NULL: out of memory. */
json_t *format_object_new(void) MUST_USE;

/* The cell of a table: text as it is, numbers short, null empty, the rest as JSON. */
void format_cell(const json_t *value, struct buf *out);

/* One line each; `cells` are n texts. */
void format_csv_row(struct output *out, const char *const *cells, size_t n);
void format_markdown_row(struct output *out, const char *const *cells, size_t n);
/* "  key: value" as YAML behind `indent`; any JSON value is a YAML value. */
enum status format_yaml_pair(struct output *out, const char *indent, const char *key,
                             const json_t *value, struct error *err) MUST_USE;
enum status format_json(struct output *out, const json_t *value, enum json_style style,
                        struct error *err) MUST_USE;

#endif
