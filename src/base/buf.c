#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"

static bool make_room(struct buf *buf, size_t n_more)
{
    size_t limit = buf->limit_bytes ? buf->limit_bytes : RAGGED_LIMIT_BUF, needed;
    if (buf->failed)
        return false;
    if (!size_add(buf->len, n_more, &needed) || needed > limit) {
        buf->failed = STATUS_LIMIT;
        return false;
    }
    void *data = buf->data;
    if (mem_reserve(&data, &buf->n_max, needed + 1, 1, NULL)) {
        buf->failed = STATUS_NOMEM;
        return false;
    }
    buf->data = data;
    return true;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (!make_room(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

void buf_append_uint(struct buf *buf, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        buf_append_char(buf, (char)(unsigned char)(value >> (8 * i)));
}

void buf_append_codepoint(struct buf *buf, unsigned codepoint)
{
    char bytes[4];
    buf_append(buf, bytes, utf8_encode(codepoint, bytes));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && make_room(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = '\0';
    }
}

void buf_reset(struct buf *buf)
{
    buf_truncate(buf, 0);
    buf->failed = STATUS_OK;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

enum status buf_status(const struct buf *buf, struct error *err)
{
    if (buf->failed == STATUS_LIMIT)
        return error_set(err, STATUS_LIMIT, "more than %zu bytes",
                         buf->limit_bytes ? buf->limit_bytes : RAGGED_LIMIT_BUF);
    return buf->failed ? error_nomem(err) : STATUS_OK;
}

char *buf_take(struct buf *buf, size_t *out_len)
{
    char *data = buf->data ? buf->data : mem_text("");
    if (data && out_len)
        *out_len = buf->len;
    buf->data = NULL;
    buf_clear(buf);
    return data;
}

void buf_clear(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){.limit_bytes = buf->limit_bytes};
}
