/* answer/citation.h - is every sentence of an answer in the passages it names? Private to answer/.
 *
 * An answer's sentence is supported by a passage when one of the passage's sentences (or two in a
 * row) holds most of its content words, or fewer but means the same by its vector, and every number
 * in it occurs in that passage. Marks are numbered anew from 1, in the order in which the answer
 * comes to cite passages. Those that name no passage are removed; a sentence without a mark gets
 * the passage that supports it best; one that nothing supports is marked as such. */
#ifndef RAGGED_ANSWER_CITATION_H
#define RAGGED_ANSWER_CITATION_H

#include "answer/answer.h"
#include "engine/engine_parts.h"
#include "search/search.h"

#define CITATION_UNSUPPORTED_MARK "[unsupported]"

struct citation_input {
    struct engine *engine;
    const char *answer;            /* as the model wrote it */
    const struct engine_hit *hits; /* passage n is hits[n - 1] */
    size_t n_hits;                 /* given to the model */
};

struct citation_result {
    char *text;                        /* with checked marks; from the arena */
    struct engine_citation *citations; /* number 1 first, one for each passage that is cited */
    size_t n_citations, n_unsupported, n_removed;
};

enum status citation_check(const struct citation_input *input, struct arena *arena,
                           struct citation_result *out, struct error *err) MUST_USE;

#endif
