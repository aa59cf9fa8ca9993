/* lexical/postings.h - reading the postings of a term. Private to lexical/.
 * Whatever the bytes are: rows ascend and are below n_rows, tf is 1..TF_MAX. */
#ifndef RAGGED_LEXICAL_POSTINGS_H
#define RAGGED_LEXICAL_POSTINGS_H

#include "lexical/dictionary.h"
#include "lexical/kernel.h"

/* One block of a list, decoded. The rows behind n are 0. */
struct block {
    size_t n;
    bool has_tfs;
    const unsigned char *tfs_at; /* of a packed block */
    unsigned tf_width;
    _Alignas(64) uint32_t rows[BLOCK_POSTINGS];
    _Alignas(64) uint32_t tfs[BLOCK_POSTINGS];
};

/* How many postings block `i` of a list has; lists without blocks are one block. */
static inline size_t list_n_blocks(const struct list *list)
{
    return list->n_blocks ? list->n_blocks : 1;
}

static inline size_t list_block_size(const struct list *list, size_t i)
{
    size_t n_before = i * BLOCK_POSTINGS;
    return list->df - n_before < BLOCK_POSTINGS ? list->df - n_before : BLOCK_POSTINGS;
}

/* Its last row; n_rows when that is nonsense. Of lists with blocks. */
static inline uint32_t list_last_row(const struct lexical_index *index, const struct list *list,
                                     size_t i)
{
    return index->block_rows[list->first_block + i];
}

/* False, and no postings: damaged. */
bool postings_read_rows(const struct lexical_index *index, const struct lexical_kernel *kernel,
                        const struct list *list, size_t i, struct block *out);
/* Of a block that was read, or that has no postings. */
void postings_read_tfs(const struct lexical_kernel *kernel, struct block *block);
/* The tf of posting `i` < n alone: less than reading all of them. */
uint32_t postings_tf(const struct block *block, size_t i);
/* Both. */
bool postings_read(const struct lexical_index *index, const struct lexical_kernel *kernel,
                   const struct list *list, size_t i, struct block *out);

#endif
