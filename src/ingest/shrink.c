#include "ingest/shrink.h"

static enum status step(struct store *store, int64_t id, size_t *out_n, struct error *err)
{
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = store_shrink_document(store, id, SHRINK_PASSAGES, out_n, err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

static enum status shrink(struct store *store, const struct store_document *document,
                          const struct cancel *cancel, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t n = document->n_chunks; n > SHRINK_PASSAGES && !status;)
        status = is_cancelled(cancel) ? error_set(err, STATUS_CANCELLED, "stopped")
                                      : step(store, document->id, &n, err);
    return status;
}

/* What is not there needs no room made for it. */
static enum status shrink_found(struct store *store, enum status found,
                                const struct store_document *document, const struct error *why,
                                const struct cancel *cancel, struct error *err)
{
    if (found == STATUS_OK)
        found = shrink(store, document, cancel, err);
    else if (err)
        *err = *why;
    return found == STATUS_NOT_FOUND ? STATUS_OK : found;
}

enum status shrink_document(struct store *store, int64_t document_id, const struct cancel *cancel,
                            struct error *err)
{
    struct arena arena = {0};
    struct error why = {0};
    struct store_document document = {0};
    enum status status = store_get_document(store, document_id, &arena, &document, &why);
    status = shrink_found(store, status, &document, &why, cancel, err);
    arena_clear(&arena);
    return status;
}

enum status shrink_path(struct store *store, const char *path, const struct cancel *cancel,
                        struct error *err)
{
    struct arena arena = {0};
    struct error why = {0};
    struct store_document document = {0};
    enum status status = store_find_document(store, path, &arena, &document, &why);
    status = shrink_found(store, status, &document, &why, cancel, err);
    arena_clear(&arena);
    return status;
}
