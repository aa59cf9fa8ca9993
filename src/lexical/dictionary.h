/* lexical/dictionary.h - the terms of an index, in order, and where their postings are. Private to
 * lexical/. Searched in the mapping: nothing is loaded. A cursor belongs to one thread. */
#ifndef RAGGED_LEXICAL_DICTIONARY_H
#define RAGGED_LEXICAL_DICTIONARY_H

#include "lexical/fold.h"
#include "lexical/index_format.h"

/* The postings of one term. */
struct list {
    uint32_t df;
    struct span postings;         /* borrowed from the index */
    size_t i_list;                /* its number */
    size_t first_block, n_blocks; /* n_blocks 0: varints only */
    float max_impact;             /* of lists with blocks */
};

struct dictionary_cursor {
    const struct lexical_index *index;
    unsigned char term[TERM_BYTES_MAX];
    size_t len;
    struct list list; /* of this term */
    size_t i_next;
    struct span_reader reader;
    uint64_t postings_offset, i_block;
    bool is_damaged; /* then it is at its end */
};

void dictionary_begin(struct dictionary_cursor *cursor, const struct lexical_index *index);
/* False at the end. */
bool dictionary_next(struct dictionary_cursor *cursor);
/* To the first term that is not below; false when there is none. */
bool dictionary_seek(struct dictionary_cursor *cursor, const struct lexical_index *index,
                     const void *term, size_t len);
bool dictionary_find(const struct lexical_index *index, const void *term, size_t len,
                     struct list *out);
bool dictionary_has_prefix(const struct dictionary_cursor *cursor, const void *prefix, size_t len);

#endif
