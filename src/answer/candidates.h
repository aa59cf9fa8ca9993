/* answer/candidates.h - the sentences an extractive answer chooses from. Private to answer/. */
#ifndef RAGGED_ANSWER_CANDIDATES_H
#define RAGGED_ANSWER_CANDIDATES_H

#include "generate/generate.h"
#include "search/search.h"
#include "search/search_run.h"

/* Every sentence of the first n_hits passages with its coverage of the question; the most promising
 * ones with their cosine to it too. All from `arena`; texts are borrowed from the hits. */
enum status candidates_collect(struct engine *engine, const struct engine_hits *hits, size_t n_hits,
                               const struct search_query *query, struct arena *arena,
                               struct generate_sentence **out, size_t *out_n,
                               struct error *err) MUST_USE;

#endif
