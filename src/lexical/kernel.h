/* lexical/kernel.h - rows of the inner loops of the index. Private to lexical/.
 *
 * A block is 128 numbers of one bit width, laid out as 4 lanes of 32: number 4 * i + l is the i-th
 * of lane l, and the lanes' 32-bit words follow each other, so that one 128-bit operation serves
 * four numbers (Lemire and Boytsov, "Decoding billions of integers per second through
 * vectorization", 2015). Every row gives the same result bit for bit. */
#ifndef RAGGED_LEXICAL_KERNEL_H
#define RAGGED_LEXICAL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lexical/score.h"

#define BLOCK_POSTINGS 128
#define BLOCK_WIDTH_MAX 32
#define KERNEL_LANES_MAX 16 /* arrays given to score() are padded to a multiple of it */

struct lexical_kernel {
    const char *name;
    bool (*runs_here)(void);
    /* 16 * width bytes from anywhere become 128 numbers, each one more than was packed. */
    void (*unpack)(const unsigned char *in, unsigned width, uint32_t *out);
    /* Gaps become rows: out[i] = before + gaps[0] + ... + gaps[i], modulo 2^32. */
    void (*sum_up)(uint32_t *io_gaps, uint32_t before);
    /* out[i] = score_of(); reads and writes up to the next multiple of KERNEL_LANES_MAX. Each row's
     * length may be read as 4 bytes. */
    void (*score)(const uint32_t *rows, const uint32_t *tfs, size_t n, const uint16_t *lengths,
                  struct score_weights weights, int32_t *out);
    /* Finds the sums above `limit` (>= 0), with their row base + i, and clears all sums. `n` is a
     * multiple of 64; the outputs have room for n. */
    size_t (*sweep)(int32_t *io_sums, size_t n, int32_t limit, uint32_t base, uint32_t *out_rows,
                    int32_t *out_sums);
};

/* Best first; ends with the scalar row, then NULL. */
extern const struct lexical_kernel *const lexical_kernels[];
const struct lexical_kernel *lexical_kernel_best(void);

/* What unpack() gives as out[i]. */
uint32_t block_number(const unsigned char *in, unsigned width, size_t i);

/* For building: the width that fits, and the layout that unpack() reads. out: 16 * width bytes. */
unsigned block_width(const uint32_t *numbers);
void block_pack(const uint32_t *numbers, unsigned width, unsigned char *out);

#endif
