/* lexical/term_key.h - sorting terms by their bytes. Private to lexical/. */
#ifndef RAGGED_LEXICAL_TERM_KEY_H
#define RAGGED_LEXICAL_TERM_KEY_H

#include "lexical/terms.h"

/* What is compared lies in the key: most comparisons end with its first word. The bytes are
 * borrowed. */
struct term_key {
    uint64_t prefix; /* term_prefix() */
    const char *bytes;
    uint32_t len, i; /* i: whatever it is that has this term */
};

static inline struct term_key term_key_of(const char *bytes, size_t len, size_t i)
{
    return (struct term_key){
        .prefix = term_prefix(bytes, len), .bytes = bytes, .len = (uint32_t)len, .i = (uint32_t)i};
}

/* By bytes, equal ones by i. */
void term_keys_sort(struct term_key *keys, size_t n);

#endif
