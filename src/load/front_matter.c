#include "load/front_matter.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define DEPTH_MAX 6
#define N_BRACKETS_MAX 100 /* within each other */

/* Where the walk is: a mapping or a sequence. */
struct level {
    size_t n_name; /* of the name so far that belongs to the levels above */
    bool is_sequence;
    bool has_name; /* of a mapping: its value comes next */
    bool is_whole; /* false: a list that no name stands before */
};

struct walker {
    struct sink *sink;
    struct level levels[DEPTH_MAX];
    size_t n_levels, n_too_deep;
    char name[METADATA_NAME_BYTES_MAX + 1]; /* dotted */
    size_t n_name;
    bool is_name_whole; /* false: it is too long, or no text */
    size_t n_sequences; /* around the place at hand */
};

static bool is_null(const char *text)
{
    return strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

static bool is_list_name(const char *name)
{
    return strcasecmp(name, "tags") == 0 || strcasecmp(name, "keywords") == 0;
}

static void send_value(const struct walker *walker, const char *text, bool is_plain)
{
    size_t len = strlen(text);
    if (!walker->is_name_whole || strcasecmp(walker->name, "title") == 0 ||
        (is_plain && is_null(text)))
        return;
    if (walker->n_sequences > 0)
        sink_meta(walker->sink, walker->name, METADATA_ITEM, text, len);
    else if (is_list_name(walker->name))
        sink_meta_list(walker->sink, walker->name, text, len);
    else
        sink_meta(walker->sink, walker->name, is_plain ? METADATA_PLAIN : METADATA_TEXT, text, len);
}

static struct level *top_of(struct walker *walker)
{
    return walker->n_levels ? &walker->levels[walker->n_levels - 1] : NULL;
}

static void begin_name(struct walker *walker, struct level *top, const char *text)
{
    int n = snprintf(walker->name + top->n_name, sizeof walker->name - top->n_name, "%s%s",
                     top->n_name ? "." : "", text);
    walker->is_name_whole = *text && n > 0 && (size_t)n < sizeof walker->name - top->n_name;
    walker->n_name = walker->is_name_whole ? top->n_name + (size_t)n : top->n_name;
    top->has_name = true;
}

/* A value has ended: the next scalar of its mapping is a name. */
static void end_value(struct walker *walker)
{
    struct level *top = top_of(walker);
    if (!top || top->is_sequence)
        return;
    top->has_name = false;
    walker->n_name = top->n_name;
    walker->name[top->n_name] = '\0';
}

static void on_scalar(struct walker *walker, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    struct level *top = top_of(walker);
    if (!top || walker->n_too_deep)
        return;
    if (!top->is_sequence && !top->has_name) {
        begin_name(walker, top, text);
        return;
    }
    send_value(walker, text, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE);
    end_value(walker);
}

static void on_start(struct walker *walker, bool is_sequence)
{
    struct level *top = top_of(walker);
    bool is_name = top && !top->is_sequence && !top->has_name;
    bool is_nameless = top && !walker->is_name_whole;
    if (walker->n_too_deep || walker->n_levels == DEPTH_MAX || is_name || is_nameless) {
        walker->n_too_deep++;
        return;
    }
    walker->levels[walker->n_levels++] = (struct level){
        .n_name = walker->n_name, .is_sequence = is_sequence, .is_whole = top || !is_sequence};
    walker->is_name_whole = top || !is_sequence;
    walker->n_sequences += is_sequence;
}

static void on_end(struct walker *walker)
{
    if (walker->n_too_deep) {
        if (--walker->n_too_deep == 0) {
            struct level *top = top_of(walker);
            if (top && !top->is_sequence && !top->has_name)
                begin_name(walker, top, "");
            else
                end_value(walker);
        }
        return;
    }
    if (walker->n_levels == 0)
        return;
    const struct level *ended = &walker->levels[--walker->n_levels];
    walker->n_sequences -= ended->is_sequence;
    walker->n_name = ended->n_name;
    walker->name[walker->n_name] = '\0';
    walker->is_name_whole = walker->n_levels > 0 && top_of(walker)->is_whole;
    end_value(walker);
}

/* One event; false at the end of the document. */
static bool walk(struct walker *walker, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(walker, event);
        return true;
    case YAML_ALIAS_EVENT:
        if (top_of(walker) && !walker->n_too_deep && !top_of(walker)->is_sequence &&
            !top_of(walker)->has_name)
            begin_name(walker, top_of(walker), "");
        else if (!walker->n_too_deep)
            end_value(walker);
        return true;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        on_start(walker, event->type == YAML_SEQUENCE_START_EVENT);
        return true;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_end(walker);
        return true;
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        return false;
    default:
        return true;
    }
}

/* libyaml looks at every open bracket for each token: thousands of them take it seconds. */
static bool is_tangled(struct span text)
{
    const char *at = text.bytes;
    size_t depth = 0;
    for (size_t i = 0; i < text.len && depth < N_BRACKETS_MAX; i++) {
        if (at[i] == '[' || at[i] == '{')
            depth++;
        else if (depth > 0 && (at[i] == ']' || at[i] == '}'))
            depth--;
    }
    return depth == N_BRACKETS_MAX;
}

/* Is it YAML to its end? With a sink its values are sent on the way. */
static bool read_yaml(struct span text, struct sink *sink)
{
    yaml_parser_t parser;
    if (is_tangled(text) || !yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.bytes, text.len);
    struct walker walker = {.sink = sink};
    bool is_good = true, is_going = true;
    while (is_going && is_good) {
        yaml_event_t event;
        is_good = yaml_parser_parse(&parser, &event) != 0;
        if (is_good) {
            is_going =
                sink ? walk(&walker, &event)
                     : event.type != YAML_DOCUMENT_END_EVENT && event.type != YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    }
    yaml_parser_delete(&parser);
    return is_good;
}

/* A line that begins an entry of the outermost mapping. */
static bool begins_entry(const char *line, size_t len)
{
    return len > 0 && !strchr(" \t\r-#]}", *line) && memchr(line, ':', len) != NULL;
}

static void send_as_text(struct span entry, struct sink *sink)
{
    const char *at = entry.bytes, *colon = memchr(at, ':', entry.len);
    char name[METADATA_NAME_BYTES_MAX + 1];
    size_t n_name = (size_t)(colon - at);
    if (n_name >= sizeof name)
        return;
    memcpy(name, at, n_name);
    name[n_name] = '\0';
    if (strcasecmp(name, "title") != 0)
        sink_meta(sink, name, METADATA_TEXT, colon + 1, entry.len - n_name - 1);
}

static void send_entry(struct span entry, struct sink *sink)
{
    if (entry.len == 0)
        return;
    if (read_yaml(entry, NULL))
        read_yaml(entry, sink);
    else
        send_as_text(entry, sink);
}

void front_matter_send(struct span block, struct sink *sink)
{
    if (read_yaml(block, NULL)) {
        read_yaml(block, sink);
        return;
    }
    const char *at = block.bytes, *end = at + block.len, *entry = NULL;
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        next = next ? next + 1 : end;
        if (begins_entry(at, (size_t)(next - at))) {
            if (entry)
                send_entry((struct span){entry, (size_t)(at - entry)}, sink);
            entry = at;
        }
        at = next;
    }
    if (entry)
        send_entry((struct span){entry, (size_t)(end - entry)}, sink);
}
