/* Which segments live, and which chunk ids in them are dead. */
#include <assert.h>

#include "store/statement.h"

enum status store_put_segment(struct store *store, const struct store_segment *segment,
                              struct error *err)
{
    assert(store->is_writing);
    struct statement st = {0};
    enum status status = statement_get(store, SQL_SEGMENT_PUT, &st, err);
    if (status)
        return status;
    statement_bind_text(&st, segment->name);
    statement_bind_int(&st, segment->kind);
    statement_bind_int(&st, (int64_t)segment->n_rows);
    statement_bind_int(&st, (int64_t)segment->size_bytes);
    statement_bind_int(&st, (int64_t)segment->inode);
    statement_bind_int(&st, segment->mtime_ns);
    statement_bind_int(&st, (int64_t)segment->checksum);
    statement_bind_text(&st, segment->maker);
    return statement_run(&st, NULL, err);
}

enum status store_remove_segment(struct store *store, const char *name, struct error *err)
{
    assert(store->is_writing);
    struct statement st = {0};
    size_t n_rows = 0;
    enum status status = statement_get(store, SQL_SEGMENT_REMOVE, &st, err);
    if (status)
        return status;
    statement_bind_text(&st, name);
    status = statement_run(&st, &n_rows, err);
    if (!status && n_rows == 0)
        return error_set(err, STATUS_NOT_FOUND, "no segment \"%s\"", name);
    return status;
}

static enum status take_segment(struct statement *st, struct store_segment *out, struct error *err)
{
    out->name = statement_take_text(st);
    int64_t kind = statement_take_int(st);
    out->n_rows = (size_t)statement_take_int(st);
    out->size_bytes = (uint64_t)statement_take_int(st);
    out->inode = (uint64_t)statement_take_int(st);
    out->mtime_ns = statement_take_int(st);
    out->checksum = (uint64_t)statement_take_int(st);
    out->maker = statement_take_text(st);
    if (kind != STORE_KIND_LEXICAL && kind != STORE_KIND_VECTOR)
        return error_set(err, STATUS_DAMAGED, "segment \"%s\" is of an unknown kind", out->name);
    out->kind = (enum store_kind)kind;
    return statement_status(st, err);
}

enum status store_each_segment(struct store *store,
                               enum status (*each)(void *ctx, const struct store_segment *segment,
                                                   struct error *err),
                               void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_SEGMENT_EACH, &st, err);
    while (statement_next(&st, &status, err)) {
        struct store_segment segment;
        status = take_segment(&st, &segment, err);
        if (!status)
            status = each(ctx, &segment, err);
    }
    statement_release(&st);
    return status;
}

enum status dead_add(struct store *store, enum store_kind kind, int64_t first, int64_t until,
                     struct error *err)
{
    const int64_t values[] = {kind, first, until}, behind[] = {first, kind, until};
    size_t n_joined = 0;
    enum status status = statement_run_with(store, SQL_DEAD_JOIN, behind, 3, &n_joined, err);
    return status || n_joined ? status
                              : statement_run_with(store, SQL_DEAD_ADD, values, 3, NULL, err);
}

enum status store_remove_dead(struct store *store, enum store_kind kind, int64_t first,
                              struct error *err)
{
    assert(store->is_writing);
    const int64_t values[] = {kind, first};
    return statement_run_with(store, SQL_DEAD_REMOVE, values, 2, NULL, err);
}

enum status store_each_dead(struct store *store, enum store_kind kind,
                            enum status (*each)(void *ctx, int64_t first, int64_t end,
                                                struct error *err),
                            void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_DEAD_EACH, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, kind);
    while (statement_next(&st, &status, err)) {
        int64_t first = statement_take_int(&st), until = statement_take_int(&st);
        if (first >= until)
            status = error_set(err, STATUS_DAMAGED, "\"%s\" is damaged: an empty dead range",
                               store->path);
        else
            status = each(ctx, first, until, err);
    }
    statement_release(&st);
    return status;
}
