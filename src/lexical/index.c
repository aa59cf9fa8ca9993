#include "lexical/index_format.h"

#include <string.h>

#include "base/mem.h"
#include "lexical/lexical_index.h"

static double take_double(struct span_reader *reader)
{
    uint64_t bits = span_take_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static enum status damaged(struct error *err, const char *what)
{
    return error_set(err, STATUS_DAMAGED, "its %s damaged", what);
}

static enum status read_info(struct lexical_index *index, size_t n_rows, struct error *err)
{
    struct span info = index_section_of(index, INDEX_INFO);
    if (info.len != INDEX_INFO_BYTES)
        return damaged(err, "statistics are");
    struct span_reader reader = span_reader_init(info.bytes, info.len);
    uint32_t version = span_take_u32(&reader);
    if (version != INDEX_VERSION)
        return error_set(err, STATUS_DAMAGED, "its words have format %u; this ragged reads %d",
                         version, INDEX_VERSION);
    index->n_rows = span_take_u32(&reader);
    index->n_terms = span_take_u64(&reader);
    uint64_t n_lists = span_take_u64(&reader), n_blocks = span_take_u64(&reader);
    index->k1 = take_double(&reader);
    index->b = take_double(&reader);
    index->mean_length = take_double(&reader);
    bool has_sense = index->n_rows == n_rows && n_lists <= SIZE_MAX / 64 &&
                     n_blocks <= SIZE_MAX / 64 &&
                     index->n_terms <= (uint64_t)n_rows * LEXICAL_LENGTH_MAX;
    /* Written so that a NaN fails too. */
    has_sense &= index->k1 >= 0 && index->b >= 0 && index->b <= 1 && index->mean_length > 0;
    if (!has_sense)
        return damaged(err, "statistics are");
    index->n_lists = (size_t)n_lists;
    index->n_groups = index->n_lists / GROUP_TERMS + (index->n_lists % GROUP_TERMS != 0);
    index->n_blocks = (size_t)n_blocks;
    return STATUS_OK;
}

static bool has_size(const struct lexical_index *index, enum index_section section, size_t n,
                     size_t element_bytes)
{
    return index_section_of(index, section).len == n * element_bytes;
}

enum status index_init(struct lexical_index *index, const struct span *sections, size_t n_rows,
                       struct error *err)
{
    struct lexical_index new = {0};
    memcpy(new.section, sections, sizeof new.section);
    enum status status = read_info(&new, n_rows, err);
    if (status)
        return status;
    if (!has_size(&new, INDEX_LENGTHS, new.n_rows + 1, sizeof *new.lengths))
        return damaged(err, "row lengths are");
    if (!has_size(&new, INDEX_GROUPS, new.n_groups, GROUP_BYTES) ||
        !has_size(&new, INDEX_POSITION_GROUPS, new.n_groups, sizeof(uint64_t)))
        return damaged(err, "dictionary is");
    if (!has_size(&new, INDEX_BLOCK_ROWS, new.n_blocks, sizeof *new.block_rows) ||
        !has_size(&new, INDEX_BLOCK_PLACES, new.n_blocks, sizeof *new.block_places) ||
        !has_size(&new, INDEX_BLOCK_WIDTHS, new.n_blocks, 2) ||
        !has_size(&new, INDEX_BLOCK_IMPACTS, new.n_blocks, 1))
        return damaged(err, "list of blocks is");
    new.lengths = index_section_of(&new, INDEX_LENGTHS).bytes;
    new.block_rows = index_section_of(&new, INDEX_BLOCK_ROWS).bytes;
    new.block_places = index_section_of(&new, INDEX_BLOCK_PLACES).bytes;
    new.block_widths = index_section_of(&new, INDEX_BLOCK_WIDTHS).bytes;
    new.block_impacts = index_section_of(&new, INDEX_BLOCK_IMPACTS).bytes;
    *index = new;
    return STATUS_OK;
}

enum status lexical_index_open(const struct segment *segment, struct lexical_index **out,
                               struct error *err)
{
    struct span sections[INDEX_N_SECTIONS];
    for (uint32_t i = 0; i < INDEX_N_SECTIONS; i++)
        sections[i] = segment_section(segment, INDEX_INFO + i);
    struct lexical_index *index = mem_alloc(sizeof *index);
    if (!index)
        return error_nomem(err);
    enum status status = index_init(index, sections, segment_n_rows(segment), err);
    if (status)
        mem_free(index);
    else
        *out = index;
    return status;
}

void lexical_index_close(struct lexical_index *index)
{
    mem_free(index);
}
