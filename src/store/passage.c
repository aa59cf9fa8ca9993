/* Chunks: one together with its document, for showing and citing; all of them, for indexing. */
#include <string.h>

#include "store/statement.h"

/* The columns of PASSAGE; texts borrowed from the row. */
static enum status take_passage(struct statement *st, struct store_passage *p, struct error *err)
{
    p->chunk_id = statement_take_int(st);
    p->document_id = statement_take_int(st);
    p->ord = statement_take_u32(st);
    p->chunk.page = statement_take_u32(st);
    p->chunk.page_end = statement_take_u32(st);
    p->chunk.line = statement_take_u32(st);
    p->chunk.line_end = statement_take_u32(st);
    p->chunk.byte_start = (uint64_t)statement_take_int(st);
    p->chunk.byte_end = (uint64_t)statement_take_int(st);
    p->chunk.heading = statement_take_text(st);
    p->chunk.text = statement_take_text(st);
    p->chunk.hash = statement_take_hash(st);
    p->path = statement_take_text(st);
    p->title = statement_take_text(st);
    p->kind = statement_take_text(st);
    p->collection = statement_take_text(st);
    p->mtime_ns = statement_take_int(st);
    p->meta = statement_take_text(st);
    return statement_status(st, err);
}

static enum status copy_texts(struct arena *arena, struct store_passage *p, struct error *err)
{
    const char **texts[] = {&p->chunk.heading, &p->chunk.text, &p->path, &p->title,
                            &p->kind,          &p->collection, &p->meta};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_text(arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return error_nomem(err);
    }
    return STATUS_OK;
}

/* The one row of a statement whose parameters are bound; releases it. */
static enum status read_passage(struct statement *st, struct arena *arena,
                                struct store_passage *out, struct error *err)
{
    struct store_passage passage = {0};
    bool has_row = false;
    enum status status = statement_step(st, &has_row, err);
    if (!status && !has_row)
        status = error_set(err, STATUS_NOT_FOUND, "no such passage");
    if (!status)
        status = take_passage(st, &passage, err);
    if (!status)
        status = copy_texts(arena, &passage, err);
    statement_release(st);
    if (!status)
        *out = passage;
    return status;
}

enum status store_get_passage(struct store *store, int64_t chunk_id, struct arena *arena,
                              struct store_passage *out, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_PASSAGE_GET, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, chunk_id);
    return read_passage(&st, arena, out, err);
}

enum status store_get_neighbour(struct store *store, int64_t document_id, uint32_t ord,
                                struct arena *arena, struct store_passage *out, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_PASSAGE_AT, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, document_id);
    statement_bind_int(&st, ord);
    return read_passage(&st, arena, out, err);
}

enum status store_each_chunk(struct store *store, int64_t after_chunk_id, size_t n_max,
                             enum status (*each)(void *ctx, int64_t chunk_id, int64_t document_id,
                                                 const struct store_chunk *chunk,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_CHUNK_EACH, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, after_chunk_id);
    statement_bind_limit(&st, n_max);
    while (statement_next(&st, &status, err)) {
        struct store_chunk chunk = {0};
        int64_t chunk_id = statement_take_int(&st), document_id = statement_take_int(&st);
        chunk.heading = statement_take_text(&st);
        chunk.text = statement_take_text(&st);
        chunk.hash = statement_take_hash(&st);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, chunk_id, document_id, &chunk, err);
    }
    statement_release(&st);
    return status;
}

enum status store_each_chunk_run(struct store *store,
                                 enum status (*each)(void *ctx, int64_t document_id, int64_t first,
                                                     int64_t end, struct error *err),
                                 void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_CHUNK_RUN_EACH, &st, err);
    while (statement_next(&st, &status, err)) {
        int64_t document_id = statement_take_int(&st);
        int64_t first = statement_take_int(&st), end = statement_take_int(&st);
        status = each(ctx, document_id, first, end, err);
    }
    statement_release(&st);
    return status;
}
