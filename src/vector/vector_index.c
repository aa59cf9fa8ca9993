#include "vector/vector_index.h"

#include <string.h>

#include "base/mem.h"

/* A section of exactly that many bytes, or NULL. */
static const void *section_of(const struct segment *segment, uint32_t number, size_t len)
{
    struct span section = segment_section(segment, number);
    return section.bytes && section.len == len ? section.bytes : NULL;
}

static enum status damaged(struct error *err, const char *what)
{
    return error_set(err, STATUS_DAMAGED, "the vector segment's %s is missing or of a wrong size",
                     what);
}

static enum status find_sections(struct vector_index *index, const struct segment *segment,
                                 struct error *err)
{
    struct codes_head head;
    const void *bytes = section_of(segment, CODES_SECTION_HEAD, sizeof head);
    if (!bytes)
        return damaged(err, "head");
    memcpy(&head, bytes, sizeof head);
    if (head.version != CODES_VERSION)
        return error_set(err, STATUS_DAMAGED, "the vector segment has version %u, not %d",
                         (unsigned)head.version, CODES_VERSION);
    if (head.dim < 1 || head.dim > VECTOR_DIM_MAX)
        return error_set(err, STATUS_DAMAGED, "the vector segment has %u dimensions",
                         (unsigned)head.dim);
    if (head.n_rows != segment_n_rows(segment))
        return error_set(err, STATUS_DAMAGED, "the segment has %zu rows and %llu vectors",
                         segment_n_rows(segment), (unsigned long long)head.n_rows);
    index->n_rows = segment_n_rows(segment);
    index->n_blocks = codes_n_blocks(index->n_rows);
    index->shape = codes_shape_of(head.dim);
    index->rotation_seed = head.rotation_seed;
    index->mean = section_of(segment, CODES_SECTION_MEAN, head.dim * sizeof *index->mean);
    if (!index->mean)
        return damaged(err, "mean");
    index->slots = section_of(segment, CODES_SECTION_SLOTS, index->n_rows * sizeof *index->slots);
    if (!index->slots)
        return damaged(err, "list of slots");
    index->blocks =
        section_of(segment, CODES_SECTION_BLOCKS, index->n_blocks * index->shape.block_bytes);
    return index->blocks ? STATUS_OK : damaged(err, "code section");
}

enum status vector_index_open_with(const struct segment *segment,
                                   const struct vector_kernel *kernel, struct vector_index **out,
                                   struct error *err)
{
    struct vector_index *index = mem_zalloc(1, sizeof *index);
    if (!index)
        return error_nomem(err);
    index->kernel = kernel;
    enum status status = find_sections(index, segment, err);
    if (status == STATUS_OK)
        status = rotation_init(&index->rotation, index->shape.n_values, index->rotation_seed, err);
    if (status != STATUS_OK) {
        mem_free(index);
        return status;
    }
    *out = index;
    return STATUS_OK;
}

enum status vector_index_open(const struct segment *segment, struct vector_index **out,
                              struct error *err)
{
    return vector_index_open_with(segment, vector_kernel_best(), out, err);
}

void vector_index_close(struct vector_index *index)
{
    if (!index)
        return;
    rotation_clear(&index->rotation);
    mem_free(index);
}

size_t vector_index_n_rows(const struct vector_index *index)
{
    return index->n_rows;
}

size_t vector_index_dim(const struct vector_index *index)
{
    return index->shape.dim;
}

uint32_t vector_index_slot(const struct vector_index *index, size_t row)
{
    return index->slots[row];
}
