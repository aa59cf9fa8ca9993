#include "lexical/dictionary.h"

#include <string.h>

#include "lexical/kernel.h"
#include "lexical/terms.h"

struct group {
    uint64_t prefix, terms_offset, postings_offset, i_block;
};

static struct group group_at(const struct lexical_index *index, size_t i)
{
    const unsigned char *row =
        (const unsigned char *)index_section_of(index, INDEX_GROUPS).bytes + i * GROUP_BYTES;
    struct group group;
    memcpy(&group, row, sizeof group);
    return group;
}

static uint64_t group_prefix(const struct lexical_index *index, size_t i)
{
    uint64_t prefix;
    memcpy(&prefix,
           (const unsigned char *)index_section_of(index, INDEX_GROUPS).bytes + i * GROUP_BYTES,
           sizeof prefix);
    return prefix;
}

static bool fail(struct dictionary_cursor *cursor)
{
    cursor->is_damaged = true;
    cursor->i_next = cursor->index->n_lists;
    return false;
}

static bool enter_group(struct dictionary_cursor *cursor, size_t i)
{
    struct group group = group_at(cursor->index, i);
    struct span terms = index_section_of(cursor->index, INDEX_TERMS);
    if (group.terms_offset > terms.len)
        return fail(cursor);
    cursor->reader = span_reader_init((const char *)terms.bytes + group.terms_offset,
                                      terms.len - (size_t)group.terms_offset);
    cursor->postings_offset = group.postings_offset;
    cursor->i_block = group.i_block;
    cursor->len = 0;
    return true;
}

static bool read_term(struct dictionary_cursor *cursor)
{
    size_t n_shared = span_take_u8(&cursor->reader), n_rest = span_take_u8(&cursor->reader);
    const void *rest = span_take(&cursor->reader, n_rest);
    if (!rest || n_shared > cursor->len || n_shared + n_rest > TERM_BYTES_MAX)
        return false;
    memcpy(cursor->term + n_shared, rest, n_rest);
    cursor->len = n_shared + n_rest;
    return true;
}

static bool read_inline(struct dictionary_cursor *cursor)
{
    const unsigned char *start = cursor->reader.at;
    for (size_t i = 0; i < cursor->list.df; i++)
        if (span_take_varint(&cursor->reader) & 1)
            span_take_varint(&cursor->reader);
    cursor->list.postings = (struct span){start, (size_t)(cursor->reader.at - start)};
    return !cursor->reader.is_short;
}

static bool read_list(struct dictionary_cursor *cursor)
{
    struct list *list = &cursor->list;
    uint64_t df = span_take_varint(&cursor->reader);
    if (cursor->reader.is_short || df == 0 || df > cursor->index->n_rows)
        return false;
    *list = (struct list){.df = (uint32_t)df, .i_list = cursor->i_next};
    if (df <= INLINE_POSTINGS_MAX)
        return read_inline(cursor);
    struct span all = index_section_of(cursor->index, INDEX_POSTINGS);
    uint64_t size = span_take_varint(&cursor->reader);
    if (cursor->reader.is_short || cursor->postings_offset > all.len ||
        size > all.len - cursor->postings_offset)
        return false;
    list->postings = (struct span){(const char *)all.bytes + cursor->postings_offset, (size_t)size};
    cursor->postings_offset += size;
    if (df < BLOCK_POSTINGS)
        return true;
    uint32_t impact = span_take_u32(&cursor->reader);
    memcpy(&list->max_impact, &impact, sizeof impact);
    list->n_blocks = (size_t)(df + BLOCK_POSTINGS - 1) / BLOCK_POSTINGS;
    if (cursor->i_block > cursor->index->n_blocks ||
        list->n_blocks > cursor->index->n_blocks - cursor->i_block)
        return false;
    list->first_block = (size_t)cursor->i_block;
    cursor->i_block += list->n_blocks;
    return !cursor->reader.is_short && list->max_impact >= 0 && list->max_impact <= 1;
}

void dictionary_begin(struct dictionary_cursor *cursor, const struct lexical_index *index)
{
    *cursor = (struct dictionary_cursor){.index = index};
}

bool dictionary_next(struct dictionary_cursor *cursor)
{
    if (cursor->i_next >= cursor->index->n_lists)
        return false;
    if (cursor->i_next % GROUP_TERMS == 0 && !enter_group(cursor, cursor->i_next / GROUP_TERMS))
        return false;
    if (!read_term(cursor) || !read_list(cursor))
        return fail(cursor);
    cursor->i_next++;
    return true;
}

/* Is the first term of group `i` not above? The first eight bytes nearly always say. */
static bool group_begins_before(const struct lexical_index *index, size_t i, const void *term,
                                size_t len, uint64_t prefix)
{
    uint64_t first = group_prefix(index, i);
    if (first != prefix)
        return first < prefix;
    struct dictionary_cursor cursor;
    dictionary_begin(&cursor, index);
    cursor.i_next = i * GROUP_TERMS;
    return dictionary_next(&cursor) && term_compare(cursor.term, cursor.len, term, len) <= 0;
}

bool dictionary_seek(struct dictionary_cursor *cursor, const struct lexical_index *index,
                     const void *term, size_t len)
{
    uint64_t prefix = term_prefix(term, len);
    size_t low = 0, high = index->n_groups;
    while (high > low + 1) {
        size_t middle = low + (high - low) / 2;
        if (group_begins_before(index, middle, term, len, prefix))
            low = middle;
        else
            high = middle;
    }
    dictionary_begin(cursor, index);
    cursor->i_next = low * GROUP_TERMS;
    while (dictionary_next(cursor))
        if (term_compare(cursor->term, cursor->len, term, len) >= 0)
            return true;
    return false;
}

bool dictionary_find(const struct lexical_index *index, const void *term, size_t len,
                     struct list *out)
{
    struct dictionary_cursor cursor;
    if (!dictionary_seek(&cursor, index, term, len) || cursor.len != len ||
        memcmp(cursor.term, term, len) != 0)
        return false;
    *out = cursor.list;
    return true;
}

bool dictionary_has_prefix(const struct dictionary_cursor *cursor, const void *prefix, size_t len)
{
    return cursor->len >= len && memcmp(cursor->term, prefix, len) == 0;
}
