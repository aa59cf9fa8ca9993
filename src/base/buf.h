/* base/buf.h - a growing byte buffer with a limit and a sticky failure.
 *
 * Append calls return nothing: after the first failure (out of memory or over the limit) the buffer
 * ignores them, and one buf_status() at the end tells. A zeroed buf is valid (limit:
 * RAGGED_LIMIT_BUF). The bytes are always followed by one NUL that is not counted. One thread at a
 * time. */
#ifndef RAGGED_BASE_BUF_H
#define RAGGED_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct buf {
    char *data; /* owned; NULL while nothing was appended */
    size_t len, n_max;
    size_t limit_bytes; /* 0: RAGGED_LIMIT_BUF */
    enum status failed; /* STATUS_OK, STATUS_NOMEM or STATUS_LIMIT */
};

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_append_codepoint(struct buf *buf, unsigned codepoint);
void buf_append_uint(struct buf *buf, uint64_t value, size_t n_bytes); /* little-endian */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_truncate(struct buf *buf, size_t len); /* len <= buf->len */
void buf_reset(struct buf *buf);                /* empty again, memory kept, failure forgotten */
const char *buf_text(const struct buf *buf);    /* never NULL; valid until the next call on buf */

/* STATUS_OK, or the sticky failure with its sentence. */
enum status buf_status(const struct buf *buf, struct error *err) MUST_USE;

/* Moves the bytes out (mem_free() them); the buf is empty after. NULL only when out of memory. */
char *buf_take(struct buf *buf, size_t *out_len) MUST_USE;
void buf_clear(struct buf *buf);

#endif
