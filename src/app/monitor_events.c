#include "app/monitor_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define LINE_BYTES_MAX 1024

/* The words of one line, whichever way it was written. */
struct line {
    char time[32], level[8], name[16];
    char facts[48]; /* only whole ones */
    int exit_code;
};

static void clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

/* How long it took is no reason, and numbers of a run say nothing to people. */
static bool is_left_out(const char *key)
{
    static const char *const keys[] = {"run", "trace", "library", "took_us", "free_bytes"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* Words speak for themselves, numbers need their name. */
static void add_fact(struct line *line, const char *key, const char *value)
{
    size_t len = strlen(line->facts);
    bool is_word = value[strspn(value, "-0123456789")] != '\0';
    if (strcmp(key, "exit_code") == 0)
        line->exit_code = (int)strtol(value, NULL, 10);
    if (is_left_out(key) || len + strlen(key) + strlen(value) + 3 > sizeof line->facts)
        return;
    snprintf(line->facts + len, sizeof line->facts - len, "%s%s%s%s", len ? " " : "",
             is_word ? "" : key, is_word ? "" : "=", value);
}

static bool read_text(char *text, struct line *out)
{
    int n_used = 0;
    if (sscanf(text, "%31s %7s %15s%n", out->time, out->level, out->name, &n_used) != 3)
        return false;
    char *rest = text + n_used, *word;
    while ((word = strsep(&rest, " ")) != NULL) {
        char *equals = strchr(word, '=');
        if (!equals)
            continue;
        *equals = '\0';
        add_fact(out, word, equals + 1);
    }
    return true;
}

static bool read_json(const char *text, struct line *out)
{
    json_t *object = NULL, *value;
    const char *key;
    if (json_parse(text, strlen(text), &object, NULL))
        return false;
    snprintf(out->time, sizeof out->time, "%s", json_get_text(object, "ts", ""));
    snprintf(out->level, sizeof out->level, "%s", json_get_text(object, "level", ""));
    snprintf(out->name, sizeof out->name, "%s", json_get_text(object, "event", ""));
    json_object_foreach(object, key, value)
    {
        char number[32];
        snprintf(number, sizeof number, "%.0f", json_number_value(value));
        if (strcmp(key, "ts") != 0 && strcmp(key, "level") != 0 && strcmp(key, "event") != 0)
            add_fact(out, key, json_is_string(value) ? json_string_value(value) : number);
    }
    json_decref(object);
    return true;
}

/* A command that was stopped from outside (above 128) did not fail. */
static bool parse_line(const char *text, size_t len, struct monitor_event *out)
{
    char copy[LINE_BYTES_MAX];
    struct line line = {0};
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!(copy[0] == '{' ? read_json(copy, &line) : read_text(copy, &line)))
        return false;
    bool is_error = strcmp(line.level, "error") == 0;
    bool has_failed = line.exit_code > 0 && line.exit_code < 128;
    if (!is_error && strcmp(line.level, "warn") != 0 && !has_failed)
        return false;
    *out = (struct monitor_event){.is_error = is_error || has_failed};
    if (!clock_parse_utc(line.time, &out->wall_ms))
        return false;
    snprintf(out->name, sizeof out->name, "%s", has_failed ? "failed" : line.name);
    snprintf(out->facts, sizeof out->facts, "%s", line.facts);
    clean(out->name);
    clean(out->facts);
    return true;
}

size_t monitor_events_parse(const char *text, size_t len, struct monitor_event *out, size_t n_max)
{
    size_t n = 0;
    while (len > 0 && n < n_max) {
        size_t end = text[len - 1] == '\n' ? len - 1 : len;
        const char *before = end ? memrchr(text, '\n', end) : NULL;
        size_t start = before ? (size_t)(before - text) + 1 : 0;
        n += parse_line(text + start, end - start, &out[n]);
        len = start;
    }
    return n;
}
