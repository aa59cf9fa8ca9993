#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "app/config.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

enum status config_xdg_folder(const char *variable, const char *below_home, char **out,
                              struct error *err)
{
    const char *xdg = getenv(variable);
    const char *home = getenv("HOME");
    if (xdg && xdg[0] == '/') {
        *out = path_join(xdg, "ragged");
        return *out ? STATUS_OK : error_nomem(err);
    }
    if (!home || home[0] != '/') {
        error_set(err, STATUS_NOT_FOUND, "there is no home folder: HOME is not set");
        error_hint(err, "set HOME or %s to an absolute path", variable);
        return STATUS_NOT_FOUND;
    }
    char *folder = path_join(home, below_home);
    char *path = folder ? path_join(folder, "ragged") : NULL;
    mem_free(folder);
    if (!path)
        return error_nomem(err);
    *out = path;
    return STATUS_OK;
}

enum status config_file_path(char **out, struct error *err)
{
    char *folder = NULL;
    enum status status = config_xdg_folder("XDG_CONFIG_HOME", ".config", &folder, err);
    if (status)
        return status;
    char *path = path_join(folder, "config.yaml");
    mem_free(folder);
    if (!path)
        return error_nomem(err);
    *out = path;
    return STATUS_OK;
}

/* libyaml counts characters, not bytes. */
static size_t byte_of_character(const char *text, size_t len, size_t i_character)
{
    size_t at = 0;
    for (size_t i = 0; i < i_character && at < len; i++) {
        uint32_t codepoint;
        at += utf8_decode(text + at, len - at, &codepoint);
    }
    return at;
}

struct file_reader {
    const char *path, *text;
    size_t len;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    bool is_seen[CONFIG_KEYS_MAX];
};

static enum status next_event(struct file_reader *reader, struct error *err)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        if (reader->parser.error == YAML_MEMORY_ERROR)
            return error_nomem(err);
        return error_set(err, STATUS_INVALID, "\"%s\" line %zu is not YAML: %s", reader->path,
                         reader->parser.problem_mark.line + 1,
                         reader->parser.problem ? reader->parser.problem : "bad bytes");
    }
    reader->has_event = true;
    return STATUS_OK;
}

static enum status not_flat(const struct file_reader *reader, struct error *err)
{
    error_set(err, STATUS_INVALID, "\"%s\" line %zu: only plain \"key: value\" lines are possible",
              reader->path, reader->event.start_mark.line + 1);
    error_hint(err, "\"ragged help config\" lists the keys");
    return STATUS_INVALID;
}

static enum status check_key(struct file_reader *reader, const char *name, size_t line,
                             struct error *err)
{
    const struct config_key *key = config_key_find(name);
    if (!key) {
        char where[300];
        snprintf(where, sizeof where, " in \"%.270s\" line %zu", reader->path, line);
        return config_key_unknown(name, where, err);
    }
    bool *is_seen = &reader->is_seen[key - config_keys];
    if (*is_seen)
        return error_set(err, STATUS_INVALID, "\"%s\" line %zu: \"%s\" is there twice",
                         reader->path, line, name);
    *is_seen = true;
    return STATUS_OK;
}

