/* segment/segment.h - the immutable, checksummed, mapped file that indexes live in.
 *
 * A segment is a set of rows with one kind of index over them. A row is a chunk; rows ascend by
 * chunk id and those of one document are neighbours. Kinds are independent of each other: a chunk's
 * words and its vector may live in segments of different rows.
 * The file format is specified at the top of segment.c.
 * Threads: a writer one at a time; an open segment is immutable, any number of threads. */
#ifndef RAGGED_SEGMENT_SEGMENT_H
#define RAGGED_SEGMENT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/span.h"
#include "base/status.h"

enum segment_kind { SEGMENT_LEXICAL = 1, SEGMENT_VECTOR = 2 };

/* A section's number says what is in it, within its kind; 1..15 are this room's own. */
#define SEGMENT_SECTION_FIRST 16
#define SEGMENT_ALIGNMENT 64 /* of every section, in the file and in memory */
#define SEGMENT_N_SECTIONS_MAX 32
#define SEGMENT_N_ROWS_MAX ((size_t)1 << 31)

/* What a segment file is known by: the manifest keeps it. A file that still has the size, the inode
 * and the time it was published with is taken to hold what was written. */
struct segment_stamp {
    uint64_t size_bytes, inode;
    int64_t mtime_ns;
    uint64_t checksum; /* of the table of contents, which holds those of the sections */
};

/* --- writing --- */
struct segment_writer;

/* `maker`: what the content was made with (analyzer id, model fingerprint), at most 255 bytes. */
enum status segment_writer_new(const char *path, enum segment_kind kind, const char *maker,
                               struct segment_writer **out, struct error *err) MUST_USE;
/* One section after the other; begin ends the one before. Errors stick and are told by finish(). */
void segment_writer_begin(struct segment_writer *writer, uint32_t section);
void segment_writer_append(struct segment_writer *writer, const void *bytes, size_t len);
/* The section that lists the rows: ascending chunk ids [n], the document of each [n]. LIMIT: ids
 * that lie 2^32 and more apart, or more than SEGMENT_N_ROWS_MAX. */
enum status segment_writer_put_rows(struct segment_writer *writer, const int64_t *chunk_ids,
                                    const int64_t *document_ids, size_t n,
                                    struct error *err) MUST_USE;
/* Long work that writes a segment ends with `cancel`; borrowed, NULL: never. */
void segment_writer_watch(struct segment_writer *writer, const struct cancel *cancel);
/* What finish() would say now, or CANCELLED: worth asking between two steps of long work. */
enum status segment_writer_status(const struct segment_writer *writer, struct error *err) MUST_USE;
/* Makes the file durable under its name. Then only segment_writer_free(). */
enum status segment_writer_finish(struct segment_writer *writer, struct segment_stamp *out,
                                  struct error *err) MUST_USE;
void segment_writer_free(struct segment_writer *writer); /* NULL is fine; unfinished: no file */

/* --- reading --- */
struct segment;

/* `expected`: its stamp, NULL when there is none. Header, table of contents and rows are checked
 * always; the other sections' checksums when there is no stamp, when the file is not what the stamp
 * says, or when it is small. DAMAGED: bad bytes, another kind, or a newer version. NOT_FOUND. */
enum status segment_open(const char *path, enum segment_kind kind,
                         const struct segment_stamp *expected, struct segment **out,
                         struct error *err) MUST_USE;
void segment_close(struct segment *segment); /* NULL is fine */
/* Checksums of everything, whatever was checked before. DAMAGED names the section. */
enum status segment_check(const struct segment *segment, struct error *err) MUST_USE;

const char *segment_maker(const struct segment *segment); /* borrowed */
const struct segment_stamp *segment_stamp_of(const struct segment *segment);
/* {NULL, 0}: the segment has no such section. Borrowed; aligned to SEGMENT_ALIGNMENT. */
struct span segment_section(const struct segment *segment, uint32_t section);

/* --- rows --- */
size_t segment_n_rows(const struct segment *segment);
int64_t segment_chunk_id(const struct segment *segment, size_t row);
/* The first row whose chunk id is not below `chunk_id`; n_rows when there is none. */
size_t segment_lower_row(const struct segment *segment, int64_t chunk_id);
/* False: the segment does not have that chunk. */
bool segment_find_row(const struct segment *segment, int64_t chunk_id, size_t *out_row);
/* Documents are numbered 0, 1, ... by their first row; a document that was interrupted by another
 * one has several numbers. */
size_t segment_n_documents(const struct segment *segment);
int64_t segment_document_id(const struct segment *segment, size_t i_document);
/* Its rows are [*out_first, *out_end). */
void segment_document_rows(const struct segment *segment, size_t i_document, size_t *out_first,
                           size_t *out_end);
int64_t segment_document_of_row(const struct segment *segment, size_t row);

/* --- merging --- */
#define SEGMENT_ROW_NONE UINT32_MAX
struct segment_merge_input {
    const struct segment *segment;
    const uint64_t *dead; /* bitmap of its rows that go; NULL: none */
    uint32_t *new_rows; /* out: [n_rows] the merged row, or SEGMENT_ROW_NONE; owned by the merge */
};
/* Which row goes where when segments become one: by chunk id. */
struct segment_merge {
    struct segment_merge_input *inputs; /* the caller's array */
    size_t n_inputs;
    int64_t *chunk_ids, *document_ids; /* [n_rows], owned */
    size_t n_rows;
};
/* Sets new_rows of every input. INVALID: two inputs have the same live chunk. */
enum status segment_merge_init(struct segment_merge *merge, struct segment_merge_input *inputs,
                               size_t n_inputs, struct error *err) MUST_USE;
void segment_merge_clear(struct segment_merge *merge); /* zeroed is fine */

#endif
