#include "query/metadata.h"

#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "load/load.h"
#include "text/text.h"

#define GIVEN "_given"
#define GIVEN_MAX 64 /* in one command */

static enum status write_json(json_t *object, struct arena *arena, const char **out,
                              struct error *err)
{
    return metadata_write(&(struct metadata){.object = object}, arena, out, err);
}

/* Never NULL on success; what is not an object is an empty one. */
static enum status read_json(const char *text, json_t **out, struct error *err)
{
    json_t *object = NULL;
    enum status status = text && *text ? json_parse(text, strlen(text), &object, err) : STATUS_OK;
    if (status == STATUS_FORMAT)
        status = STATUS_OK;
    if (!status && !json_is_object(object)) {
        json_decref(object);
        object = json_object();
        status = object ? STATUS_OK : error_nomem(err);
    }
    if (!status)
        *out = object;
    return status;
}

/* ---- given ---- */

static enum status give(struct metadata *given, const char *name, const char *value, size_t len,
                        struct error *err)
{
    struct buf clean = {0};
    text_normalize(value, len, TEXT_SPACE_COLLAPSE, &clean);
    enum status status = buf_status(&clean, err);
    if (!status && clean.len > METADATA_VALUE_BYTES_MAX)
        status = error_set(err, STATUS_LIMIT, "the value of \"%s\" is longer than %zu bytes", name,
                           METADATA_VALUE_BYTES_MAX);
    if (!status && clean.len > 0)
        status = metadata_add(given, name, METADATA_PLAIN, clean.data, clean.len, err);
    if (!status && clean.len == 0 && !json_object_get(given->object, name))
        status = metadata_add_json(given, name, json_null(), err);
    buf_clear(&clean);
    return status;
}

static enum status give_text(struct metadata *given, const char *text, struct error *err)
{
    char name[METADATA_NAME_BYTES_MAX + 1];
    const char *equals = strchr(text, '=');
    enum status status =
        equals ? metadata_name(text, (size_t)(equals - text), name, err) : STATUS_INVALID;
    if (status == STATUS_INVALID) {
        error_set(err, status, "\"%s\" is no metadata", text);
        error_hint(err,
                   "it is NAME=VALUE, like author=\"Ada Lovelace\" or year=1843; a name has at "
                   "most %zu bytes and does not begin with \"_\"",
                   METADATA_NAME_BYTES_MAX);
    }
    if (status)
        return status;
    return give(given, name, equals + 1, strlen(equals + 1), err);
}

enum status metadata_given_parse(const char *const *texts, size_t n, struct arena *arena,
                                 const char **out, struct error *err)
{
    struct metadata given = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = give_text(&given, texts[i], err);
    if (!status && (n > GIVEN_MAX || given.n_bytes > METADATA_BYTES_MAX / 2))
        status = error_set(err, STATUS_LIMIT, "more than %d metadata or %zu KiB of them", GIVEN_MAX,
                           METADATA_BYTES_MAX / 2048);
    if (!status)
        status = metadata_write(&given, arena, out, err);
    metadata_clear(&given);
    return status;
}

enum status metadata_given_of(const char *meta, struct arena *arena, const char **out,
                              struct error *err)
{
    json_t *object = NULL;
    if (!meta || !strstr(meta, "\"" GIVEN "\"")) {
        *out = "";
        return STATUS_OK;
    }
    struct metadata given = {0};
    enum status status = read_json(meta, &object, err);
    const json_t *names = json_object_get(object, GIVEN);
    for (size_t i = 0; i < json_array_size(names) && !status; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *value = name ? json_object_get(object, name) : NULL;
        if (value)
            status = metadata_add_json(&given, name, value, err);
    }
    if (!status)
        status = metadata_write(&given, arena, out, err);
    metadata_clear(&given);
    json_decref(object);
    return status;
}

enum status metadata_given_join(const char *before, const char *now, struct arena *arena,
                                const char **out, bool *out_is_changed, struct error *err)
{
    json_t *old = NULL, *new = NULL;
    const char *name, *joined = before;
    json_t *value;
    void *next;
    struct metadata given = {0};
    enum status status = read_json(before, &old, err);
    if (!status)
        status = read_json(now, &new, err);
    if (!status) {
        json_object_foreach_safe(new, next, name, value) if (!status && !json_is_null(value))
            status = metadata_add_json(&given, name, value, err);
        json_object_foreach_safe(old, next, name, value) if (!status && !json_object_get(new, name))
            status = metadata_add_json(&given, name, value, err);
    }
    bool is_changed = !status && (json_object_size(given.object) != json_object_size(old) ||
                                  (given.object && !json_equal(given.object, old)));
    if (is_changed)
        status = metadata_write(&given, arena, &joined, err);
    if (!status) {
        *out = joined;
        *out_is_changed = is_changed;
    }
    metadata_clear(&given);
    json_decref(old);
    json_decref(new);
    return status;
}

/* ---- stored ---- */

/* The names of `given` first, so that they are never what has no room. */
static enum status put_names(struct metadata *joined, json_t *given, struct error *err)
{
    const char *name;
    json_t *value, *names = json_object_size(given) ? json_array() : NULL;
    enum status status = STATUS_OK;
    if (!names)
        return json_object_size(given) ? error_nomem(err) : STATUS_OK;
    json_object_foreach(given, name,
                        value) if (!status && json_array_append_new(names, json_text(name)))
        status = error_nomem(err);
    if (!status)
        status = metadata_add_json(joined, GIVEN, names, err);
    json_decref(names);
    return status;
}

