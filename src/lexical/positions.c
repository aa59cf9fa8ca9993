#include "lexical/positions.h"

#include <string.h>

#include "lexical/kernel.h"

void positions_begin(struct positions_cursor *cursor, const struct lexical_index *index)
{
    struct span all = index_section_of(index, INDEX_POSITIONS);
    cursor->reader = span_reader_init(all.bytes, all.len);
}

bool positions_next(struct positions_cursor *cursor, struct span *out)
{
    uint64_t size = span_take_varint(&cursor->reader);
    if (cursor->reader.is_short || size > cursor->reader.n_left)
        return false;
    *out = (struct span){cursor->reader.at, (size_t)size};
    span_take(&cursor->reader, (size_t)size);
    return true;
}

struct span positions_of_list(const struct lexical_index *index, const struct list *list)
{
    struct span all = index_section_of(index, INDEX_POSITIONS), found = {NULL, 0};
    uint64_t offset;
    memcpy(&offset,
           (const char *)index_section_of(index, INDEX_POSITION_GROUPS).bytes +
               list->i_list / GROUP_TERMS * sizeof offset,
           sizeof offset);
    if (offset > all.len)
        return found;
    struct positions_cursor cursor = {
        span_reader_init((const char *)all.bytes + offset, all.len - (size_t)offset)};
    for (size_t i = 0; i <= list->i_list % GROUP_TERMS; i++)
        if (!positions_next(&cursor, &found))
            return (struct span){NULL, 0};
    return found;
}

struct span_reader positions_of_block(struct span positions, const struct list *list,
                                      size_t i_block)
{
    size_t n_places = (list->df - 1) / BLOCK_POSTINGS;
    struct span_reader reader = span_reader_init(positions.bytes, positions.len);
    const unsigned char *places = span_take(&reader, n_places * sizeof(uint32_t));
    uint32_t place = 0;
    if (places && i_block > 0)
        memcpy(&place, places + (i_block - 1) * sizeof place, sizeof place);
    span_take(&reader, place);
    return reader;
}
