/* answer/answer_cache.h - answers as the cache keeps them. Private to answer/.
 *
 * Quotations are kept like results: the same hits always give the same ones. What a language model
 * wrote is kept only where the options of the engine ask for it. */
#ifndef RAGGED_ANSWER_ANSWER_CACHE_H
#define RAGGED_ANSWER_ANSWER_CACHE_H

#include "answer/answer.h"
#include "search/search_run.h"

/* `query`: of the hits that the answer is made from. False: it is not to be cached. */
bool answer_cache_key(struct engine *engine, const char *question,
                      const struct engine_answer_options *options, const struct search_query *query,
                      struct query_cache_key *out);
/* Fills everything of *answer but its times, and the short paths of its hits, which are there
 * already. False: nothing was changed. */
bool answer_cache_find(struct engine *engine, const struct query_cache_key *key,
                       struct engine_answer *answer);
/* Nothing that a passing cause has changed: a model that was not there, a library that changed
 * meanwhile, an answer that was stopped. */
void answer_cache_put(struct engine *engine, const struct query_cache_key *key,
                      const struct engine_answer *answer);

struct blob;
/* Both directions; answer->hits are the ones it was made from. Reading: texts are borrowed from the
 * blob, but *out_text. */
bool answer_pass(struct blob *blob, struct engine_answer *answer, const char **io_text);

#endif