enum status metadata_join(const char *loaded, const char *given, struct arena *arena,
                          const char **out, struct error *err)
{
    if (!*given) {
        *out = loaded;
        return STATUS_OK;
    }
    json_t *objects[2] = {NULL, NULL};
    const char *name;
    json_t *value;
    struct metadata joined = {0};
    enum status status = read_json(given, &objects[0], err);
    if (!status)
        status = read_json(loaded, &objects[1], err);
    if (!status)
        status = put_names(&joined, objects[0], err);
    for (int i = 0; i < 2 && !status; i++)
        json_object_foreach(objects[i], name, value) if (!status) status =
            metadata_add_json(&joined, name, value, err);
    if (!status)
        status = metadata_write(&joined, arena, out, err);
    metadata_clear(&joined);
    json_decref(objects[0]);
    json_decref(objects[1]);
    return status;
}

enum status metadata_show(const char *meta, struct arena *arena, const char **out,
                          struct error *err)
{
    if (!meta || !strstr(meta, "\"" GIVEN "\"")) {
        *out = meta ? meta : "";
        return STATUS_OK;
    }
    json_t *object = NULL;
    enum status status = read_json(meta, &object, err);
    if (status)
        return status;
    json_object_del(object, GIVEN);
    status = write_json(object, arena, out, err);
    json_decref(object);
    return status;
}

/* ---- reading ---- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static unsigned hex_of(const char *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return UTF8_REPLACEMENT;
        value = value << 4 | digit;
    }
    return value;
}

static void append(struct metadata_reader *reader, const char *bytes, size_t len)
{
    if (len > sizeof reader->text - reader->len)
        len = sizeof reader->text - reader->len;
    memcpy(reader->text + reader->len, bytes, len);
    reader->len += len;
}

/* The escape whose backslash is at at[0]; returns what is behind it. Pairs of surrogates, which we
 * never write, become two U+FFFD. */
static const char *read_escape(struct metadata_reader *reader, const char *at)
{
    static const char letters[] = "nrtbf", meanings[] = "\n\r\t\b\f";
    char bytes[4];
    if (at[1] == 'u' && strnlen(at + 2, 4) == 4) {
        append(reader, bytes, utf8_encode(hex_of(at + 2), bytes));
        return at + 6;
    }
    const char *letter = at[1] ? strchr(letters, at[1]) : NULL;
    if (at[1])
        append(reader, letter ? &meanings[letter - letters] : &at[1], 1);
    return at[1] ? at + 2 : at + 1;
}

/* The text whose quote is at at[0]; returns what is behind it, NULL when it does not end. */
static const char *read_text(struct metadata_reader *reader, const char *at)
{
    reader->len = 0;
    for (at++; *at && *at != '"';) {
        size_t n = strcspn(at, "\"\\");
        append(reader, at, n);
        at += n;
        if (*at == '\\')
            at = read_escape(reader, at);
    }
    return *at == '"' ? at + 1 : NULL;
}

static const char *read_scalar(struct metadata_reader *reader, const char *at)
{
    if (*at == '"')
        return read_text(reader, at);
    size_t n = strcspn(at, ",]}[{\" \t\r\n");
    reader->len = 0;
    append(reader, at, n);
    return n > 0 ? at + n : NULL;
}

static const char *skip_value(struct metadata_reader *reader, const char *at)
{
    if (*at != '[')
        return read_scalar(reader, at);
    at = skip_blanks(at + 1);
    while (at && *at && *at != ']') {
        at = read_scalar(reader, at);
        at = at ? skip_blanks(at) : NULL;
        if (at && *at == ',')
            at = skip_blanks(at + 1);
    }
    return at && *at == ']' ? at + 1 : NULL;
}

bool metadata_find(const char *meta, const char *name, struct metadata_reader *out)
{
    size_t n_name = strlen(name);
    const char *at = meta ? skip_blanks(meta) : "";
    if (*at++ != '{')
        return false;
    for (at = skip_blanks(at); at && *at == '"'; at = skip_blanks(at + 1)) {
        at = read_text(out, at);
        bool is_found = at && out->len == n_name && memcmp(out->text, name, n_name) == 0;
        at = at ? skip_blanks(at) : NULL;
        if (!at || *at != ':')
            return false;
        at = skip_blanks(at + 1);
        if (is_found && strncmp(at, "null", 4) != 0) {
            out->is_list = *at == '[';
            out->at = out->is_list ? skip_blanks(at + 1) : at;
            return true;
        }
        at = skip_value(out, at);
        at = at ? skip_blanks(at) : NULL;
        if (!at || *at != ',')
            return false;
    }
    return false;
}

bool metadata_next(struct metadata_reader *reader)
{
    const char *at = reader->at;
    reader->at = NULL;
    at = at ? read_scalar(reader, at) : NULL;
    if (!at)
        return false;
    if (reader->is_list) {
        at = skip_blanks(at);
        reader->at = *at == ',' ? skip_blanks(at + 1) : NULL;
    }
    return true;
}
