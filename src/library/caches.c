/* engine_cache.h */
#include "engine/engine_parts.h"
#include "library/library.h"

enum status engine_cache_status(struct engine *engine, struct engine_cache_status *out,
                                struct error *err)
{
    const char *folder = engine->options.data_folder;
    struct store_cache *file = NULL;
    struct store_cache_counts counts = {0};
    struct engine_cache_status s = {.max_bytes = engine->options.cache_bytes_max};
    enum status status = store_cache_new(folder, &file, err);
    if (!status)
        status = store_cache_count(file, &counts, err);
    store_cache_free(file);
    if (status && status != STATUS_DAMAGED)
        return status;
    s.is_damaged = status == STATUS_DAMAGED;
    s.path = arena_printf(&engine->arena, "%s/%s", folder, STORE_CACHE_FILE);
    if (!s.path)
        return error_nomem(err);
    s.file_bytes = counts.file_bytes;
    for (size_t i = 0; i < ENGINE_CACHE_KINDS; i++) {
        s.kinds[i].name = query_cache_kind_name((enum query_cache_kind)i);
        s.kinds[i].n = counts.n[i];
        s.kinds[i].bytes = counts.bytes[i];
    }
    *out = s;
    return STATUS_OK;
}
_Static_assert((int)QUERY_CACHE_KIND_COUNT == ENGINE_CACHE_KINDS, "the door shows all kinds");

enum status engine_cache_clear(struct engine *engine, struct error *err)
{
    struct store_cache *file = NULL;
    query_cache_forget(engine->cache);
    enum status status = store_cache_new(engine->options.data_folder, &file, err);
    if (!status)
        status = store_cache_remove(file, err);
    store_cache_free(file);
    return status;
}
