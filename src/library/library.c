/* What is in the library: list, remove, clear, status. */
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "engine/degraded.h"
#include "engine/engine_parts.h"
#include "governor/disk_reserve.h"
#include "ingest/shrink.h"
#include "library/library.h"
#include "query/metadata.h"
#include "query/where.h"

/* ---- list ---- */

struct lister {
    const struct engine_list_options *options;
    const struct where *where; /* NULL: all */
    void (*each)(void *ctx, const struct engine_document *document);
    void *ctx;
};

static enum status list_one(void *ctx, const struct store_document *d, struct error *err)
{
    const struct lister *lister = ctx;
    const struct engine_list_options *o = lister->options;
    bool is_failed = d->state == STORE_DOCUMENT_FAILED;
    if ((o->is_failed_only && !is_failed) ||
        (o->collection && strcmp(o->collection, d->collection) != 0) ||
        (o->glob && !path_matches(d->path, o->glob)) ||
        (lister->where && !where_matches(lister->where, d)))
        return STATUS_OK;
    struct arena arena = {0};
    const char *meta;
    enum status status = metadata_show(d->meta, &arena, &meta, err);
    if (status)
        return status;
    lister->each(lister->ctx, &(struct engine_document){
                                  .id = d->id,
                                  .path = d->path,
                                  .title = d->title,
                                  .kind = d->kind,
                                  .collection = d->collection,
                                  .error = d->error,
                                  .warning = d->warning,
                                  .hash = d->hash,
                                  .meta = meta,
                                  .is_failed = is_failed,
                                  .is_partial = d->state == STORE_DOCUMENT_PARTIAL,
                                  .size_bytes = d->size_bytes,
                                  .mtime_ms = d->mtime_ns / 1000000,
                                  .added_ms = d->added_ms,
                                  .n_chunks = d->n_chunks,
                                  .n_pages = d->n_pages,
                              });
    arena_clear(&arena);
    return STATUS_OK;
}

enum status engine_list(struct engine *engine, const struct engine_list_options *options,
                        void (*each)(void *ctx, const struct engine_document *document), void *ctx,
                        struct error *err)
{
    struct store *store;
    struct arena arena = {0};
    struct lister lister = {.options = options, .each = each, .ctx = ctx};
    enum status status = where_compile_filter(&options->filter, &arena, &lister.where, err);
    if (!status)
        status = engine_get_reader(engine, &store, err);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    else if (!status)
        status = store_each_document(store, list_one, &lister, err);
    arena_clear(&arena);
    return status;
}

/* ---- remove ---- */

#define SHORT_LOG_BYTES (256 * 1024)

/* Nobody finds it any more, but there are passages in it that someone wanted gone. */
static void forget_found(struct engine *engine)
{
    enum status status = engine_cache_clear(engine, NULL);
    (void)status;
}

struct remover {
    const char *pattern;
    char *folder; /* pattern with a slash behind it */
    bool is_glob; /* the pattern is one, not a name */
    int64_t *ids;
    size_t n, n_max;
    void (*each)(void *ctx, const char *path);
    void *ctx;
};

static enum status collect_match(void *ctx, const struct store_document *document,
                                 struct error *err)
{
    struct remover *r = ctx;
    bool is_match = r->is_glob ? fnmatch(r->pattern, document->path, 0) == 0
                               : strcmp(document->path, r->pattern) == 0 ||
                                     strncmp(document->path, r->folder, strlen(r->folder)) == 0;
    if (!is_match)
        return STATUS_OK;
    void *ids = r->ids;
    enum status status = mem_reserve(&ids, &r->n_max, r->n + 1, sizeof *r->ids, err);
    if (status)
        return status;
    r->ids = ids;
    r->ids[r->n++] = document->id;
    if (r->each)
        r->each(r->ctx, document->path);
    return STATUS_OK;
}

