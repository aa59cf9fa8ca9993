/* segment/segment_format.h - the bytes of a segment file. Private to segment/.
 *
 * All numbers are little-endian.
 *
 *   header, 64 bytes
 *      0  magic "RGSEG\r\n\x1A"
 *      8  u32 version, u32 kind
 *     16  u64 offset of the table of contents, u64 size of the file
 *     32  u64 checksum of the table of contents
 *     40  u32 number of sections, zeros
 *     56  u64 checksum of the 56 bytes before
 *   sections, each at a multiple of 64, zeros between
 *   table of contents: for each section, in the order of their offsets,
 *      u32 section, u32 zero, u64 offset, u64 length, u64 checksum
 *
 *   section MAKER: a text, not terminated
 *   section ROWS: u64 number of rows, u64 number of documents, i64 first chunk id, u64 zero;
 *      u32 [rows] chunk id less the first, ascending; zeros to a multiple of 8;
 *      i64 [documents] document id; u32 [documents + 1] first row, the last one = number of rows
 *
 * A checksum is XXH3-64: as sure as a CRC against accidents, and faster than memory.
 * What a crash can leave: a temporary file, or a whole segment that no manifest names. */
#ifndef RAGGED_SEGMENT_SEGMENT_FORMAT_H
#define RAGGED_SEGMENT_SEGMENT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "segment/segment.h"

#define SEGMENT_MAGIC "RGSEG\r\n\x1A"
#define SEGMENT_MAGIC_BYTES 8
#define SEGMENT_VERSION 1
#define SEGMENT_HEADER_BYTES 64
#define SEGMENT_HEADER_SUMMED_BYTES 56
#define SEGMENT_ENTRY_BYTES 32
#define SEGMENT_ROWS_HEADER_BYTES 32
#define SEGMENT_MAKER_BYTES_MAX 255

enum segment_own_section { SEGMENT_SECTION_MAKER = 1, SEGMENT_SECTION_ROWS = 2 };

struct segment_entry {
    uint32_t section;
    uint64_t offset, len, checksum;
};

/* Borrowed from the map. */
struct segment_rows {
    size_t n, n_documents;
    int64_t first_chunk_id;
    const uint32_t *offsets;     /* [n] */
    const int64_t *document_ids; /* [n_documents] */
    const uint32_t *first_rows;  /* [n_documents + 1] */
};

/* --- rows.c --- */
/* DAMAGED: its numbers do not fit its length. */
enum status segment_rows_read(struct span section, struct segment_rows *out,
                              struct error *err) MUST_USE;
/* DAMAGED: not ascending. */
enum status segment_rows_check(const struct segment_rows *rows, struct error *err) MUST_USE;

/* --- segment.c --- */
const struct segment_rows *segment_rows_of(const struct segment *segment);

#endif
