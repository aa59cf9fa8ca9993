/* lexical/index_writer.h - writing the sections of an index, list by list. Private to lexical/.
 * One thread at a time. */
#ifndef RAGGED_LEXICAL_INDEX_WRITER_H
#define RAGGED_LEXICAL_INDEX_WRITER_H

#include "lexical/fold.h"
#include "lexical/index_format.h"

/* Postings and dictionary. Errors stick until finish(). */
struct index_writer {
    struct segment_writer *out; /* borrowed */
    const uint16_t *lengths;    /* [n_rows], borrowed */
    size_t n_rows;
    uint64_t n_terms;
    struct lexical_params params;
    float length_base, length_slope;
    struct buf terms, groups, block_rows, block_places, block_widths, block_impacts;
    struct buf postings; /* that wait for more of them */
    char last_term[TERM_BYTES_MAX];
    size_t last_len, list_start; /* list_start: in `postings` */
    uint64_t n_lists, n_blocks, postings_offset;
    enum status failed;
};

#define WAITING_BYTES ((size_t)256 * 1024) /* short lists are written together */

/* `lengths` stays borrowed. Writes the section of the lengths, begins that of the postings. */
void index_writer_init(struct index_writer *writer, struct segment_writer *out,
                       const uint16_t *lengths, size_t n_rows, struct lexical_params params);
/* Terms in ascending order; n >= 1 postings by row. */
void index_writer_add(struct index_writer *writer, const void *term, size_t len,
                      const uint32_t *rows, const uint32_t *tfs, size_t n);
/* The sections that were held back. */
enum status index_writer_finish(struct index_writer *writer, struct error *err) MUST_USE;
void index_writer_clear(struct index_writer *writer); /* zeroed is fine */

/* Positions: all lists in the same order. Nothing is written before position_writer_begin(), which
 * comes after index_writer_finish(); what comes before it is held. */
struct position_writer {
    struct segment_writer *out; /* borrowed; NULL until it begins */
    struct buf list, places, groups, waiting;
    uint64_t n_lists, offset;
    enum status failed;
};
void position_writer_init(struct position_writer *writer);
void position_writer_begin(struct position_writer *writer, struct segment_writer *out);
/* Of one or more postings of the list: the tf varints of each. */
void position_writer_add(struct position_writer *writer, const void *varints, size_t len);
/* After each 128 postings that are not the list's last. */
void position_writer_end_block(struct position_writer *writer);
void position_writer_end_list(struct position_writer *writer);
enum status position_writer_finish(struct position_writer *writer, struct error *err) MUST_USE;
void position_writer_clear(struct position_writer *writer); /* zeroed is fine */

#endif
