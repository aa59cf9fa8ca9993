#include "lexical/postings.h"

#include <string.h>

#include "lexical/varint.h"

/* 128 gaps of this width can't pass 2^32, whatever they are. */
#define SAFE_WIDTH 24

static bool fail(struct block *block)
{
    block->n = 0;
    block->has_tfs = true;
    return false;
}

static void clear_behind(struct block *block)
{
    memset(block->rows + block->n, 0, (BLOCK_POSTINGS - block->n) * sizeof *block->rows);
    memset(block->tfs + block->n, 0, (BLOCK_POSTINGS - block->n) * sizeof *block->tfs);
}

/* Rows above `before` (UINT32_MAX: none yet), all below n_rows. */
static bool read_varints(struct span bytes, size_t n, uint32_t before, size_t n_rows,
                         struct block *out)
{
    struct span_reader reader = span_reader_init(bytes.bytes, bytes.len);
    uint64_t row = (uint32_t)(before + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t code = varint_take(&reader), gap = code >> 1;
        uint64_t tf = code & 1 ? varint_take(&reader) + 2 : 1;
        if (reader.is_short || gap >= n_rows || row + gap >= n_rows || tf - 1 >= TF_MAX)
            return fail(out);
        row += gap;
        out->rows[i] = (uint32_t)row++;
        out->tfs[i] = (uint32_t)tf;
    }
    out->n = n;
    out->has_tfs = true;
    clear_behind(out);
    return true;
}

/* Only gaps too wide for a sum that can't wrap are looked at one by one. */
static bool ascends(const struct block *block, uint32_t before, unsigned width)
{
    if (width <= SAFE_WIDTH)
        return true;
    uint32_t previous = before;
    for (size_t i = 0; i < BLOCK_POSTINGS; i++) {
        if (block->rows[i] <= previous && (i > 0 || before != UINT32_MAX))
            return false;
        previous = block->rows[i];
    }
    return true;
}

static bool read_packed(const struct lexical_kernel *kernel, struct span bytes, unsigned gap_width,
                        unsigned tf_width, uint32_t before, uint32_t last, struct block *out)
{
    if (gap_width > BLOCK_WIDTH_MAX || tf_width > 16 ||
        bytes.len < (size_t)16 * (gap_width + tf_width))
        return fail(out);
    kernel->unpack(bytes.bytes, gap_width, out->rows);
    kernel->sum_up(out->rows, before);
    if (out->rows[BLOCK_POSTINGS - 1] != last || !ascends(out, before, gap_width))
        return fail(out);
    out->n = BLOCK_POSTINGS;
    out->has_tfs = false;
    out->tfs_at = (const unsigned char *)bytes.bytes + (size_t)16 * gap_width;
    out->tf_width = tf_width;
    return true;
}

bool postings_read_rows(const struct lexical_index *index, const struct lexical_kernel *kernel,
                        const struct list *list, size_t i, struct block *out)
{
    if (list->n_blocks == 0)
        return read_varints(list->postings, list->df, UINT32_MAX, index->n_rows, out);
    size_t i_block = list->first_block + i, n = list_block_size(list, i);
    uint32_t before = i > 0 ? index->block_rows[i_block - 1] : UINT32_MAX;
    uint32_t last = index->block_rows[i_block];
    uint64_t offset = (uint64_t)index->block_places[i_block] * PLACE_BYTES;
    if (offset > list->postings.len || last >= index->n_rows || (i > 0 && before >= index->n_rows))
        return fail(out);
    struct span bytes = {(const unsigned char *)list->postings.bytes + offset,
                         list->postings.len - (size_t)offset};
    if (n < BLOCK_POSTINGS)
        return read_varints(bytes, n, before, index->n_rows, out);
    return read_packed(kernel, bytes, index->block_widths[2 * i_block],
                       index->block_widths[2 * i_block + 1], before, last, out);
}

/* A tf of 2^16 can only be damage: a width of 16 holds it. */
void postings_read_tfs(const struct lexical_kernel *kernel, struct block *block)
{
    if (block->has_tfs)
        return;
    kernel->unpack(block->tfs_at, block->tf_width, block->tfs);
    block->has_tfs = true;
}

uint32_t postings_tf(const struct block *block, size_t i)
{
    return block->has_tfs ? block->tfs[i] : block_number(block->tfs_at, block->tf_width, i);
}

bool postings_read(const struct lexical_index *index, const struct lexical_kernel *kernel,
                   const struct list *list, size_t i, struct block *out)
{
    if (!postings_read_rows(index, kernel, list, i, out))
        return false;
    postings_read_tfs(kernel, out);
    return true;
}
