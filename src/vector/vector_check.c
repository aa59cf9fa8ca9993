#include <string.h>

#include "base/mem.h"
#include "vector/vector_index.h"

static enum status check_slots(const struct vector_index *index, const struct vector_rows *rows,
                               struct error *err)
{
    for (size_t row = 0; row < index->n_rows; row++)
        if (index->slots[row] >= rows->n_slots)
            return error_set(err, STATUS_DAMAGED, "row %zu wants vector %u of %zu", row,
                             (unsigned)index->slots[row], rows->n_slots);
    return STATUS_OK;
}

/* memcmp() for floats too: what is NaN here is the same NaN there. */
static enum status check_blocks(const struct vector_index *index, const struct coder *coder,
                                const struct vector_rows *rows, float *scratch,
                                unsigned char *expected, struct error *err)
{
    size_t block_bytes = index->shape.block_bytes;
    for (size_t block = 0; block < index->n_blocks; block++) {
        size_t row = block * VECTOR_BLOCK_ROWS, n = index->n_rows - row;
        coder_encode_block(coder, rows, index->slots + row,
                           n < VECTOR_BLOCK_ROWS ? n : VECTOR_BLOCK_ROWS, scratch, expected);
        if (memcmp(expected, index->blocks + block * block_bytes, block_bytes) != 0)
            return error_set(err, STATUS_DAMAGED,
                             "the codes of rows %zu to %zu are not those of their vectors", row,
                             row + VECTOR_BLOCK_ROWS - 1);
    }
    return STATUS_OK;
}

enum status vector_index_check(const struct vector_index *index, const struct vector_rows *rows,
                               struct error *err)
{
    size_t dim = index->shape.dim, n_values = index->shape.n_values;
    if (rows->dim != dim)
        return error_set(err, STATUS_INVALID, "vectors of %zu dimensions for a segment of %zu",
                         rows->dim, dim);
    struct coder coder = {0};
    double *sums = mem_array(dim, sizeof *sums);
    float *scratch = mem_array(n_values, sizeof *scratch), *mean = mem_array(dim, sizeof *mean);
    unsigned char *block = mem_alloc(index->shape.block_bytes);
    enum status status = sums && scratch && mean && block ? STATUS_OK : error_nomem(err);
    if (status == STATUS_OK)
        status = check_slots(index, rows, err);
    if (status != STATUS_OK)
        goto done;
    codes_mean_of(rows, index->slots, index->n_rows, sums, scratch, mean);
    if (memcmp(mean, index->mean, dim * sizeof *mean) != 0) {
        status = error_set(err, STATUS_DAMAGED, "the mean is not that of the vectors");
        goto done;
    }
    status = coder_init(&coder, dim, index->rotation_seed, mean, err);
    if (status == STATUS_OK)
        status = check_blocks(index, &coder, rows, scratch, block, err);
done:
    coder_clear(&coder);
    mem_free(block);
    mem_free(mean);
    mem_free(scratch);
    mem_free(sums);
    return status;
}
