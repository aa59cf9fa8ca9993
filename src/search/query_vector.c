#include "search/query_vector.h"

#include <string.h>

#include "search/search_cache.h"

enum status query_vector_is_of_use(struct store *store, struct arena *arena, bool *out,
                                   struct error *err)
{
    const char *stored = NULL;
    enum status status = store_get_meta(store, STORE_META_FINGERPRINT, arena, &stored, err);
    if (!status)
        *out = stored && *stored;
    return status;
}

static enum status make(const struct query_vector_options *o, struct arena *arena,
                        struct query_vector *out, struct error *err)
{
    struct embedder_work *work;
    enum status status = engine_get_embed_work(o->engine, &work, err);
    if (status)
        return status;
    size_t dim = embedder_dim(o->engine->embedder);
    float *values = arena_zalloc(arena, dim, sizeof *values);
    if (!values)
        return error_nomem(err);
    struct embed_text one = {.text = o->text, .len = strlen(o->text)};
    status = embedder_embed(work, EMBED_QUERY, &one, 1, o->cancel, values, err);
    if (status)
        return status;
    *out = (struct query_vector){
        .values = values, .dim = dim, .fingerprint = embedder_fingerprint(o->engine->embedder)};
    if (o->is_cached)
        search_cache_put_vector(o->engine, o->text, out->fingerprint, values, dim);
    return STATUS_OK;
}

static enum status find_kept(const struct query_vector_options *o, struct arena *arena,
                             struct query_vector *out, bool *out_is_found, struct error *err)
{
    const char *wanted = NULL;
    if (o->engine->embedder)
        wanted = embedder_fingerprint(o->engine->embedder);
    else {
        enum status status = store_get_meta(o->store, STORE_META_FINGERPRINT, arena, &wanted, err);
        if (status)
            return status;
    }
    *out_is_found = search_cache_find_vector(o->engine, o->text, wanted, arena, &out->values,
                                             &out->dim, &out->fingerprint);
    return STATUS_OK;
}

enum status query_vector_get(const struct query_vector_options *options, struct arena *arena,
                             struct query_vector *out, struct error *err)
{
    bool is_found = false;
    struct query_vector kept = {0};
    enum status status =
        options->is_cached ? find_kept(options, arena, &kept, &is_found, err) : STATUS_OK;
    if (status)
        return status;
    if (!is_found)
        return make(options, arena, out, err);
    *out = kept;
    return STATUS_OK;
}
