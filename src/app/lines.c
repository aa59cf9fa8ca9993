#include "app/lines.h"

#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { BLOCK_BYTES = 64 * 1024 };

enum status lines_open(const char *path, struct lines *out, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct lines lines = {.name = is_stdin ? "standard input" : path, .fd = STDIN_FILENO};
    struct file_info info;
    lines.block = mem_alloc(BLOCK_BYTES);
    if (!lines.block)
        return error_nomem(err);
    enum status status = is_stdin ? STATUS_OK : file_open_stream(path, &lines.fd, err);
    if (status) {
        mem_free(lines.block);
        return status;
    }
    if (file_stat_fd(lines.fd, lines.name, &info, NULL) == STATUS_OK && info.is_regular)
        lines.n_bytes_total = info.size_bytes;
    *out = lines;
    return STATUS_OK;
}

void lines_close(struct lines *lines)
{
    if (lines->fd > STDERR_FILENO)
        close(lines->fd);
    mem_free(lines->block);
    buf_clear(&lines->line);
    *lines = (struct lines){0};
}

static void append(struct lines *lines, const char *bytes, size_t len)
{
    size_t n = size_min(len, RAGGED_LIMIT_LINE - lines->line.len);
    if (n < len)
        lines->is_line_cut = true;
    buf_append(&lines->line, bytes, n);
}

/* Moves bytes of the block into the line; true when its end was among them. */
static bool take_from_block(struct lines *lines)
{
    const char *at = lines->block + lines->at;
    size_t n_left = lines->len - lines->at;
    const char *end = n_left ? memchr(at, '\n', n_left) : NULL;
    size_t len = end ? (size_t)(end - at) : n_left;
    append(lines, at, len);
    lines->at += len + (end != NULL);
    return end != NULL;
}

static void finish_line(struct lines *lines)
{
    struct buf *line = &lines->line;
    if (lines->is_line_cut)
        buf_truncate(line, utf8_whole_prefix(line->data, line->len));
    else if (line->len > 0 && line->data[line->len - 1] == '\r')
        buf_truncate(line, line->len - 1);
}

static enum status read_block(struct lines *lines, int timeout_ms, struct error *err)
{
    size_t n;
    enum status status =
        file_read_some(lines->fd, lines->name, timeout_ms, lines->block, BLOCK_BYTES, &n, err);
    if (status)
        return status;
    lines->at = 0;
    lines->len = n;
    lines->n_bytes_read += n;
    lines->is_at_end = n == 0;
    return STATUS_OK;
}

static enum line_result give_line(struct lines *lines)
{
    finish_line(lines);
    lines->is_line_given = true;
    return LINE_RESULT_LINE;
}

enum status lines_next(struct lines *lines, int timeout_ms, enum line_result *out,
                       struct error *err)
{
    if (lines->is_line_given) {
        buf_reset(&lines->line);
        lines->is_line_cut = lines->is_line_given = false;
    }
    for (;;) {
        bool has_end = take_from_block(lines);
        enum status status = buf_status(&lines->line, err);
        if (status)
            return status;
        if (has_end || (lines->is_at_end && lines->line.len > 0)) {
            *out = give_line(lines);
            return STATUS_OK;
        }
        if (lines->is_at_end) {
            *out = LINE_RESULT_END;
            return STATUS_OK;
        }
        status = read_block(lines, timeout_ms, err);
        if (status == STATUS_BUSY) {
            *out = LINE_RESULT_NOTHING_YET;
            return STATUS_OK;
        }
        if (status)
            return status;
    }
}
