/* The audit trail of the library: store/store_audit.h. */
#include <string.h>

#include "engine/engine_parts.h"
#include "library/library.h"
#include "query/typed_value.h"

struct audit_list {
    void (*each)(void *ctx, const struct audit_run *run);
    void *ctx;
};

static enum status list_run(void *ctx, const struct audit_run *run, struct error *err)
{
    const struct audit_list *list = ctx;
    (void)err;
    list->each(list->ctx, run);
    return STATUS_OK;
}

enum status engine_audit_list(struct engine *engine, const struct engine_audit_options *options,
                              void (*each)(void *ctx, const struct audit_run *run), void *ctx,
                              struct error *err)
{
    struct store *store;
    struct date_span since = {.start_ms = INT64_MIN};
    const char *text = options->since;
    if (text && !value_parse_date(text, strlen(text), &since)) {
        error_set(err, STATUS_INVALID, "\"%s\" is no date", text);
        error_hint(err, "a date is 2026-05, 2026-05-17 or 2026-05-17T10:30");
        return STATUS_INVALID;
    }
    const struct audit_filter filter = {
        .since_ms = since.start_ms,
        .collection = options->collection,
        .n_max = options->n,
        .is_every_row = options->is_every_row,
    };
    enum status status = engine_get_reader(engine, &store, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    return store_audit_list(store, &filter, list_run, &(struct audit_list){each, ctx}, err);
}

enum status engine_audit_each(struct engine *engine,
                              enum status (*each)(void *ctx, const struct audit_row *row,
                                                  struct error *err),
                              void *ctx, struct error *err)
{
    struct store *store;
    enum status status = engine_get_reader(engine, &store, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    return store_audit_each(store, each, ctx, err);
}

enum status engine_audit_verify(struct engine *engine, enum audit_extent extent, const char *link,
                                struct audit_verdict *out, struct error *err)
{
    struct store *store;
    enum status status = engine_get_reader(engine, &store, err);
    return status ? status : store_audit_verify(store, extent, link, out, err);
}

enum status engine_audit_settings(struct engine *engine,
                                  const struct engine_audit_settings *settings, struct error *err)
{
    struct store *store = NULL;
    enum status status = engine_get_reader(engine, &store, err);
    if (status)
        return status;
    store = NULL;
    status = store_open(engine->options.data_folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        engine_sign(engine, store);
    if (!status)
        status = store_audit_settings(store,
                                      &(struct store_settings){
                                          .keys = settings->keys,
                                          .collection = settings->collection,
                                          .file_before = settings->file_before,
                                          .file_after = settings->file_after,
                                      },
                                      err);
    if (!status)
        status = store_checkpoint(store, 0, err);
    store_close(store);
    return status;
}
