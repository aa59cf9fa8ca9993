/* lexical/varint.h - LEB128 into a buffer; span_take_varint() reads it. Private to lexical/. */
#ifndef RAGGED_LEXICAL_VARINT_H
#define RAGGED_LEXICAL_VARINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

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

/* As span_take_varint(), quick for one byte. */
static inline uint64_t varint_take(struct span_reader *reader)
{
    if (reader->n_left == 0 || *reader->at >= 0x80)
        return span_take_varint(reader);
    reader->n_left--;
    return *reader->at++;
}

/* Passes over n of them, eight at a time where each is one byte. */
static inline void varints_skip(struct span_reader *reader, uint64_t n)
{
    while (n > 0 && !reader->is_short) {
        uint64_t eight = UINT64_MAX;
        if (n >= 8 && reader->n_left >= sizeof eight)
            memcpy(&eight, reader->at, sizeof eight);
        if ((eight & 0x8080808080808080) == 0) {
            reader->at += 8;
            reader->n_left -= 8;
            n -= 8;
        } else {
            varint_take(reader);
            n--;
        }
    }
}

#endif
