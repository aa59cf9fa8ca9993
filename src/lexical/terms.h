/* lexical/terms.h - reading the blob of one row's terms: {u8 length, bytes, varint tf}* strictly
 * ascending by bytes, then a zero byte and the positions (lexical_terms_encode()); blobs of older
 * libraries end with the terms. Private to lexical/. */
#ifndef RAGGED_LEXICAL_TERMS_H
#define RAGGED_LEXICAL_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/span.h"

struct term_entry {
    const unsigned char *term; /* borrowed from the blob */
    size_t len;
    uint64_t tf, prefix; /* see term_prefix() */
};

static inline uint64_t load_big_endian(const unsigned char *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

static inline uint32_t load_big_endian_4(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* The first eight bytes as a number that sorts like the term: most comparisons end there. Shorter
 * terms are put together of loads that overlap. */
static inline uint64_t term_prefix(const void *term, size_t len)
{
    const unsigned char *p = term;
    if (len >= 8)
        return load_big_endian(p);
    if (len >= 4)
        return (uint64_t)load_big_endian_4(p) << 32 | (uint64_t)load_big_endian_4(p + len - 4)
                                                          << (64 - 8 * len);
    if (len == 0)
        return 0;
    return (uint64_t)p[0] << 56 | (uint64_t)p[len / 2] << (56 - 8 * (len / 2)) |
           (uint64_t)p[len - 1] << (64 - 8 * len);
}

/* A prefix and a length are the whole of a short term, which is most terms. */
static inline bool terms_are_equal(const void *a, uint64_t a_prefix, size_t a_len, const void *b,
                                   uint64_t b_prefix, size_t b_len)
{
    return a_prefix == b_prefix && a_len == b_len &&
           (a_len <= sizeof a_prefix || memcmp(a, b, a_len) == 0);
}

static inline uint32_t term_hash(const void *term, uint64_t prefix, size_t len)
{
    const uint64_t odd = 0x9E3779B97F4A7C15;
    uint64_t hash = len <= sizeof prefix ? (prefix + len) * odd : hash64_of(term, len);
    return (uint32_t)((hash ^ hash >> 32) * odd >> 32);
}

/* Reads the next entry when it has the usual form: a count in one byte, and enough bytes behind
 * its start to load the prefix at once. False: nothing was read. */
static inline bool term_entry_read_fast(struct span_reader *reader, struct term_entry *out)
{
    const unsigned char *at = reader->at;
    if (reader->n_left < 9 || at[0] == 0 || at[0] > reader->n_left - 2)
        return false;
    size_t len = at[0];
    unsigned char tf = at[1 + len];
    if (tf == 0 || tf >= 0x80)
        return false;
    uint64_t prefix = load_big_endian(at + 1);
    if (len < sizeof prefix)
        prefix &= ~(UINT64_MAX >> (8 * len));
    *out = (struct term_entry){.term = at + 1, .len = len, .tf = tf, .prefix = prefix};
    reader->at += len + 2;
    reader->n_left -= len + 2;
    return true;
}

/* False at the end of the terms, or with reader->is_short set when the blob is damaged. */
static inline bool term_entry_read(struct span_reader *reader, struct term_entry *out)
{
    if (reader->n_left == 0 || reader->at[0] == 0)
        return false;
    if (term_entry_read_fast(reader, out))
        return true;
    out->len = span_take_u8(reader);
    out->term = span_take(reader, out->len);
    out->tf = span_take_varint(reader);
    reader->is_short |= out->tf == 0 || out->tf > UINT32_MAX;
    if (!reader->is_short)
        out->prefix = term_prefix(out->term, out->len);
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
