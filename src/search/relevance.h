/* search/relevance.h - do the hits answer the question at all? Private to search/. */
#ifndef RAGGED_SEARCH_RELEVANCE_H
#define RAGGED_SEARCH_RELEVANCE_H

#include "engine/engine_parts.h"
#include "search/search.h"

/* What `relevance` must reach for an answer (RETRIEVAL floor: cosine of the best passage plus half
 * the idf-weighted share of the question's words in the best of the top five). */
#define RELEVANCE_FLOOR 0.59

struct relevance_input {
    struct analyzer *analyzer;
    const struct lexical_query *terms; /* of the question, with their idf */
    double best_cosine;                /* of all candidates; 0: none has a vector */
    bool has_vectors;                  /* passages that may be found have some */
};
/* Sets hits->relevance and ->is_relevant. */
enum status relevance_judge(struct engine_hits *hits, const struct relevance_input *input,
                            struct error *err) MUST_USE;

#endif