static enum status read_pair(struct file_reader *reader,
                             enum status (*each)(void *ctx, const struct config_pair *pair,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    char name[64];
    if (reader->event.type != YAML_SCALAR_EVENT)
        return not_flat(reader, err);
    const char *text = (const char *)reader->event.data.scalar.value;
    snprintf(name, sizeof name, "%s", text);
    size_t line = reader->event.start_mark.line + 1;
    enum status status = check_key(reader, name, line, err);
    if (!status)
        status = next_event(reader, err);
    if (status)
        return status;
    if (reader->event.type != YAML_SCALAR_EVENT)
        return not_flat(reader, err);
    const yaml_event_t *event = &reader->event;
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
        return error_set(err, STATUS_INVALID, "\"%s\" line %zu: \"%s\" holds a zero byte",
                         reader->path, line, name);
    struct config_pair pair = {
        .key = name,
        .value = (const char *)event->data.scalar.value,
        .line = line,
        .value_start = byte_of_character(reader->text, reader->len, event->start_mark.index),
        .value_end = byte_of_character(reader->text, reader->len, event->end_mark.index),
    };
    return each(ctx, &pair, err);
}

static enum status read_mapping(struct file_reader *reader,
                                enum status (*each)(void *ctx, const struct config_pair *pair,
                                                    struct error *err),
                                void *ctx, struct error *err)
{
    enum status status;
    do {
        status = next_event(reader, err);
    } while (!status && (reader->event.type == YAML_STREAM_START_EVENT ||
                         reader->event.type == YAML_DOCUMENT_START_EVENT));
    if (status || reader->event.type == YAML_STREAM_END_EVENT)
        return status;
    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return not_flat(reader, err);
    while (!(status = next_event(reader, err)) && reader->event.type != YAML_MAPPING_END_EVENT)
        if ((status = read_pair(reader, each, ctx, err)))
            return status;
    if (!status)
        status = next_event(reader, err);
    if (!status)
        status = next_event(reader, err);
    if (!status && reader->event.type != YAML_STREAM_END_EVENT)
        return not_flat(reader, err);
    return status;
}

enum status config_file_read(const char *path, const char *text, size_t len,
                             enum status (*each)(void *ctx, const struct config_pair *pair,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    struct file_reader reader = {.path = path, .text = text, .len = len};
    if (!yaml_parser_initialize(&reader.parser))
        return error_nomem(err);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    enum status status = read_mapping(&reader, each, ctx, err);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return status;
}

/* --- config set --- */

struct place {
    const char *key;
    size_t start, end;
    bool is_found;
};

static enum status note_place(void *ctx, const struct config_pair *pair, struct error *err)
{
    (void)err;
    struct place *place = ctx;
    if (strcmp(pair->key, place->key) == 0)
        *place = (struct place){place->key, pair->value_start, pair->value_end, true};
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

static void splice(struct buf *out, const struct buf *old, const struct place *place,
                   const char *value)
{
    const char *text = buf_text(old);
    if (!place->is_found) {
        buf_append(out, text, old->len);
        if (old->len && text[old->len - 1] != '\n')
            buf_append_char(out, '\n');
        buf_printf(out, "%s: ", place->key);
        append_scalar(out, value);
        buf_append_char(out, '\n');
        return;
    }
    buf_append(out, text, place->start);
    if (place->start && text[place->start - 1] == ':')
        buf_append_char(out, ' ');
    append_scalar(out, value);
    if (place->end > place->start && text[place->end - 1] == '\n')
        buf_append_char(out, '\n');
    buf_append(out, text + place->end, old->len - place->end);
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

enum status config_file_set(const char *path, const struct config_key *key, const char *value,
                            struct error *err)
{
    struct buf old = {0}, changed = {0};
    struct place place = {.key = key->name};
    struct value checked;
    enum status status = value_check(&key->rule, key->name, value, &checked, err);
    if (!status && !utf8_is_valid(value, strlen(value)))
        status = error_set(err, STATUS_INVALID, "the value of \"%s\" is not UTF-8", key->name);
    if (status)
        return status;
    status = file_read(path, RAGGED_LIMIT_CONFIG, &old, err);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (!status)
        status = config_file_read(path, buf_text(&old), old.len, note_place, &place, err);
    if (status)
        goto done;
    splice(&changed, &old, &place, checked.text);
    status = buf_status(&changed, err);
    if (!status)
        status = config_file_read(path, buf_text(&changed), changed.len, ignore_pair, NULL, err);
    if (!status)
        status = write_file(path, &changed, err);
done:
    buf_clear(&old);
    buf_clear(&changed);
    return status;
}
