#include "base/log_history.h"

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

/* ---- lines ---- */

/* What a run says at its end. */
static const struct {
    const char *event, *key;
    enum log_history_kind kind;
    bool is_kept_at_zero;
} facts[] = {
    {"added", "added", LOG_HISTORY_FILES, false},
    {"added", "failed", LOG_HISTORY_FILES_FAILED, true},
    {"added", "vectors", LOG_HISTORY_VECTORS, false},
    {"added", "tail", LOG_HISTORY_TAIL, true},
    {"run_ended", "free_bytes", LOG_HISTORY_FREE, true},
};

static enum status add(struct log_history *history, const struct log_history_entry *entry,
                       struct error *err)
{
    void *entries = history->entries;
    if (!(history->kinds & LOG_HISTORY_BIT(entry->kind)))
        return STATUS_OK;
    enum status status =
        mem_reserve(&entries, &history->n_max, history->n + 1, sizeof *history->entries, err);
    history->entries = entries;
    if (!status)
        history->entries[history->n++] = *entry;
    return status;
}

static size_t mode_of(struct log_history *history, const char *line)
{
    const char *at = find_value(line, "mode");
    size_t len = at ? strcspn(at, "\" ,\n") : 0;
    if (len == 0 || len >= LOG_HISTORY_MODE_BYTES)
        return LOG_HISTORY_MODES;
    size_t i = 0;
    while (i < history->n_modes && !has_word(at, history->modes[i]))
        i++;
    if (i == history->n_modes && i < LOG_HISTORY_MODES)
        memcpy(history->modes[history->n_modes++], at, len);
    return i;
}

/* What was asked wrongly, or stopped, says nothing about the library. */
static bool is_own_failure(const char *line)
{
    static const enum status others[] = {STATUS_INVALID, STATUS_NOT_FOUND, STATUS_CANCELLED};
    const char *at = find_value(line, "status");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (has_word(at, status_name(others[i])))
            return false;
    return at != NULL;
}

/* Lines above the rate of the log are only counted there. */
static enum status parse_search(struct log_history *history, const char *line, int64_t at_ms,
                                struct error *err)
{
    struct log_history_entry entry = {
        .at_ms = at_ms, .kind = LOG_HISTORY_SEARCHED, .n = 1, .i_mode = LOG_HISTORY_MODES};
    if (is_event(line, "searched")) {
        entry.took_us = number_of(line, "took_us");
        entry.i_mode = mode_of(history, line);
        entry.is_cached = number_of(line, "cached") > 0;
    } else if (is_event(line, "search_failed")) {
        entry.kind = LOG_HISTORY_SEARCH_FAILED;
        entry.n = is_own_failure(line);
    } else if (is_event(line, "suppressed") && has_word(find_value(line, "of"), "searched")) {
        entry.n = number_of(line, "count");
    } else {
        return STATUS_OK;
    }
    return entry.n ? add(history, &entry, err) : STATUS_OK;
}

static enum status parse_line(struct log_history *history, const char *line, struct error *err)
{
    int64_t at_ms;
    if (!read_time(line, &at_ms) ||
        (history->library && number_of(line, "library") != history->library))
        return STATUS_OK;
    enum status status = parse_search(history, line, at_ms, err);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0] && !status; i++) {
        if (!is_event(line, facts[i].event) || !find_value(line, facts[i].key))
            continue;
        const struct log_history_entry entry = {.at_ms = at_ms,
                                                .kind = facts[i].kind,
                                                .n = number_of(line, facts[i].key),
                                                .i_mode = LOG_HISTORY_MODES};
        if (entry.n || facts[i].is_kept_at_zero)
            status = add(history, &entry, err);
    }
    return status;
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
