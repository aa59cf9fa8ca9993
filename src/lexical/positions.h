/* lexical/positions.h - reading where terms stand in rows. Private to lexical/. */
#ifndef RAGGED_LEXICAL_POSITIONS_H
#define RAGGED_LEXICAL_POSITIONS_H

#include "lexical/dictionary.h"

/* The positions of one list: what is behind its size. {NULL, 0}: damaged. */
struct span positions_of_list(const struct lexical_index *index, const struct list *list);
/* A reader at the first posting of a block of 128, within what positions_of_list() gave; is_short:
 * damaged. */
struct span_reader positions_of_block(struct span positions, const struct list *list,
                                      size_t i_block);

/* All lists one after the other. */
struct positions_cursor {
    struct span_reader reader;
};
void positions_begin(struct positions_cursor *cursor, const struct lexical_index *index);
/* The next list's; false: damaged. */
bool positions_next(struct positions_cursor *cursor, struct span *out);

#endif
