/* search/query_vector.h - what a question means: its vector, kept from before or made now. Private
 * to search/. One thread at a time per engine. */
#ifndef RAGGED_SEARCH_QUERY_VECTOR_H
#define RAGGED_SEARCH_QUERY_VECTOR_H

#include "engine/engine_parts.h"

/* False: the library has settled on no model, so it has no vector to compare with. Its first one
 * may come at any moment: a snapshot that has vectors has the last word. */
enum status query_vector_is_of_use(struct store *store, struct arena *arena, bool *out,
                                   struct error *err) MUST_USE;

struct query_vector {
    const float *values; /* [dim], from the arena */
    size_t dim;
    const char *fingerprint; /* of what made it; borrowed from arena or embedder */
};
struct query_vector_options {
    struct engine *engine;
    struct store *store; /* open to read */
    const char *text;
    bool is_cached; /* may have been kept, and is kept then; no model is opened for one that was */
    const struct cancel *cancel;
};
/* Errors are those of engine_get_embed_work() and embedder_embed(). */
enum status query_vector_get(const struct query_vector_options *options, struct arena *arena,
                             struct query_vector *out, struct error *err) MUST_USE;

#endif
