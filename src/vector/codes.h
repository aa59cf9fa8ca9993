/* vector/codes.h - the sections of a vector segment, and how rows become codes; private to vector/.
 *
 *   HEAD    struct codes_head
 *   MEAN    float [dim]: the mean of an evenly spaced sample of the rows
 *   SLOTS   uint32_t [n_rows]
 *   BLOCKS  [n_rows / 64, rounded up] blocks of vector_kernel.h: 32 bytes a group, then float [64]
 *
 * Little-endian. The values of a row are its differences to the mean, filled up with zeros to a
 * multiple of 16, and rotated. Bit i of a code says that value i is not negative; the factor is
 * |values|^2 / |values|_1, and 0 where all values are 0. NaN stands where there is no row to find:
 * behind the last row, and for a row that is a data error. */
#ifndef RAGGED_VECTOR_CODES_H
#define RAGGED_VECTOR_CODES_H

#include "vector/rotation.h"
#include "vector/vector.h"
#include "vector/vector_kernel.h"

enum {
    CODES_SECTION_HEAD = SEGMENT_SECTION_FIRST,
    CODES_SECTION_MEAN,
    CODES_SECTION_SLOTS,
    CODES_SECTION_BLOCKS
};

#define CODES_VERSION 1
struct codes_head {
    uint32_t version, dim;
    uint64_t n_rows, rotation_seed;
};
_Static_assert(sizeof(struct codes_head) == 24, "the file has it so");

/* What the dimension decides. */
struct codes_shape {
    size_t dim, n_values, n_groups, block_bytes;
};
struct codes_shape codes_shape_of(size_t dim);
size_t codes_n_blocks(size_t n_rows);

/* Immutable after init: any thread. */
struct coder {
    struct codes_shape shape;
    struct rotation rotation; /* owned */
    float *mean;              /* [n_values], zeros behind dim; owned */
    const struct vector_kernel *kernel;
};
enum status coder_init(struct coder *coder, size_t dim, uint64_t rotation_seed, const float *mean,
                       struct error *err) MUST_USE;
void coder_clear(struct coder *coder); /* zeroed is fine */

/* The block of n <= 64 rows; all slots are there. scratch: [n_values]. */
void coder_encode_block(const struct coder *coder, const struct vector_rows *rows,
                        const uint32_t *slots, size_t n, float *scratch, unsigned char *block);

/* The mean for the MEAN section, the same for any order of summing. All slots are there. scratch:
 * double [dim] and float [dim]. */
void codes_mean_of(const struct vector_rows *rows, const uint32_t *slots, size_t n, double *sums,
                   float *scratch, float *out);

/* The bytes of a row; NULL: there is no such slot. */
static inline const unsigned char *rows_at(const struct vector_rows *rows, size_t slot)
{
    return slot < rows->n_slots ? (const unsigned char *)rows->bytes + 2 * rows->dim * slot : NULL;
}

#endif
