/* base/json.h - the few jansson idioms we use everywhere. Values are jansson's: json_decref() them.
 * Its allocations are its own: jansson 2.14 crashes when one fails inside its parser, so faults are
 * not injected there. */
#ifndef RAGGED_BASE_JSON_H
#define RAGGED_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* Parses one whole value. FORMAT names line and column; NUL bytes and bad UTF-8 are errors. */
enum status json_parse(const char *text, size_t len, json_t **out, struct error *err) MUST_USE;

/* Object members with a default when absent or of another type; the string is borrowed from
 * `object`. */
const char *json_get_text(const json_t *object, const char *key, const char *fallback);
double json_get_number(const json_t *object, const char *key, double fallback);

/* json_object_set_new() that also accepts value NULL (out of memory) as a failure; true on success.
 */
bool json_put(json_t *object, const char *key, json_t *value);
/* `text` may hold any bytes: what is not UTF-8 becomes U+FFFD. NULL gives null. */
json_t *json_text(const char *text);
/* Rounded to 4 digits, as every score we print. */
json_t *json_score(double value);

enum json_style { JSON_STYLE_COMPACT, JSON_STYLE_INDENTED };
/* Appends the text of `value`; sticky failure in `out`. */
void json_write(const json_t *value, enum json_style style, struct buf *out);

#endif
