/* index/new_segment.h - one segment from its first byte to the manifest. Private to index/. */
#ifndef RAGGED_INDEX_NEW_SEGMENT_H
#define RAGGED_INDEX_NEW_SEGMENT_H

#include "index/maintain.h"
#include "index/row_list.h"

struct new_segment {
    enum store_kind kind;
    char name[32], maker[256];
    char *path; /* owned */
    struct segment_writer *writer;
    struct row_list rows; /* to be added before it is published */
    struct segment_stamp stamp;
    bool is_published; /* the file is there: it goes with new_segment_clear() unless it is kept */
};

/* `maker`: what the content is made with; NULL: what the library says. */
enum status new_segment_init(struct new_segment *segment, enum store_kind kind, const char *maker,
                             const struct maintainer *maintainer, struct error *err) MUST_USE;
/* The rows of a vector segment are its content. */
enum status new_segment_write_codes(struct new_segment *segment, const struct vector_rows *rows,
                                    unsigned n_threads, struct error *err) MUST_USE;
/* Writes the rows, and the file is there. */
enum status new_segment_publish(struct new_segment *segment, struct error *err) MUST_USE;
/* Inside a write: into the manifest. */
enum status new_segment_list(const struct new_segment *segment, struct store *store,
                             struct error *err) MUST_USE;
/* Before the commit that names it: the file stays, whatever that commit says. One that failed in
 * its last sync may come back out of the log; a sweep knows which. */
void new_segment_keep(struct new_segment *segment);
void new_segment_clear(struct new_segment *segment); /* zeroed is fine */

#endif
