/* vector/vector_kernel.h - rows of the vector kernels, one for each instruction set; private to
 * vector/. All but dot() have the same bits in every row. Pure functions, any thread. */
#ifndef RAGGED_VECTOR_VECTOR_KERNEL_H
#define RAGGED_VECTOR_VECTOR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Exact dots are summed in this many lanes: element i goes to lane i % VECTOR_LANES, products are
 * rounded before they are added, and the lanes are added by halves (i and i + 16, i and i + 8 ...).
 */
#define VECTOR_LANES ((size_t)32)

/* A block holds the codes of 64 rows, group by group of four dimensions: byte r of a group has the
 * four bits of row r in its lower half and those of row r + 32 in its upper half. Behind the groups
 * stand 64 floats, the rows' factors. */
#define VECTOR_BLOCK_ROWS ((size_t)64)
#define VECTOR_GROUP_DIMS ((size_t)4)
#define VECTOR_GROUP_BYTES (VECTOR_BLOCK_ROWS / 2)

/* A query to scan blocks with. An entry is at most VECTOR_ENTRY_MAX: four add up in a byte, and
 * those of all groups in 16 bits. */
#define VECTOR_ENTRY_MAX 63
struct vector_scan {
    const unsigned char
        *tables;        /* [n_groups][32]: the sums of the 16 codes, twice; aligned to 64 */
    size_t n_groups;    /* a multiple of four, at most 1,024 */
    float step, offset; /* estimate = factor * (step * sum + offset) */
};

struct vector_kernel {
    const char *name;
    int (*runs_here)(void); /* 0: the others may be NULL */
    float (*dot)(const float *a, const float *b, size_t dim);
    float (*dot_fp16)(const float *query, const void *row, size_t dim);
    void (*from_fp16)(const void *row, size_t dim, float *out);
    /* Estimates of a block's rows to out[64], aligned to 64 bytes; bit i says that the one of row i
     * is above the threshold. A factor that is NaN never is. */
    uint64_t (*scan_block)(const struct vector_scan *scan, const unsigned char *block,
                           float threshold, float *out);
};

extern const struct vector_kernel vector_kernel_scalar; /* the oracle */
extern const struct vector_kernel vector_kernel_avx2;
extern const struct vector_kernel vector_kernel_avx512;
extern const struct vector_kernel vector_kernel_neon;

/* For a row that was not compiled. */
int vector_runs_nowhere(void);

/* Best first; ends with the scalar row. */
extern const struct vector_kernel *const vector_kernels[];
extern const size_t vector_n_kernels;

const struct vector_kernel *vector_kernel_best(void);

#endif
