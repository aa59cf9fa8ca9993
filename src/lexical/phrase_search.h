/* lexical/phrase_search.h - the rows of an index that have a phrase. Private to lexical/. */
#ifndef RAGGED_LEXICAL_PHRASE_SEARCH_H
#define RAGGED_LEXICAL_PHRASE_SEARCH_H

#include "lexical/lookup.h"

/* Adds the rows that have all n >= 2 terms at successive positions to a bitmap. DAMAGED. */
enum status phrase_search(struct lexical_lookup *lookup, struct lookup_term *const *terms, size_t n,
                          uint64_t *io_found, struct error *err) MUST_USE;

#endif
