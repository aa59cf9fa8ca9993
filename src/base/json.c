#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

enum status json_parse(const char *text, size_t len, json_t **out, struct error *err)
{
    json_error_t where;
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    if (!value) {
        if (json_error_code(&where) == json_error_out_of_memory)
            return error_nomem(err);
        return error_set(err, STATUS_FORMAT, "bad JSON at line %d column %d: %s", where.line,
                         where.column, where.text);
    }
    *out = value;
    return STATUS_OK;
}

const char *json_get_text(const json_t *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : fallback;
}

double json_get_number(const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

bool json_put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

json_t *json_text(const char *text)
{
    if (!text)
        return json_null();
    size_t len = strlen(text);
    if (utf8_is_valid(text, len))
        return json_stringn_nocheck(text, len);
    struct buf clean = {0};
    for (size_t i = 0; i < len;) {
        uint32_t codepoint;
        i += utf8_decode(text + i, len - i, &codepoint);
        buf_append_codepoint(&clean, codepoint);
    }
    json_t *value = clean.failed ? NULL : json_stringn_nocheck(buf_text(&clean), clean.len);
    buf_clear(&clean);
    return value;
}

json_t *json_score(double value)
{
    return json_real(isfinite(value) ? round(value * 1e4) / 1e4 : 0.0);
}

static int append_bytes(const char *bytes, size_t len, void *out)
{
    buf_append(out, bytes, len);
    return ((struct buf *)out)->failed ? -1 : 0;
}

void json_write(const json_t *value, enum json_style style, struct buf *out)
{
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(10) |
                   (style == JSON_STYLE_INDENTED ? JSON_INDENT(2) : JSON_COMPACT);
    if ((!value || json_dump_callback(value, append_bytes, out, flags)) && !out->failed)
        out->failed = STATUS_NOMEM;
}
