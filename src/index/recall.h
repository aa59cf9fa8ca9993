/* index/recall.h - how many estimates a search by meaning must score exactly, measured when a
 * large segment is made. */
#ifndef RAGGED_INDEX_RECALL_H
#define RAGGED_INDEX_RECALL_H

#include "index/new_segment.h"

/* From so many rows on a segment is measured. */
#define RECALL_ROWS_MIN ((size_t)16 * 1024)

/* A published vector segment: how much more than vector_n_rescored() finds .999 of the ten nearest
 * of its own rows: 1, 2, 4, 8 or 16. Small segments are 1 without being measured. */
enum status recall_factor(const struct new_segment *segment, const struct vector_rows *rows,
                          const struct cancel *cancel, size_t *out_factor,
                          struct error *err) MUST_USE;

/* What is right for every library, measured or not. */
#define RECALL_FACTOR_MAX ((size_t)16)

/* What the library says; 1 when it says nothing. out_since: when it was measured, "" when it was
 * not; may be NULL. */
enum status recall_factor_read(struct store *store, size_t *out_factor, char out_since[32],
                               struct error *err) MUST_USE;
/* Inside a write; raises it only. */
enum status recall_factor_raise(struct store *store, size_t factor, struct error *err) MUST_USE;

#endif
