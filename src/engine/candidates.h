/* engine/candidates.h - the sentences an extractive answer chooses from. Private to engine/. */
#ifndef RAGGED_ENGINE_CANDIDATES_H
#define RAGGED_ENGINE_CANDIDATES_H

#include "engine/search.h"
#include "generate/generate.h"

/* Every sentence of the first n_hits passages with its coverage of the question; the most promising
 * ones with their cosine to it too. All from `arena`; texts are borrowed from the hits. */
enum status candidates_collect(struct engine *engine, const struct engine_hits *hits, size_t n_hits,
                               const struct search_query *query, struct arena *arena,
                               struct generate_sentence **out, size_t *out_n,
                               struct error *err) MUST_USE;

#endif
