/* search/search_cache.h - results and query vectors as the cache keeps them. Private to search/. */
#ifndef RAGGED_SEARCH_SEARCH_CACHE_H
#define RAGGED_SEARCH_SEARCH_CACHE_H

#include "search/search.h"
#include "search/search_run.h"

/* ---- the vector of a query: never stale, whatever happens to the library ---- */

/* *out [*out_dim] is from `arena`. False: it is not there, or made by another model than
 * `fingerprint` says (NULL or "": any). *out_fingerprint: the one it was made by. */
bool search_cache_find_vector(struct engine *engine, const char *text, const char *fingerprint,
                              struct arena *arena, const float **out, size_t *out_dim,
                              const char **out_fingerprint);
void search_cache_put_vector(struct engine *engine, const char *text, const char *fingerprint,
                             const float *vector, size_t dim);

/* ---- results ---- */

/* The key of a search, but for the state of the library. False: it is not to be cached. */
bool search_cache_key(struct engine *engine, const char *text,
                      const struct engine_search_options *options, struct query_cache_key *out);

/* Fills *out (zeroed; its times stay 0) and what the query was weighed with: the terms and their
 * weights, without which the query's own terms are as they were parsed. *out_weights is from the
 * arena of the hits. */
bool search_cache_find(struct engine *engine, const struct query_cache_key *key,
                       struct engine_hits *out, struct span *out_weights);
/* Only hits that were found without anything missing for a passing cause. */
void search_cache_put(struct engine *engine, const struct query_cache_key *key,
                      const struct engine_hits *hits, const struct lexical_query *weighed);
/* Gives the parsed terms the weights that they had. False: they are of another query. */
bool search_cache_weigh(struct span weights, struct lexical_query *query);

/* --- the blobs; tests feed them what nobody wrote --- */
struct blob;
/* Both directions. Reading: the array is from hits->arena, its texts borrowed from the blob. */
bool hits_pass(struct blob *blob, struct engine_hits *hits);

#endif
