/* Changes one value in the text of the settings, so that comments and everything else stay. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "app/config.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/engine.h"

/* Where the value is, or the deepest mapping that it belongs into. */
struct place {
    const char *const *names; /* what is wanted */
    size_t n_names;
    size_t n_found; /* so many of them are there; all: start..end is the value */
    size_t start, end;
    bool is_scalar; /* start..end is a value, perhaps an empty one where a mapping is wanted */
    bool is_flow;
    size_t column;
};

static bool is_same(const char *a, const char *b, size_t depth)
{
    bool is_feature = depth % 2 == 1 && feature_find(a) != FEATURE_COUNT;
    return is_feature ? feature_find(a) == feature_find(b) : strcmp(a, b) == 0;
}

static enum status note_place(void *ctx, const struct config_pair *pair, struct error *err)
{
    (void)err;
    struct place *place = ctx;
    if (pair->n_names > place->n_names)
        return STATUS_OK;
    for (size_t i = 0; i < pair->n_names; i++)
        if (!is_same(place->names[i], pair->names[i], i))
            return STATUS_OK;
    place->n_found = pair->n_names;
    place->start = pair->value_start;
    place->end = pair->is_mapping ? pair->value_start : pair->value_end;
    place->is_scalar = !pair->is_mapping;
    place->is_flow = pair->is_flow;
    place->column = pair->column;
    return STATUS_OK;
}

static enum status ignore_pair(void *ctx, const struct config_pair *pair, struct error *err)
{
    (void)ctx;
    (void)pair;
    (void)err;
    return STATUS_OK;
}

static void append_scalar(struct buf *out, const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._:@+-";
    size_t len = strlen(value);
    bool is_plain = len > 0 && strspn(value, plain) == len && !strchr(".:@+-", value[0]) &&
                    value[len - 1] != ':';
    if (is_plain) {
        buf_append_text(out, value);
        return;
    }
    buf_append_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\x%02X", c);
        else
            buf_append_char(out, value[i]);
    }
    buf_append_char(out, '"');
}

/* "a: {b: value}" of the names from n_found on. */
static void append_flow(struct buf *out, const struct place *place, const char *value)
{
    for (size_t i = place->n_found; i < place->n_names; i++) {
        append_scalar(out, place->names[i]);
        buf_append_text(out, i + 1 < place->n_names ? ": {" : ": ");
    }
    append_scalar(out, value);
    for (size_t i = place->n_found + 1; i < place->n_names; i++)
        buf_append_char(out, '}');
}

/* The same on lines of their own, the first where `out` stands, in place->column. */
static void append_block(struct buf *out, const struct place *place, const char *value)
{
    size_t column = place->column;
    for (size_t i = place->n_found; i < place->n_names; i++, column += 2) {
        if (i > place->n_found)
            buf_printf(out, "\n%*s", (int)column, "");
        append_scalar(out, place->names[i]);
        buf_append_char(out, ':');
    }
    buf_append_char(out, ' ');
    append_scalar(out, value);
    buf_append_char(out, '\n');
}

static void replace(struct buf *out, const struct buf *old, const struct place *place,
                    const char *value)
{
    const char *text = buf_text(old);
    buf_append(out, text, place->start);
    if (place->start && text[place->start - 1] == ':')
        buf_append_char(out, ' ');
    if (place->n_found == place->n_names) {
        append_scalar(out, value);
    } else {
        buf_append_char(out, '{');
        append_flow(out, place, value);
        buf_append_char(out, '}');
    }
    if (place->end > place->start && text[place->end - 1] == '\n')
        buf_append_char(out, '\n');
    buf_append(out, text + place->end, old->len - place->end);
}

static void insert(struct buf *out, const struct buf *old, const struct place *place,
                   const char *value)
{
    const char *text = buf_text(old);
    buf_append(out, text, place->start);
    if (place->is_flow) {
        append_flow(out, place, value);
        size_t next = place->start + strspn(text + place->start, " \t\r\n");
        buf_append_text(out, text[next] == '}' ? "" : ", ");
    } else {
        if (place->n_found == 0 && old->len && text[old->len - 1] != '\n')
            buf_append_char(out, '\n');
        append_block(out, place, value);
        buf_printf(out, "%*s", (int)place->column, "");
    }
    buf_append(out, text + place->start, old->len - place->start);
}

static enum status write_file(const char *path, const struct buf *text, struct error *err)
{
    /* The file may be a link into someone's collection of dot files: the link stays. */
    char real[PATH_MAX];
    const char *target = realpath(path, real) ? real : path;
    char *folder = mem_text_n(target, (size_t)(path_name(target) - target));
    enum status status = folder ? folder_make(folder, err) : error_nomem(err);
    if (!status)
        status = file_replace(target, buf_text(text), text->len, 0600, err);
    mem_free(folder);
    return status;
}

static void note_change(const struct buf *old, const struct buf *changed, struct config_change *out)
{
    out->before[0] = '\0';
    if (old->data)
        hash_sha256_hex(old->data, old->len, out->before);
    hash_sha256_hex(buf_text(changed), changed->len, out->after);
}

static enum status change(const char *path, const char *const *names, size_t n_names,
                          const char *value, struct config_change *out, struct error *err)
{
    struct buf old = {0}, changed = {0};
    struct place place = {.names = names, .n_names = n_names};
    enum status status = file_read(path, RAGGED_LIMIT_CONFIG, &old, err);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (!status) {
        place.start = place.end = old.len;
        status = config_file_read(path, buf_text(&old), old.len, note_place, &place, err);
    }
    if (status)
        goto done;
    if (place.is_scalar)
        replace(&changed, &old, &place, value);
    else
        insert(&changed, &old, &place, value);
    status = buf_status(&changed, err);
    if (!status)
        status = config_file_read(path, buf_text(&changed), changed.len, ignore_pair, NULL, err);
    if (!status)
        status = write_file(path, &changed, err);
    if (!status && out)
        note_change(&old, &changed, out);
done:
    buf_clear(&old);
    buf_clear(&changed);
    return status;
}

enum status config_file_set(const char *path, const struct config_key *key, const char *value,
                            struct config_change *out, struct error *err)
{
    struct value checked;
    enum status status = value_check(&key->rule, key->name, value, &checked, err);
    if (!status && !utf8_is_valid(value, strlen(value)))
        status = error_set(err, STATUS_INVALID, "the value of \"%s\" is not UTF-8", key->name);
    if (!status && key->is_mapping) {
        status = error_set(err, STATUS_INVALID, "\"%s\" has names of its own", key->name);
        error_hint(err, "ragged feature-flags enable NAME, ragged feature-flags disable NAME");
    }
    return status ? status : change(path, &key->name, 1, checked.text, out, err);
}

enum status config_file_set_feature(const char *path, enum feature feature, const char *collection,
                                    bool is_on, struct config_change *out, struct error *err)
{
    const char *const general[] = {"feature_flags", feature_name(feature)};
    const char *const special[] = {"feature_flags", "collections", collection,
                                   feature_name(feature)};
    if (collection && (!*collection || !utf8_is_valid(collection, strlen(collection))))
        return error_set(err, STATUS_INVALID, "\"%s\" can not name a collection", collection);
    const char *value = is_on ? "true" : "false";
    return collection ? change(path, special, 4, value, out, err)
                      : change(path, general, 2, value, out, err);
}
