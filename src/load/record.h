/* load/record.h - what the jailed worker says: length-capped records, little-endian.
 *
 *     type u8, length u32, payload[length]
 *
 *     BEGIN    name of the kind
 *     TITLE    text
 *     BLOCK    kind u8, level u8, page u32, line u32, text
 *     PAGES    pages u32, pages without text u32
 *     WARNING  sentence
 *     META     enum metadata_form u8, length of the name u8, name, value
 *     FAIL     status u8, length of the sentence u16, sentence, hint
 *     LINES    line ends in a part of a file u64
 *     END      nothing
 *
 * One document is BEGIN (TITLE | BLOCK | PAGES | WARNING | META)* END, a part of one
 * BEGIN BLOCK* LINES END; or a FAIL at any place. */
#ifndef RAGGED_LOAD_RECORD_H
#define RAGGED_LOAD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "load/metadata.h"
#include "text/text.h"

enum record_type {
    RECORD_BEGIN = 1,
    RECORD_TITLE,
    RECORD_BLOCK,
    RECORD_PAGES,
    RECORD_WARNING,
    RECORD_FAIL,
    RECORD_END,
    RECORD_META,
    RECORD_LINES,
    RECORD_TYPE_LIMIT
};

#define RECORD_HEAD_BYTES 5
#define RECORD_BLOCK_BYTES 10 /* of a BLOCK before its text */

struct record {
    enum record_type type;
    const char *payload; /* borrowed from the bytes given to record_take() */
    size_t len;
};

/* Failures stick in `out`. */
void record_put_text(struct buf *out, enum record_type type, const char *text, size_t len);
void record_put_block(struct buf *out, const struct text_block *block);
void record_put_pages(struct buf *out, uint32_t n_pages, uint32_t n_without_text);
void record_put_lines(struct buf *out, uint64_t n_lines);
/* name: at most METADATA_NAME_BYTES_MAX bytes. */
void record_put_meta(struct buf *out, const char *name, enum metadata_form form, const char *value,
                     size_t len);
void record_put_fail(struct buf *out, enum status status, const struct error *err);

/* Looks at bytes[0..len-1]: the size of the first record (then *out is set), 0 when it is not
 * whole yet, -1 when its type or length can't be. */
ptrdiff_t record_take(const char *bytes, size_t len, struct record *out);

#endif
