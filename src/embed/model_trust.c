/* Hashes of files that were trusted on first use, in the form of sha256sum: "<hash>  <name>". */
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "embed/model_internal.h"

#define RECORD "trusted.sha256"
#define HASH_DIGITS ((size_t)HASH_SHA256_HEX - 1)

/* *out stays empty when nothing was recorded yet. */
static enum status read_record(const char *folder, struct buf *out, struct error *err)
{
    struct error inner = {0};
    char *path = path_join(folder, RECORD);
    if (!path)
        return error_nomem(err);
    enum status status = file_read(path, RAGGED_LIMIT_CONFIG, out, &inner);
    mem_free(path);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status && err)
        *err = inner;
    return status;
}

static bool is_hash(const char *text, size_t len)
{
    return len > HASH_DIGITS + 2 && strspn(text, "0123456789abcdef") == HASH_DIGITS &&
           text[HASH_DIGITS] == ' ' && text[HASH_DIGITS + 1] == ' ';
}

static enum status find_line(const char *record, const char *name, char out[HASH_SHA256_HEX],
                             struct error *err)
{
    size_t number = 1;
    for (const char *line = record; *line; number++) {
        size_t len = strcspn(line, "\n");
        if (!is_hash(line, len))
            return error_set(err, STATUS_FORMAT, RECORD " line %zu is not a hash and a name",
                             number);
        const char *found = line + HASH_DIGITS + 2;
        if (strlen(name) == len - HASH_DIGITS - 2 && memcmp(found, name, strlen(name)) == 0) {
            memcpy(out, line, HASH_DIGITS);
            out[HASH_DIGITS] = '\0';
            return STATUS_OK;
        }
        line += len + (line[len] == '\n');
    }
    return error_set(err, STATUS_NOT_FOUND, "no hash of \"%s\" is known", name);
}

enum status model_trust_find(const char *folder, const char *name, char out[HASH_SHA256_HEX],
                             struct error *err)
{
    struct buf record = {0};
    enum status status = read_record(folder, &record, err);
    if (!status)
        status = find_line(buf_text(&record), name, out, err);
    buf_clear(&record);
    return status;
}

enum status model_trust_record(const struct model_pull *pull, const char *name, struct error *err)
{
    struct buf record = {0};
    char hash[HASH_SHA256_HEX];
    char *file = path_join(pull->folder, name), *path = path_join(pull->folder, RECORD);
    enum status status = file && path ? hash_sha256_file(file, hash, err) : error_nomem(err);
    if (!status)
        status = read_record(pull->folder, &record, err);
    if (!status) {
        buf_printf(&record, "%s  %s\n", hash, name);
        status = buf_status(&record, err);
    }
    if (!status)
        status = file_replace(path, record.data, record.len, 0600, err);
    if (!status)
        model_pull_say(pull, "%s: trusted on first use, SHA-256 %s", name, hash);
    mem_free(file);
    mem_free(path);
    buf_clear(&record);
    return status;
}
