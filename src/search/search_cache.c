#include "search/search_cache.h"

#include <string.h>

#include "cache/blob.h"
#include "engine/identity.h"

#define TERM_BYTES 20
#define TTL_NONE INT64_MAX

/* ---- the vector of a query ---- */

static bool vector_key(struct engine *engine, const char *text, struct query_cache_key *out)
{
    const struct identity *identity;
    if (!engine->cache || identity_get(engine, &identity, NULL))
        return false;
    /* Nobody tells when a server has another model under the same name. */
    *out = (struct query_cache_key){
        .kind = QUERY_CACHE_VECTOR,
        .hash = hash128_of_pair(&identity->embedder, sizeof identity->embedder, text, strlen(text)),
        .ttl_ms = engine_is_native(&engine->options) ? TTL_NONE : engine->options.cache_ttl_ms,
    };
    return true;
}

bool search_cache_find_vector(struct engine *engine, const char *text, const char *fingerprint,
                              struct arena *arena, const float **out, size_t *out_dim,
                              const char **out_fingerprint)
{
    struct query_cache_key key;
    struct span found;
    if (!vector_key(engine, text, &key) || !query_cache_find(engine->cache, &key, &found))
        return false;
    struct blob blob = blob_reader(found);
    const char *made_by;
    size_t dim;
    blob_text(&blob, &made_by);
    blob_count(&blob, &dim, sizeof(float));
    if (!blob_is_whole(&blob) || !made_by || dim == 0 ||
        (fingerprint && *fingerprint && strcmp(fingerprint, made_by) != 0))
        return false;
    float *vector = arena_zalloc(arena, dim, sizeof *vector);
    char *copy = arena_text(arena, made_by, strlen(made_by));
    if (!vector || !copy)
        return false;
    for (size_t i = 0; i < dim; i++)
        blob_float(&blob, &vector[i]);
    if (!blob_is_whole(&blob) || blob.in.n_left > 0)
        return false;
    *out = vector;
    *out_dim = dim;
    *out_fingerprint = copy;
    return true;
}

void search_cache_put_vector(struct engine *engine, const char *text, const char *fingerprint,
                             const float *vector, size_t dim)
{
    struct query_cache_key key;
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    if (!vector_key(engine, text, &key))
        return;
    blob_text(&blob, &fingerprint);
    blob_count(&blob, &dim, sizeof(float));
    for (size_t i = 0; i < dim; i++)
        blob_float(&blob, &(float){vector[i]});
    if (blob_is_whole(&blob))
        query_cache_put(engine->cache, &key, bytes.data, bytes.len);
    buf_clear(&bytes);
}

/* ---- results ---- */

static void add_texts(struct blob *blob, const char *const *texts, size_t n)
{
    blob_size(blob, &n);
    for (size_t i = 0; i < n; i++)
        blob_text(blob, &(const char *){texts[i]});
}

/* All that changes what is found. Not how long it may take or who may stop it: a search that was
 * cut short is not kept. */
static void add_options(struct blob *blob, const struct engine_search_options *options)
{
    struct engine_search_options o = *options;
    const struct engine_filter *filter = &o.filter;
    uint64_t numbers[] = {o.mode,      o.n,      o.has_query_syntax, o.n_per_document,
                          o.n_context, o.fusion, o.rerank,           o.n_rerank};
    const char *texts[] = {o.collection, o.path_glob, filter->since, filter->until};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        blob_uint(blob, &numbers[i], 8);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        blob_text(blob, &texts[i]);
    blob_double(blob, &o.min_score);
    add_texts(blob, filter->wheres, filter->n_wheres);
    add_texts(blob, filter->kinds, filter->n_kinds);
    add_texts(blob, filter->documents, filter->n_documents);
}

static struct hash128 identity_for(const struct identity *identity,
                                   const struct engine_search_options *options)
{
    if (options->rerank)
        return identity->all;
    return options->mode == ENGINE_MODE_LEXICAL ? identity->program : identity->embedder;
}

bool search_cache_key(struct engine *engine, const char *text,
                      const struct engine_search_options *options, struct query_cache_key *out)
{
    const struct identity *identity;
    if (!engine->cache || options->is_uncached || identity_get(engine, &identity, NULL))
        return false;
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    struct hash128 who = identity_for(identity, options);
    buf_append(&bytes, &who, sizeof who);
    blob_text(&blob, &text);
    add_options(&blob, options);
    bool is_whole = blob_is_whole(&blob);
    if (is_whole)
        *out = (struct query_cache_key){.kind = QUERY_CACHE_RESULT,
                                        .hash = hash128_of(bytes.data, bytes.len),
                                        .ttl_ms = engine->options.cache_ttl_ms};
    buf_clear(&bytes);
    return is_whole;
}

/* Document frequencies are of the library; words, and how often the query has them, of the query.
 */
static bool pass_weights(struct blob *blob, struct lexical_query *query)
{
    size_t n_terms = query->n_terms;
    blob_count(blob, &n_terms, TERM_BYTES);
    if (n_terms != query->n_terms)
        return false;
    for (size_t i = 0; i < n_terms; i++) {
        blob_uint(blob, &query->terms[i].df, 8);
        blob_double(blob, &query->terms[i].idf);
        blob_float(blob, &query->terms[i].factor);
    }
    blob_float(blob, &query->length_base);
    blob_float(blob, &query->length_slope);
    blob_double(blob, &query->scale);
    return blob_is_whole(blob);
}

bool search_cache_weigh(struct span weights, struct lexical_query *query)
{
    struct blob blob = blob_reader(weights);
    return pass_weights(&blob, query) && blob.in.n_left == 0;
}

bool search_cache_find(struct engine *engine, const struct query_cache_key *key,
                       struct engine_hits *out, struct span *out_weights)
{
    struct span found;
    struct engine_hits hits = {.is_cached = true};
    if (!query_cache_find(engine->cache, key, &found))
        return false;
    char *copy = arena_text(&hits.arena, found.bytes, found.len);
    struct blob blob = blob_reader((struct span){copy, copy ? found.len : 0});
    if (!copy || !hits_pass(&blob, &hits)) {
        engine_hits_clear(&hits);
        return false;
    }
    *out = hits;
    *out_weights = (struct span){blob.in.at, blob.in.n_left};
    return true;
}

void search_cache_put(struct engine *engine, const struct query_cache_key *key,
                      const struct engine_hits *hits, const struct lexical_query *weighed)
{
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    struct engine_hits copy = *hits;
    struct lexical_query query = *weighed;
    if (hits_pass(&blob, &copy) && pass_weights(&blob, &query))
        query_cache_put(engine->cache, key, bytes.data, bytes.len);
    buf_clear(&bytes);
}
