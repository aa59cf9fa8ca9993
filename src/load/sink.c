#include "load/sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "load/record.h"

#define N_FLUSH_BYTES ((size_t)48 * 1024)
#define N_BLOCK_BYTES (1 * RAGGED_MIB) /* a longer block is cut; far below RAGGED_LIMIT_RECORD */
#define N_TITLE_BYTES ((size_t)1024)

void sink_init(struct sink *sink, int fd)
{
    *sink = (struct sink){.fd = fd};
}

void sink_clear(struct sink *sink)
{
    buf_clear(&sink->records);
    buf_clear(&sink->scratch);
}

static void check(struct sink *sink, struct buf *buf)
{
    if (!sink->failed)
        sink->failed = buf_status(buf, &sink->error);
}

void sink_flush(struct sink *sink)
{
    check(sink, &sink->records);
    if (sink->fd < 0 || sink->failed)
        return;
    sink->failed =
        file_write_fd(sink->fd, "the records", sink->records.data, sink->records.len, &sink->error);
    buf_reset(&sink->records);
}

static void flush_when_full(struct sink *sink)
{
    if (sink->records.len >= N_FLUSH_BYTES || sink->records.failed)
        sink_flush(sink);
}

void sink_begin(struct sink *sink, const char *kind)
{
    record_put_text(&sink->records, RECORD_BEGIN, kind, strlen(kind));
}

/* The longest beginning of at most n_max bytes, cut at a line or word end when there is one. */
static size_t cut_length(const char *text, size_t len, size_t n_max)
{
    if (len <= n_max)
        return len;
    const char *at = memrchr(text, '\n', n_max);
    if (!at || at == text)
        at = memrchr(text, ' ', n_max);
    if (at && at > text)
        return (size_t)(at - text);
    size_t n = utf8_floor(text, len, n_max);
    return n > 0 ? n : n_max;
}

void sink_title(struct sink *sink, const char *text, size_t len)
{
    if (sink->failed || sink->has_title)
        return;
    buf_reset(&sink->scratch);
    text_normalize(text, cut_length(text, len, N_TITLE_BYTES), TEXT_SPACE_COLLAPSE, &sink->scratch);
    check(sink, &sink->scratch);
    size_t n = cut_length(buf_text(&sink->scratch), sink->scratch.len, N_TITLE_BYTES);
    if (sink->failed || n == 0)
        return;
    record_put_text(&sink->records, RECORD_TITLE, sink->scratch.data, n);
    sink->has_title = true;
}

void sink_meta(struct sink *sink, const char *name, enum metadata_form form, const char *text,
               size_t len)
{
    char clean_name[METADATA_NAME_BYTES_MAX + 1];
    if (sink->failed)
        return;
    enum status status = metadata_name(name, strlen(name), clean_name, &sink->error);
    if (status) {
        sink->failed = status == STATUS_INVALID ? STATUS_OK : status;
        return;
    }
    buf_reset(&sink->scratch);
    text_normalize(text, cut_length(text, len, 4 * METADATA_VALUE_BYTES_MAX), TEXT_SPACE_COLLAPSE,
                   &sink->scratch);
    check(sink, &sink->scratch);
    size_t n = cut_length(buf_text(&sink->scratch), sink->scratch.len, METADATA_VALUE_BYTES_MAX);
    if (!sink->failed && n > 0)
        record_put_meta(&sink->records, clean_name, form, sink->scratch.data, n);
    flush_when_full(sink);
}

void sink_meta_list(struct sink *sink, const char *name, const char *text, size_t len)
{
    char separator = memchr(text, ';', len) ? ';' : ',';
    for (size_t at = 0; at < len && !sink->failed;) {
        const char *end = memchr(text + at, separator, len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        sink_meta(sink, name, METADATA_ITEM, text + at, n);
        at += n + 1;
    }
}

static bool is_blank(const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (!strchr(" \t\n", text->data[i]))
            return false;
    return true;
}

static void put_piece(struct sink *sink, const struct text_block *block)
{
    enum text_space space = block->kind == TEXT_BLOCK_CODE ? TEXT_SPACE_KEEP : TEXT_SPACE_COLLAPSE;
    buf_reset(&sink->scratch);
    text_normalize(block->text, block->len, space, &sink->scratch);
    check(sink, &sink->scratch);
    if (sink->failed || is_blank(&sink->scratch))
        return;
    struct text_block piece = *block;
    piece.text = sink->scratch.data;
    piece.len = sink->scratch.len;
    if (++sink->n_blocks > RAGGED_LIMIT_BLOCKS)
        sink->failed =
            error_set(&sink->error, STATUS_LIMIT, "more than %zu paragraphs", RAGGED_LIMIT_BLOCKS);
    else if ((sink->n_text += piece.len) > RAGGED_LIMIT_TEXT)
        sink->failed = error_set(&sink->error, STATUS_LIMIT, "more than %zu MiB of text",
                                 RAGGED_LIMIT_TEXT / RAGGED_MIB);
    else
        record_put_block(&sink->records, &piece);
    flush_when_full(sink);
}

static uint32_t count_lines(const char *text, size_t len)
{
    uint32_t n = 0;
    for (const char *at = text; (at = memchr(at, '\n', len - (size_t)(at - text))); at++)
        n++;
    return n;
}

void sink_block(struct sink *sink, const struct text_block *block)
{
    struct text_block piece = *block;
    size_t n_left = block->len;
    while (n_left > 0 && !sink->failed) {
        piece.len = cut_length(piece.text, n_left, N_BLOCK_BYTES);
        put_piece(sink, &piece);
        if (piece.line)
            piece.line += count_lines(piece.text, piece.len);
        piece.text += piece.len;
        n_left -= piece.len;
    }
}

void sink_pages(struct sink *sink, uint32_t n_pages, uint32_t n_without_text)
{
    if (!sink->failed)
        record_put_pages(&sink->records, n_pages, n_without_text);
}

void sink_lines(struct sink *sink, uint64_t n_lines)
{
    if (!sink->failed)
        record_put_lines(&sink->records, n_lines);
}

void sink_warning(struct sink *sink, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!sink->failed)
        record_put_text(&sink->records, RECORD_WARNING, text,
                        utf8_whole_prefix(text, strlen(text)));
}

void sink_end(struct sink *sink)
{
    record_put_text(&sink->records, RECORD_END, "", 0);
    sink_flush(sink);
}

void sink_fail(struct sink *sink, enum status status, const struct error *err)
{
    sink->failed = STATUS_OK;
    if (sink->records.failed)
        buf_reset(&sink->records);
    record_put_fail(&sink->records, status, err);
    sink_flush(sink);
}

enum status sink_status(const struct sink *sink, struct error *err)
{
    if (sink->failed && err)
        *err = sink->error;
    if (sink->failed)
        return sink->failed;
    return buf_status(&sink->records, err);
}
