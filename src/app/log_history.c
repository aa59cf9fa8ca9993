#include "app/log_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"

#define LOG_BYTES_MAX (16 * RAGGED_MIB)

static bool read_time(const char *line, int64_t *out_ms)
{
    static const char json[] = "{\"ts\":\"";
    if (strncmp(line, json, sizeof json - 1) == 0)
        line += sizeof json - 1;
    return clock_parse_utc(line, out_ms);
}

/* The value behind ` key=` or `,"key":`; NULL: it is not in the line. A quotation mark before it is
 * passed over. */
static const char *find_value(const char *line, const char *key)
{
    char text[48], json[48];
    snprintf(text, sizeof text, " %s=", key);
    snprintf(json, sizeof json, ",\"%s\":", key);
    const char *at = strstr(line, line[0] == '{' ? json : text);
    if (!at)
        return NULL;
    at += strlen(line[0] == '{' ? json : text);
    return at + (*at == '"');
}

static bool has_word(const char *at, const char *word)
{
    size_t len = strlen(word);
    return at && strncmp(at, word, len) == 0 && strchr("\" \n", at[len]);
}

/* In text the event is the third word: "time level event run=...". */
static bool is_event(const char *line, const char *event)
{
    if (line[0] == '{')
        return has_word(find_value(line, "event"), event);
    for (int i = 0; i < 2; i++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return has_word(line, event);
}

static uint64_t number_of(const char *line, const char *key)
{
    const char *at = find_value(line, key);
    return at ? strtoull(at, NULL, 10) : 0;
}

static enum status add(struct log_history *history, struct log_history_entry entry,
                       struct error *err)
{
    void *entries = history->entries;
    if (entry.n == 0)
        return STATUS_OK;
    enum status status =
        mem_reserve(&entries, &history->n_max, history->n + 1, sizeof *history->entries, err);
    history->entries = entries;
    if (!status)
        history->entries[history->n++] = entry;
    return status;
}

static enum status parse_line(struct log_history *history, const char *line, struct error *err)
{
    int64_t at_ms;
    if (!read_time(line, &at_ms))
        return STATUS_OK;
    struct log_history_entry searched = {at_ms, LOG_HISTORY_SEARCHED, 0, 0};
    if (is_event(line, "searched")) {
        searched.n = 1;
        searched.took_us = number_of(line, "took_us");
        return add(history, searched, err);
    }
    /* Lines above the rate of the log are only counted there. */
    if (is_event(line, "suppressed") && has_word(find_value(line, "of"), "searched")) {
        searched.n = number_of(line, "count");
        return add(history, searched, err);
    }
    if (!is_event(line, "added"))
        return STATUS_OK;
    struct log_history_entry files = {at_ms, LOG_HISTORY_FILES, number_of(line, "added"), 0};
    struct log_history_entry vectors = {at_ms, LOG_HISTORY_VECTORS, number_of(line, "vectors"), 0};
    enum status status = add(history, files, err);
    return status ? status : add(history, vectors, err);
}

enum status log_history_parse(struct log_history *history, const char *text, struct error *err)
{
    enum status status = STATUS_OK;
    while (*text && !status) {
        char line[512];
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line), text);
        status = parse_line(history, line, err);
        text += len + (text[len] == '\n');
    }
    return status;
}

static enum status read_one(struct log_history *history, const char *path, struct error *err)
{
    struct buf text = {0};
    enum status status = file_read(path, LOG_BYTES_MAX, &text, err);
    if (!status)
        status = log_history_parse(history, buf_text(&text), err);
    buf_clear(&text);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status log_history_read(struct log_history *history, const char *path, struct error *err)
{
    struct buf before = {0};
    buf_printf(&before, "%s.1", path);
    enum status status = buf_status(&before, err);
    if (!status)
        status = read_one(history, buf_text(&before), err);
    if (!status)
        status = read_one(history, path, err);
    buf_clear(&before);
    return status;
}

void log_history_clear(struct log_history *history)
{
    mem_free(history->entries);
    *history = (struct log_history){0};
}