static enum status remove_some(struct store *store, const int64_t *ids, size_t n, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = shrink_document(store, ids[i], NULL, err);
    if (!status)
        status = store_write_begin(store, err);
    if (status)
        return status;
    for (size_t i = 0; i < n && !status; i++)
        status = store_remove_document(store, ids[i], err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

/* All at once where there is room for that, else one after the other: each makes room for the next.
 */
static enum status remove_ids(struct store *store, const struct remover *r, bool is_disk_short,
                              struct error *err)
{
    if (!is_disk_short)
        return remove_some(store, r->ids, r->n, err);
    enum status status = store_checkpoint(store, 0, err);
    for (size_t i = 0; i < r->n && !status; i++) {
        status = remove_some(store, &r->ids[i], 1, err);
        if (!status)
            status = store_checkpoint(store, SHORT_LOG_BYTES, err);
    }
    return status;
}

enum status engine_remove(struct engine *engine, const char *path, bool is_dry_run,
                          void (*each)(void *ctx, const char *path), void *ctx, size_t *out_n,
                          struct error *err)
{
    struct store *store = NULL;
    struct remover r = {.each = each, .ctx = ctx};
    bool is_disk_short = !is_dry_run && disk_ballast_lend(engine->options.data_folder);
    char *pattern = path_absolute(path);
    r.pattern = pattern;
    r.folder = pattern ? path_join(pattern, "") : NULL;
    enum status status = r.folder ? STATUS_OK : error_nomem(err);
    if (!status)
        status = store_open(engine->options.data_folder,
                            is_dry_run ? STORE_OPEN_READ : STORE_OPEN_WRITE, &store, err);
    if (!status)
        engine_sign(engine, store);
    if (!status)
        status = store_each_document(store, collect_match, &r, err);
    r.is_glob = r.n == 0; /* "notes[1].txt" is that file, if there is one */
    if (!status && r.is_glob)
        status = store_each_document(store, collect_match, &r, err);
    if (!status && r.n == 0) {
        status = error_set(err, STATUS_NOT_FOUND, "no document matches \"%s\"", path);
        error_hint(err, "`ragged list` shows what is there; globs like '*.pdf' need quotes");
    }
    if (!status && !is_dry_run)
        status = remove_ids(store, &r, is_disk_short, err);
    store_close(store);
    if (!status && !is_dry_run) {
        forget_found(engine);
        status = engine_keep_up(engine, NULL, err);
    }
    if (!status)
        *out_n = r.n;
    mem_free(r.ids);
    mem_free(r.folder);
    mem_free(pattern);
    return status;
}

static enum status clear_all(struct store *store, size_t *out_n, struct error *err)
{
    static const char *const keys[] = {STORE_META_FINGERPRINT, STORE_META_DIM, STORE_META_ANALYZER,
                                       STORE_META_RESCORE};
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = store_remove_all(store, out_n, err);
    if (!status)
        status = store_remove_vectors(store, err);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !status; i++)
        status = store_set_meta(store, keys[i], "", err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

enum status engine_clear(struct engine *engine, size_t *out_n, struct error *err)
{
    struct store *store = NULL;
    (void)disk_ballast_lend(engine->options.data_folder);
    enum status status = store_open(engine->options.data_folder, STORE_OPEN_READ, &store, err);
    if (status == STATUS_NOT_FOUND) {
        *out_n = 0;
        return STATUS_OK;
    }
    store_close(store);
    store = NULL;
    size_t n = 0;
    if (!status)
        status = store_open(engine->options.data_folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        engine_sign(engine, store);
    if (!status)
        status = clear_all(store, &n, err);
    if (!status)
        status = store_compact(store, err);
    store_close(store);
    if (!status) {
        forget_found(engine);
        status = engine_keep_up(engine, NULL, err);
    }
    if (!status)
        *out_n = n;
    return status;
}

/* ---- status ---- */

static enum status meta_text(struct engine *engine, struct store *store, const char *key,
                             const char **out, struct error *err)
{
    const char *value = NULL;
    enum status status = store_get_meta(store, key, &engine->arena, &value, err);
    if (!status)
        *out = value ? value : "";
    return status;
}

static enum status add_segment_bytes(void *ctx, const struct store_segment *segment,
                                     struct error *err)
{
    (void)err;
    *(uint64_t *)ctx += segment->size_bytes;
    return STATUS_OK;
}

enum status engine_status(struct engine *engine, struct engine_status *out, struct error *err)
{
    struct engine_status s = {
        .data_folder = engine->options.data_folder,
        .embedding_model = engine->options.embedding_model ? engine->options.embedding_model
                                                           : embed_models(&(size_t){0})[0].name,
        .fingerprint = "",
        .language = engine->options.language,
        .memory_budget_bytes = governor_budget(engine->governor),
        .memory_state = governor_state_name(governor_state(engine->governor)),
    };
    struct store *store;
    enum status status = engine_get_reader(engine, &store, err);
    if (status == STATUS_NOT_FOUND) {
        *out = s;
        return STATUS_OK;
    }
    struct store_counts counts = {0};
    const char *dim = "";
    if (!status)
        status = store_read_begin(store, err);
    if (status)
        return status;
    status = store_count(store, &counts, err);
    if (!status)
        status = store_each_segment(store, add_segment_bytes, &s.index_bytes, err);
    if (!status)
        status = store_generation(store, &s.generation, err);
    if (!status)
        status = meta_text(engine, store, STORE_META_FINGERPRINT, &s.fingerprint, err);
    if (!status)
        status = meta_text(engine, store, STORE_META_DIM, &dim, err);
    store_read_end(store);
    if (status)
        return status;
    s.has_library = true;
    s.n_documents = counts.n_documents;
    s.n_failed = counts.n_failed;
    s.n_partial = counts.n_partial;
    s.n_chunks = counts.n_chunks;
    s.n_vectors = counts.n_vectors;
    s.n_missing_vectors = counts.n_missing_vectors;
    s.text_bytes = counts.text_bytes;
    s.database_bytes = counts.database_bytes;
    s.vector_bytes = counts.vector_file_bytes;
    s.n_segments = counts.n_segments;
    s.n_tail = counts.n_tail;
    s.dim = (size_t)strtoul(dim, NULL, 10);
    *out = s;
    return STATUS_OK;
}
