#include "load/metadata.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "text/text.h"

#define N_DIGITS_MAX 15 /* that a double keeps */
#define N_ENTRY_BYTES 8 /* quotes, colon, comma, brackets */

enum status metadata_name(const char *name, size_t len, char out[METADATA_NAME_BYTES_MAX + 1],
                          struct error *err)
{
    struct buf clean = {0}, folded = {0};
    if (len <= METADATA_VALUE_BYTES_MAX)
        text_normalize(name, len, TEXT_SPACE_COLLAPSE, &clean);
    text_fold(buf_text(&clean), clean.len, &folded);
    enum status status = buf_status(&clean, err);
    if (!status)
        status = buf_status(&folded, err);
    if (!status &&
        (folded.len == 0 || folded.len > METADATA_NAME_BYTES_MAX || folded.data[0] == '_'))
        status =
            error_set(err, STATUS_INVALID, "it has 1 to %zu bytes and does not begin with \"_\"",
                      METADATA_NAME_BYTES_MAX);
    for (size_t i = 0; !status && i <= folded.len; i++)
        out[i] = folded.data[i] == ' ' ? '_' : folded.data[i];
    buf_clear(&clean);
    buf_clear(&folded);
    return status;
}

/* Digits with at most one sign, point and exponent, as JSON writes numbers. */
static bool looks_like_number(const char *text, size_t *out_n_digits, bool *out_is_whole)
{
    const char *at = text + (*text == '-');
    size_t n_whole = strspn(at, "0123456789"), n_digits = n_whole;
    if (n_whole == 0 || (at[0] == '0' && n_whole > 1))
        return false;
    at += n_whole;
    *out_is_whole = *at == '\0';
    if (*at == '.') {
        size_t n = strspn(++at, "0123456789");
        n_digits += n;
        at += n;
        if (n == 0)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '+' || at[1] == '-');
        size_t n = strspn(at, "0123456789");
        at += n;
        if (n == 0 || n > 3)
            return false;
    }
    *out_n_digits = n_digits;
    return *at == '\0';
}

/* NULL: not one that its JSON text would give back. */
static json_t *number_of(const char *text)
{
    size_t n_digits;
    bool is_whole;
    if (!looks_like_number(text, &n_digits, &is_whole) || n_digits > N_DIGITS_MAX)
        return NULL;
    if (is_whole)
        return json_integer(strtoll(text, NULL, 10));
    double number = strtod(text, NULL);
    struct buf written = {0};
    json_t *value = isfinite(number) ? json_real(number) : NULL;
    if (value)
        json_write(value, JSON_STYLE_COMPACT, &written);
    if (value && (written.failed || strtod(buf_text(&written), NULL) != number)) {
        json_decref(value);
        value = NULL;
    }
    buf_clear(&written);
    return value;
}

static json_t *plain_of(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "True") == 0)
        return json_true();
    if (strcmp(text, "false") == 0 || strcmp(text, "False") == 0)
        return json_false();
    json_t *number = number_of(text);
    return number ? number : json_text(text);
}

/* Of a text in JSON: quotes and backslashes take two bytes. */
static size_t json_bytes(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '"' || *text == '\\' ? 2 : 1;
    return n;
}

static size_t value_bytes(const json_t *value)
{
    size_t n = N_ENTRY_BYTES;
    if (json_is_string(value))
        return n + json_bytes(json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        n += N_ENTRY_BYTES + json_bytes(json_string_value(json_array_get(value, i)));
    return json_is_array(value) ? n : n + 24;
}

static enum status put(struct metadata *metadata, const char *name, json_t *value, size_t n_bytes,
                       struct error *err)
{
    if (!metadata->object)
        metadata->object = json_object();
    if (!metadata->object || !json_put(metadata->object, name, value))
        return error_nomem(err);
    metadata->n_bytes += n_bytes;
    return STATUS_OK;
}

static bool has_item(const json_t *list, const json_t *item)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), item))
            return true;
    return false;
}

