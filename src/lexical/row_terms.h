/* lexical/row_terms.h - the different terms of one row, and where they stand in it. Private to
 * lexical/. One thread at a time. */
#ifndef RAGGED_LEXICAL_ROW_TERMS_H
#define RAGGED_LEXICAL_ROW_TERMS_H

#include "base/arena.h"
#include "lexical/lexical.h"

#define OCCURRENCE_NONE UINT32_MAX

struct row_term {
    uint64_t prefix;
    const char *bytes; /* in the arena */
    uint32_t len, tf;
    uint32_t first, last; /* occurrences */
};

struct occurrence {
    uint32_t position, next; /* next: of the same term, or OCCURRENCE_NONE */
};

/* A zeroed one is empty. */
struct row_terms {
    struct arena arena;
    struct row_term *terms; /* owned, in order of appearance */
    struct occurrence *occurrences;
    uint32_t *slots; /* [n_slots], a power of two: 1 + which term */
    size_t n, n_max, n_occurrences, n_occurrences_max, n_slots;
    uint32_t first_position; /* added to the positions of what comes next */
    enum status failed;
};

enum status row_terms_add(struct row_terms *row, struct analyzer *analyzer, const char *text,
                          size_t len, struct error *err) MUST_USE;
void row_terms_clear(struct row_terms *row);

#endif
