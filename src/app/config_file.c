#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "app/config.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "engine/engine.h"

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
    char names[CONFIG_DEPTH_MAX][256];
    enum status (*each)(void *ctx, const struct config_pair *pair, struct error *err);
    void *ctx;
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

static enum status check_key(struct file_reader *reader, const char *name, const char *where,
                             struct error *err)
{
    const struct config_key *key = config_key_find(name);
    if (!key)
        return config_key_unknown(name, where, err);
    bool *is_seen = &reader->is_seen[key - config_keys];
    if (*is_seen)
        return error_set(err, STATUS_INVALID, "\"%s\" is there twice%s", name, where);
    *is_seen = true;
    return STATUS_OK;
}

/* The name of a pair at `depth`: 0 a key, 1 a feature or "collections", 2 a collection. */
static enum status read_name(struct file_reader *reader, size_t depth, struct error *err)
{
    char where[300], *name = reader->names[depth];
    if (reader->event.type != YAML_SCALAR_EVENT)
        return not_flat(reader, err);
    snprintf(where, sizeof where, " in \"%.250s\" line %zu", reader->path,
             reader->event.start_mark.line + 1);
    const char *text = (const char *)reader->event.data.scalar.value;
    size_t len = reader->event.data.scalar.length;
    if (len >= sizeof reader->names[depth] || strlen(text) != len)
        return error_set(err, STATUS_INVALID, "a name is too long or holds a zero byte%s", where);
    memcpy(name, text, len + 1);
    if (depth == 0)
        return check_key(reader, name, where, err);
    bool is_feature = depth == 3 || (depth == 1 && strcmp(name, "collections") != 0);
    if (is_feature && feature_find(name) == FEATURE_COUNT)
        return config_feature_unknown(name, where, err);
    return STATUS_OK;
}

/* A mapping holds features, collections, or the features of a collection. */
static bool may_nest(const struct file_reader *reader, size_t depth)
{
    if (depth == 0)
        return config_key_find(reader->names[0])->is_mapping;
    return depth == 2 || (depth == 1 && strcmp(reader->names[1], "collections") == 0);
}

static struct config_pair pair_of(const struct file_reader *reader, size_t depth)
{
    const yaml_event_t *event = &reader->event;
    struct config_pair pair = {
        .n_names = depth + 1,
        .value = "",
        .line = event->start_mark.line + 1,
        .value_start = byte_of_character(reader->text, reader->len, event->start_mark.index),
        .value_end = byte_of_character(reader->text, reader->len, event->end_mark.index),
        .column = event->start_mark.column,
    };
    for (size_t i = 0; i <= depth; i++)
        pair.names[i] = reader->names[i];
    return pair;
}

static enum status read_scalar(struct file_reader *reader, size_t depth, struct error *err)
{
    const yaml_event_t *event = &reader->event;
    struct config_pair pair = pair_of(reader, depth);
    pair.value = (const char *)event->data.scalar.value;
    if (strlen(pair.value) != event->data.scalar.length)
        return error_set(err, STATUS_INVALID, "\"%s\" line %zu: \"%s\" holds a zero byte",
                         reader->path, pair.line, reader->names[depth]);
    if (*pair.value && may_nest(reader, depth))
        return error_set(err, STATUS_INVALID, "\"%s\" line %zu: \"%s\" wants \"name: value\" lines",
                         reader->path, pair.line, reader->names[depth]);
    return reader->each(reader->ctx, &pair, err);
}

/* The entries of a mapping that has begun; depth first, CONFIG_DEPTH_MAX deep at most. */
static enum status read_entries(struct file_reader *reader, size_t depth, struct error *err)
{
    enum status status;
    while (!(status = next_event(reader, err)) && reader->event.type != YAML_MAPPING_END_EVENT) {
        status = read_name(reader, depth, err);
        if (!status)
            status = next_event(reader, err);
        if (status)
            return status;
        if (reader->event.type == YAML_SCALAR_EVENT) {
            status = read_scalar(reader, depth, err);
        } else if (reader->event.type == YAML_MAPPING_START_EVENT && may_nest(reader, depth)) {
            struct config_pair pair = pair_of(reader, depth);
            pair.is_mapping = true;
            pair.is_flow = reader->event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
            pair.value_start += pair.is_flow;
            status = reader->each(reader->ctx, &pair, err);
            if (!status)
                status = read_entries(reader, depth + 1, err);
        } else {
            status = not_flat(reader, err);
        }
        if (status)
            return status;
    }
    return status;
}

static enum status read_document(struct file_reader *reader, struct error *err)
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
    status = read_entries(reader, 0, err);
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
    struct file_reader reader = {.path = path, .text = text, .len = len, .each = each, .ctx = ctx};
    if (!yaml_parser_initialize(&reader.parser))
        return error_nomem(err);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    enum status status = read_document(&reader, err);
    if (reader.has_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return status;
}
