#include "embed/tuning.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define FILE_NAME "tuning.json"

/* All entries; NULL when there are none or they make no sense. */
static json_t *read_entries(const char *path)
{
    struct buf text = {0};
    json_t *entries = NULL;
    if (file_read(path, RAGGED_LIMIT_CONFIG, &text, NULL) == STATUS_OK &&
        json_parse(buf_text(&text), text.len, &entries, NULL) == STATUS_OK &&
        !json_is_object(entries)) {
        json_decref(entries);
        entries = NULL;
    }
    buf_clear(&text);
    return entries;
}

bool tuning_read(const char *folder, const char *key, struct tuning *out)
{
    char *path = path_join(folder, FILE_NAME);
    json_t *entries = path ? read_entries(path) : NULL;
    const json_t *entry = json_object_get(entries, key);
    const char *since = json_get_text(entry, "since", "");
    double n_tokens = json_get_number(entry, "micro_batch_tokens", 0);
    double rate = json_get_number(entry, "tokens_per_second", 0);
    bool is_whole =
        n_tokens >= 1 && n_tokens <= 1e6 && rate > 0 && *since && strlen(since) < sizeof out->since;
    if (is_whole) {
        *out = (struct tuning){.n_tokens = (size_t)n_tokens, .rate = rate};
        snprintf(out->since, sizeof out->since, "%s", since);
    }
    json_decref(entries);
    mem_free(path);
    return is_whole;
}

static bool put_entry(json_t *entries, const char *key, const struct tuning *tuning)
{
    json_t *entry = json_object();
    bool is_whole =
        entry &&
        json_put(entry, "micro_batch_tokens", json_integer((json_int_t)tuning->n_tokens)) &&
        json_put(entry, "tokens_per_second", json_score(tuning->rate)) &&
        json_put(entry, "since", json_text(tuning->since)) &&
        json_object_set(entries, key, entry) == 0;
    json_decref(entry);
    return is_whole;
}

void tuning_write(const char *folder, const char *key, const struct tuning *tuning)
{
    char *path = path_join(folder, FILE_NAME);
    json_t *entries = path ? read_entries(path) : NULL;
    struct buf text = {0};
    if (!entries)
        entries = json_object();
    if (path && entries && put_entry(entries, key, tuning)) {
        json_write(entries, JSON_STYLE_INDENTED, &text);
        buf_append_char(&text, '\n');
        if (buf_status(&text, NULL) == STATUS_OK)
            (void)!file_replace(path, buf_text(&text), text.len, 0600, NULL);
    }
    buf_clear(&text);
    json_decref(entries);
    mem_free(path);
}
