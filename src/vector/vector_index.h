/* vector/vector_index.h - an open vector segment; private to vector/. */
#ifndef RAGGED_VECTOR_VECTOR_INDEX_H
#define RAGGED_VECTOR_VECTOR_INDEX_H

#include "vector/candidates.h"
#include "vector/codes.h"

/* Immutable. The sections are borrowed from the segment; their sizes are checked, what is in them
 * is not. */
struct vector_index {
    struct codes_shape shape;
    size_t n_rows, n_blocks;
    const float *mean;           /* [dim] */
    const uint32_t *slots;       /* [n_rows] */
    const unsigned char *blocks; /* [n_blocks][shape.block_bytes] */
    uint64_t rotation_seed;
    struct rotation rotation; /* owned */
    const struct vector_kernel *kernel;
};

/* vector_index_open() with a kernel that is not the best one. */
enum status vector_index_open_with(const struct segment *segment,
                                   const struct vector_kernel *kernel, struct vector_index **out,
                                   struct error *err) MUST_USE;

/* The first half of vector_index_search(): the rows of the best estimates, in any order. `best` is
 * empty and knows how many; query: [dim], of unit length. */
enum status vector_index_scan(const struct vector_index *index, const float *query,
                              const uint64_t *allowed, unsigned n_threads, struct candidates *best,
                              struct error *err) MUST_USE;

/* Which rows of a block may be found: those that exist and are allowed. */
static inline uint64_t vector_index_rows_of_block(const struct vector_index *index,
                                                  const uint64_t *allowed, size_t block)
{
    uint64_t rows = allowed ? allowed[block] : UINT64_MAX;
    size_t n = index->n_rows - block * VECTOR_BLOCK_ROWS;
    return n < VECTOR_BLOCK_ROWS ? rows & (((uint64_t)1 << n) - 1) : rows;
}

#endif
