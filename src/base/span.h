/* base/span.h - reading binary formats without ever leaving the bytes.
 *
 * A reader walks a borrowed span. A read past the end sets `is_short`, returns zero, and every
 * later read returns zero too: check once after a group of reads. Integers are little-endian. */
#ifndef RAGGED_BASE_SPAN_H
#define RAGGED_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const void *bytes; /* borrowed */
    size_t len;
};

struct span_reader {
    const unsigned char *at;
    size_t n_left;
    bool is_short;
};

static inline struct span_reader span_reader_init(const void *bytes, size_t len)
{
    return (struct span_reader){.at = bytes, .n_left = len};
}

/* The next `len` bytes, borrowed from the span; NULL and is_short when there are fewer. */
static inline const void *span_take(struct span_reader *r, size_t len)
{
    if (r->is_short || len > r->n_left) {
        r->is_short = true;
        return NULL;
    }
    const void *p = r->at;
    r->at += len;
    r->n_left -= len;
    return p;
}

static inline uint64_t span_take_uint(struct span_reader *r, size_t n_bytes)
{
    const unsigned char *p = span_take(r, n_bytes);
    uint64_t value = 0;
    for (size_t i = 0; p && i < n_bytes; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static inline uint8_t span_take_u8(struct span_reader *r)
{
    return (uint8_t)span_take_uint(r, 1);
}

static inline uint16_t span_take_u16(struct span_reader *r)
{
    return (uint16_t)span_take_uint(r, 2);
}

static inline uint32_t span_take_u32(struct span_reader *r)
{
    return (uint32_t)span_take_uint(r, 4);
}

static inline uint64_t span_take_u64(struct span_reader *r)
{
    return span_take_uint(r, 8);
}

/* LEB128, at most 10 bytes; is_short for anything longer. */
static inline uint64_t span_take_varint(struct span_reader *r)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const unsigned char *p = span_take(r, 1);
        if (!p)
            return 0;
        value |= (uint64_t)(*p & 0x7F) << shift;
        if (!(*p & 0x80))
            return value;
    }
    r->is_short = true;
    return 0;
}

#endif
