/* lexical/varint.h - LEB128 into a buffer; span_take_varint() reads it. Private to lexical/. */
#ifndef RAGGED_LEXICAL_VARINT_H
#define RAGGED_LEXICAL_VARINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define VARINT_BYTES_MAX 10

static inline size_t varint_write(uint64_t value, unsigned char out[VARINT_BYTES_MAX])
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (unsigned char)value;
    return n;
}

static inline void buf_append_varint(struct buf *out, uint64_t value)
{
    unsigned char bytes[VARINT_BYTES_MAX];
    buf_append(out, bytes, varint_write(value, bytes));
}

#endif
