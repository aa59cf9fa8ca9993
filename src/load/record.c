#include "load/record.h"

#include <string.h>

#include "base/limits.h"
#include "base/span.h"

static void put_head(struct buf *out, enum record_type type, size_t len)
{
    buf_append_uint(out, (uint32_t)type, 1);
    buf_append_uint(out, (uint32_t)len, 4);
}

void record_put_text(struct buf *out, enum record_type type, const char *text, size_t len)
{
    put_head(out, type, len);
    buf_append(out, text, len);
}

void record_put_block(struct buf *out, const struct text_block *block)
{
    put_head(out, RECORD_BLOCK, RECORD_BLOCK_BYTES + block->len);
    buf_append_uint(out, (uint32_t)block->kind, 1);
    buf_append_uint(out, block->level, 1);
    buf_append_uint(out, block->page, 4);
    buf_append_uint(out, block->line, 4);
    buf_append(out, block->text, block->len);
}

void record_put_pages(struct buf *out, uint32_t n_pages, uint32_t n_without_text)
{
    put_head(out, RECORD_PAGES, 8);
    buf_append_uint(out, n_pages, 4);
    buf_append_uint(out, n_without_text, 4);
}

void record_put_lines(struct buf *out, uint64_t n_lines)
{
    put_head(out, RECORD_LINES, 8);
    buf_append_uint(out, n_lines, 8);
}

void record_put_meta(struct buf *out, const char *name, enum metadata_form form, const char *value,
                     size_t len)
{
    size_t n_name = strlen(name);
    put_head(out, RECORD_META, 2 + n_name + len);
    buf_append_uint(out, (uint32_t)form, 1);
    buf_append_uint(out, (uint32_t)n_name, 1);
    buf_append(out, name, n_name);
    buf_append(out, value, len);
}

void record_put_fail(struct buf *out, enum status status, const struct error *err)
{
    size_t n_message = strlen(err->message), n_hint = strlen(err->hint);
    put_head(out, RECORD_FAIL, 3 + n_message + n_hint);
    buf_append_uint(out, (uint32_t)status, 1);
    buf_append_uint(out, (uint32_t)n_message, 2);
    buf_append(out, err->message, n_message);
    buf_append(out, err->hint, n_hint);
}

ptrdiff_t record_take(const char *bytes, size_t len, struct record *out)
{
    struct span_reader reader = span_reader_init(bytes, len);
    unsigned type = span_take_u8(&reader);
    size_t n_payload = span_take_u32(&reader);
    if (len > 0 && (type < RECORD_BEGIN || type >= RECORD_TYPE_LIMIT))
        return -1;
    if (reader.is_short)
        return 0;
    if (n_payload > RAGGED_LIMIT_RECORD)
        return -1;
    const char *payload = span_take(&reader, n_payload);
    if (!payload)
        return 0;
    *out = (struct record){.type = (enum record_type)type, .payload = payload, .len = n_payload};
    return (ptrdiff_t)(RECORD_HEAD_BYTES + n_payload);
}
