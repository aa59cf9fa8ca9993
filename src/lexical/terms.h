/* lexical/terms.h - the blob of one document's terms: {u8 length, bytes, varint tf}*, strictly
 * ascending by bytes. Private to lexical/. */
#ifndef RAGGED_LEXICAL_TERMS_H
#define RAGGED_LEXICAL_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct term_entry {
    const unsigned char *term; /* borrowed from the blob */
    size_t len;
    uint64_t tf;
};

/* False at the end, or with reader->is_short set when the blob is damaged. */
static inline bool term_entry_read(struct span_reader *reader, struct term_entry *out)
{
    if (reader->n_left == 0)
        return false;
    out->len = span_take_u8(reader);
    out->term = span_take(reader, out->len);
    out->tf = span_take_varint(reader);
    return !reader->is_short;
}

/* Byte order, a prefix before what it begins. */
static inline int term_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t len = a_len < b_len ? a_len : b_len;
    int order = len ? memcmp(a, b, len) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

#endif
