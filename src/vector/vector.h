/* vector/vector.h - unit vectors as fp16 rows, the 1-bit codes that find the nearest of them, and
 * their exact cosine.
 *
 * Rows live once, outside of the segments, in one array of equal rows; a row of that array is a
 * slot. A vector segment holds for each of its rows the slot and a code of one bit a dimension; a
 * search scans all codes for the best estimates and scores those exactly. Algorithm, sources and
 * file format: README.md here.
 * Damaged segments give DAMAGED or some answer, never a crash.
 * Threads: everything here may be called from any thread; an open index is immutable. */
#ifndef RAGGED_VECTOR_VECTOR_H
#define RAGGED_VECTOR_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"
#include "segment/segment.h"

#define VECTOR_DIM_MAX 4096

/* --- numbers --- */

/* IEEE half precision, round to nearest even. */
void vector_to_fp16(const float *in, size_t dim, uint16_t *out);
void vector_from_fp16(const uint16_t *in, size_t dim, float *out);

/* Equal on every CPU up to rounding of sums. */
float vector_dot(const float *a, const float *b, size_t dim);

/* --- rows --- */

/* fp16 rows of unit length by slot: row i at bytes + 2 * dim * i, any alignment. Borrowed. A row
 * that is zero or not finite is a data error: no search returns it. */
struct vector_rows {
    const void *bytes;
    size_t n_slots, dim;
};

/* The exact cosine of the query (any length, [rows->dim]) and each of n slots: the bits that a
 * search gives. -INFINITY: no such slot, a row that is a data error, or a query without direction.
 */
void vector_cosines(const struct vector_rows *rows, const float *query, const uint32_t *slots,
                    size_t n, float *out);

/* --- writing codes --- */

/* Appends the sections of one vector segment to `writer`; row i of the segment is slots[i]. The
 * bytes depend on rows and slots only. Dimensions 1..VECTOR_DIM_MAX.
 * INVALID: a slot that is not there; LIMIT: too many rows or dimensions. */
enum status vector_codes_write(struct segment_writer *writer, const uint32_t *slots, size_t n,
                               const struct vector_rows *rows, unsigned n_threads,
                               struct error *err) MUST_USE;

/* --- searching --- */

struct vector_index;

/* Borrows the segment. DAMAGED: sections are missing or do not fit each other. */
enum status vector_index_open(const struct segment *segment, struct vector_index **out,
                              struct error *err) MUST_USE;
void vector_index_close(struct vector_index *index); /* NULL is fine */

size_t vector_index_n_rows(const struct vector_index *index);
size_t vector_index_dim(const struct vector_index *index);
/* As the segment says it: a damaged one may name slots that are not there. */
uint32_t vector_index_slot(const struct vector_index *index, size_t row);

/* Deep: slots are in range and mean, codes and factors are those of the rows. Takes as long as
 * writing them. DAMAGED names the row; INVALID: rows of another dimension. */
enum status vector_index_check(const struct vector_index *index, const struct vector_rows *rows,
                               struct error *err) MUST_USE;

struct vector_hit {
    uint32_t row;
    float cosine;
};

struct vector_search {
    const float *query; /* [dim], any length but zero */
    const struct vector_rows *rows;
    const uint64_t *allowed; /* bitmap of the segment's rows; NULL: all */
    size_t k;                /* hits wanted */
    size_t n_rescored;       /* best estimates that are scored exactly; 0: vector_n_rescored() */
    float floor;             /* of the cosine: hits below it are left out */
    unsigned n_threads;      /* at most; small segments take one. 0 is 1 */
};

/* The k rows of the largest exact cosine among the best estimates: best first, equal ones by row.
 * out: [k]. Where few rows are allowed they are all scored, without estimates. The hits depend
 * neither on the CPU nor on n_threads.
 * INVALID: the rows have another dimension, or the query is zero or not finite. */
enum status vector_index_search(const struct vector_index *index,
                                const struct vector_search *search, struct vector_hit *out,
                                size_t *out_n, struct error *err) MUST_USE;

/* Recall@k of searches with n_rescored, asked with n_queries of the index's own rows, evenly
 * spread: the share of the truly best that they find. Takes n_queries exact scans and 8 bytes a
 * row. INVALID: rows of another dimension. CANCELLED. */
enum status vector_index_recall(const struct vector_index *index, const struct vector_rows *rows,
                                size_t k, size_t n_rescored, size_t n_queries,
                                const struct cancel *cancel, double *out,
                                struct error *err) MUST_USE;

/* How many estimates to score for recall@k of about .999 on text embeddings (RETRIEVAL.md 1.3). */
size_t vector_n_rescored(size_t n_rows, size_t k);

#endif