/* Takes `item`, a text. A text that is there alone becomes the first of the list. */
static enum status append_item(struct metadata *metadata, const char *name, json_t *item,
                               struct error *err)
{
    json_t *old = json_object_get(metadata->object, name);
    size_t n_bytes = N_ENTRY_BYTES + json_bytes(json_string_value(item));
    bool is_left_out = metadata->n_bytes + n_bytes > METADATA_BYTES_MAX || json_equal(old, item) ||
                       (json_is_array(old) &&
                        (json_array_size(old) >= METADATA_ITEMS_MAX || has_item(old, item))) ||
                       !(json_is_array(old) || json_is_string(old));
    if (is_left_out) {
        json_decref(item);
        return STATUS_OK;
    }
    if (!json_is_array(old)) {
        json_t *list = json_array();
        if (!list || json_array_append(list, old) || !json_put(metadata->object, name, list)) {
            json_decref(item);
            return error_nomem(err);
        }
        metadata->n_bytes += N_ENTRY_BYTES;
        old = list;
    }
    if (json_array_append_new(old, item))
        return error_nomem(err);
    metadata->n_bytes += n_bytes;
    return STATUS_OK;
}

static enum status add_value(struct metadata *metadata, const char *name, enum metadata_form form,
                             const char *text, struct error *err)
{
    json_t *old = json_object_get(metadata->object, name);
    bool is_text = old || form != METADATA_PLAIN;
    json_t *value = is_text ? json_text(text) : plain_of(text);
    if (!value)
        return error_nomem(err);
    if (old)
        return append_item(metadata, name, value, err);
    size_t n_bytes = N_ENTRY_BYTES + json_bytes(name) + value_bytes(value);
    if (json_object_size(metadata->object) >= METADATA_KEYS_MAX ||
        metadata->n_bytes + n_bytes > METADATA_BYTES_MAX) {
        json_decref(value);
        return STATUS_OK;
    }
    if (form == METADATA_ITEM) {
        json_t *list = json_array();
        if (json_array_append_new(list, value)) { /* takes the value also when it fails */
            json_decref(list);
            return error_nomem(err);
        }
        value = list;
    }
    return put(metadata, name, value, n_bytes, err);
}

enum status metadata_add(struct metadata *metadata, const char *name, enum metadata_form form,
                         const char *text, size_t len, struct error *err)
{
    char value[METADATA_VALUE_BYTES_MAX + 1];
    if (len > METADATA_VALUE_BYTES_MAX)
        len = utf8_floor(text, len, METADATA_VALUE_BYTES_MAX);
    memcpy(value, text, len);
    value[len] = '\0';
    return add_value(metadata, name, form, value, err);
}

enum status metadata_add_json(struct metadata *metadata, const char *name, json_t *value,
                              struct error *err)
{
    size_t n_bytes = N_ENTRY_BYTES + json_bytes(name) + value_bytes(value);
    if (json_object_get(metadata->object, name) ||
        json_object_size(metadata->object) >= METADATA_KEYS_MAX ||
        metadata->n_bytes + n_bytes > METADATA_BYTES_MAX)
        return STATUS_OK;
    return put(metadata, name, json_incref(value), n_bytes, err);
}

enum status metadata_write(const struct metadata *metadata, struct arena *arena, const char **out,
                           struct error *err)
{
    if (json_object_size(metadata->object) == 0) {
        *out = "";
        return STATUS_OK;
    }
    struct buf text = {0};
    json_write(metadata->object, JSON_STYLE_COMPACT, &text);
    enum status status = buf_status(&text, err);
    const char *copy = status ? NULL : arena_text(arena, buf_text(&text), text.len);
    buf_clear(&text);
    if (status)
        return status;
    if (!copy)
        return error_nomem(err);
    *out = copy;
    return STATUS_OK;
}

void metadata_clear(struct metadata *metadata)
{
    json_decref(metadata->object);
    *metadata = (struct metadata){0};
}
