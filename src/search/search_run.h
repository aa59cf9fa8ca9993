/* search/search_run.h - one search over one snapshot, in steps that answers reuse.
 */
#ifndef RAGGED_SEARCH_SEARCH_RUN_H
#define RAGGED_SEARCH_SEARCH_RUN_H

#include "engine/engine_parts.h"
#include "search/search.h"

/* engine_search(), and the parsed query with its idf stays for whoever scores sentences; the
 * query's vector [dim] too (NULL in lexical mode). Both are from hits->arena. NULL: not wanted. */
struct search_query {
    struct lexical_query terms;
    const float *vector;
    size_t dim;
    struct query_cache_key key; /* of the hits, when they are kept */
    bool is_kept;
};
enum status search_run(struct engine *engine, const char *text,
                       const struct engine_search_options *options, struct engine_hits *out,
                       struct search_query *out_query, struct error *err) MUST_USE;

#endif
