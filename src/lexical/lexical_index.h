/* lexical/lexical_index.h - the words of a segment's rows: searching, building, merging. The other
 * half of the room's door (lexical.h).
 *
 * Postings in blocks of 128, bit-packed, with the best impact of each block; searched by block-max
 * MaxScore (Turtle and Flood 1995; Ding and Suel, "Faster top-k document retrieval using block-max
 * indexes", SIGIR 2011) over windows of rows, exact: see README.md. The format is in
 * index_format.h.
 * Damaged bytes give DAMAGED or wrong scores, never more. */
#ifndef RAGGED_LEXICAL_LEXICAL_INDEX_H
#define RAGGED_LEXICAL_LEXICAL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "lexical/lexical.h"
#include "segment/segment.h"

/* Immutable: any number of threads. The segment is borrowed. DAMAGED. */
struct lexical_index;
enum status lexical_index_open(const struct segment *segment, struct lexical_index **out,
                               struct error *err) MUST_USE;
void lexical_index_close(struct lexical_index *index); /* NULL is fine */
/* Reads everything: every list decodes, ascends, and its bounds hold. DAMAGED says what does not.
 */
enum status lexical_index_check(const struct lexical_index *index, struct error *err) MUST_USE;

/* --- one query in one index --- */

struct lexical_hit {
    uint32_t row;
    int32_t score;
};

/* What a lexical_tail is for the tail. Index and query are borrowed; the terms of the query must
 * not change. One thread at a time. */
struct lexical_lookup;
enum status lexical_lookup_new(const struct lexical_index *index, const struct lexical_query *query,
                               struct lexical_lookup **out, struct error *err) MUST_USE;
/* Adds its rows and lengths to io_stats and to the df of each term. */
void lexical_lookup_count(const struct lexical_lookup *lookup, struct lexical_stats *io_stats,
                          struct lexical_query *io_query);
/* The k best of the allowed rows (NULL: all) with a score above `floor` (>= 0), best first, ties by
 * row, by the weights that the query has now. The k-th best score of one source, less one, is a
 * floor for the next. out: room for k. */
enum status lexical_lookup_search(struct lexical_lookup *lookup, const uint64_t *allowed, size_t k,
                                  int32_t floor, struct lexical_hit *out, size_t *out_n,
                                  struct error *err) MUST_USE;
/* The same without leaving anything out: slow, for tests and measurements. */
enum status lexical_lookup_search_all(struct lexical_lookup *lookup, const uint64_t *allowed,
                                      size_t k, int32_t floor, struct lexical_hit *out,
                                      size_t *out_n, struct error *err) MUST_USE;
/* Scores of ascending rows; 0: no scoring term. */
void lexical_lookup_score(struct lexical_lookup *lookup, const uint32_t *rows, size_t n,
                          int32_t *out);
/* Removes from the bitmap of the index's rows those that the query's constraints don't allow. */
enum status lexical_lookup_restrict(struct lexical_lookup *lookup, uint64_t *io_allowed,
                                    struct error *err) MUST_USE;
void lexical_lookup_free(struct lexical_lookup *lookup); /* NULL is fine */

/* --- building --- */

/* Holds the postings of all added rows in memory: about the size of their blobs. One thread at a
 * time. */
struct lexical_builder;
enum status lexical_builder_new(struct lexical_params params, struct lexical_builder **out,
                                struct error *err) MUST_USE;
/* The next row: a blob of lexical_terms_encode(). DAMAGED: bad bytes; after an error only free. */
enum status lexical_builder_add(struct lexical_builder *builder, const void *blob, size_t len,
                                uint32_t n_terms, struct error *err) MUST_USE;
/* Writes all sections but the rows; holds the positions once more meanwhile. Once; the
 * builder can only be freed then. */
enum status lexical_builder_write(struct lexical_builder *builder, struct segment_writer *writer,
                                  struct error *err) MUST_USE;
void lexical_builder_free(struct lexical_builder *builder); /* NULL is fine */

/* inputs[i] is the index over merge->inputs[i].segment; gives what building from the live rows
 * would give. Holds the dictionary and one list at a time in memory. DAMAGED: an input is. */
enum status lexical_merge(const struct lexical_index *const *inputs,
                          const struct segment_merge *merge, struct lexical_params params,
                          struct segment_writer *writer, struct error *err) MUST_USE;

#endif
