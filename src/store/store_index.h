/* store/store_index.h - the other half of store.h: what indexes are built from and who has which
 * chunk.
 *
 * There are two kinds of index segments, independent of each other. Every chunk is in exactly one
 * of {tail, a live lexical segment} and in exactly one of {missing, vector tail, a live vector
 * segment}; a tail is what a search scores row by row. What is in a segment only its maker knows:
 * it says here which rows it took. A document that goes takes its rows out of the tails; for a kind
 * that had not all of them there, its chunk ids become a dead range, which searches leave out and
 * merges drop. Chunk ids are never given out twice, so a range stays dead. */
#ifndef RAGGED_STORE_STORE_INDEX_H
#define RAGGED_STORE_STORE_INDEX_H

#include "store/store.h"

enum store_kind { STORE_KIND_LEXICAL = 1, STORE_KIND_VECTOR = 2 }; /* as enum segment_kind */

/* --- segments: the manifest --- */
struct store_segment {
    const char *name; /* of its file; the key */
    enum store_kind kind;
    size_t n_rows;
    uint64_t size_bytes, inode;
    int64_t mtime_ns;
    uint64_t checksum;
    const char *maker;
};
/* Ordered by kind and name; texts are borrowed during the call. */
enum status store_each_segment(struct store *store,
                               enum status (*each)(void *ctx, const struct store_segment *segment,
                                                   struct error *err),
                               void *ctx, struct error *err) MUST_USE;
/* Inside a write. Adds, or replaces the one of that name. */
enum status store_put_segment(struct store *store, const struct store_segment *segment,
                              struct error *err) MUST_USE;
/* NOT_FOUND. */
enum status store_remove_segment(struct store *store, const char *name, struct error *err) MUST_USE;

/* --- from the tails into a segment and back; inside a write --- */
/* The rows that a new segment took over: chunk ids of one document, ascending, as one snapshot saw
 * them. Those that are no longer in the library become dead. INVALID: one of them lives and is not
 * in that tail (the vectors were removed meanwhile, another segment has it): give the segment up.
 */
enum status store_take_tail(struct store *store, enum store_kind kind, const int64_t *chunk_ids,
                            size_t n, struct error *err) MUST_USE;
/* The reverse, for a segment that is given up: its chunks, one by one. NOT_FOUND: no such chunk
 * lives (the write goes on). A row that is there already is replaced. */
enum status store_put_tail_row(struct store *store, int64_t chunk_id, int64_t document_id,
                               const void *terms, size_t terms_len, uint32_t n_terms,
                               struct error *err) MUST_USE;
/* With the vector of its hash, or as a missing one. */
enum status store_put_vector_tail_row(struct store *store, int64_t chunk_id, int64_t document_id,
                                      struct error *err) MUST_USE;

/* Ranges [first, end) of chunk ids, ordered by `first`; they may touch, and may name ids that no
 * segment has. */
enum status store_each_dead(struct store *store, enum store_kind kind,
                            enum status (*each)(void *ctx, int64_t first, int64_t end,
                                                struct error *err),
                            void *ctx, struct error *err) MUST_USE;
/* No segment has rows of it any more. Inside a write. Absent is OK. */
enum status store_remove_dead(struct store *store, enum store_kind kind, int64_t first,
                              struct error *err) MUST_USE;

/* --- the tails --- */
struct store_tail_row {
    int64_t chunk_id, document_id;
    const void *terms;
    size_t terms_len;
    uint32_t n_terms;
};
/* Rows behind `after_chunk_id` (0: from the first on), at most n_max, ordered by chunk id; pointers
 * are borrowed during the call. */
enum status store_each_tail(struct store *store, int64_t after_chunk_id, size_t n_max,
                            enum status (*each)(void *ctx, const struct store_tail_row *row,
                                                struct error *err),
                            void *ctx, struct error *err) MUST_USE;

struct store_vector_row {
    int64_t chunk_id, document_id;
    uint32_t slot; /* below n_slots of store_map_vectors() */
};
/* The same for the vector tail. Inside a snapshot or a write. */
enum status store_each_vector_tail(struct store *store, int64_t after_chunk_id, size_t n_max,
                                   enum status (*each)(void *ctx,
                                                       const struct store_vector_row *row,
                                                       struct error *err),
                                   void *ctx, struct error *err) MUST_USE;
/* Reads two numbers that are kept. */
enum status store_count_tail(struct store *store, size_t *out_n_lexical, size_t *out_n_vector,
                             struct error *err) MUST_USE;

/* --- the vector file: one row for each hash that has a vector --- */
struct store_vectors {
    const void *rows; /* fp16 [n_slots][row_bytes / 2]; NULL when n_slots is 0 */
    size_t n_slots;   /* rows without a vector may hold anything */
    size_t row_bytes;
};
/* As of the snapshot that is open; borrowed until store_read_end(). Costs one stat() when the file
 * is still mapped. BUSY: the file is gone, because the vectors were removed since the snapshot
 * began: end it and begin again. DAMAGED: it is gone in that next snapshot too, or it is too short.
 * Either way every vector can be made again: store_remove_vectors(). */
enum status store_map_vectors(struct store *store, struct store_vectors *out,
                              struct error *err) MUST_USE;
/* Is the row of a slot what was written there? False too when the slot has no vector. */
enum status store_check_vector(struct store *store, uint32_t slot, const void *row,
                               size_t row_bytes, bool *out_is_right, struct error *err) MUST_USE;
/* Where the vector of any chunk is, in whatever it is indexed; *out_has false: it has none, or
 * there is no such chunk. Inside a snapshot or a write. */
enum status store_get_chunk_vector(struct store *store, int64_t chunk_id, uint32_t *out_slot,
                                   bool *out_has, struct error *err) MUST_USE;

/* --- all chunks, to build and to check indexes --- */
/* Rows behind `after_chunk_id`, at most n_max, ordered by chunk id; of `chunk` only heading, text
 * and hash are set, borrowed during the call. */
enum status store_each_chunk(struct store *store, int64_t after_chunk_id, size_t n_max,
                             enum status (*each)(void *ctx, int64_t chunk_id, int64_t document_id,
                                                 const struct store_chunk *chunk,
                                                 struct error *err),
                             void *ctx, struct error *err) MUST_USE;
/* The chunk ids [first, end) of every document that has chunks, ordered by `first`; those of one
 * that was read in parts may come as several. */
enum status store_each_chunk_run(struct store *store,
                                 enum status (*each)(void *ctx, int64_t document_id, int64_t first,
                                                     int64_t end, struct error *err),
                                 void *ctx, struct error *err) MUST_USE;

#endif
