/* Documents: everything that changes them, and reading them. */
#include <assert.h>
#include <string.h>

#include "store/statement.h"

enum status document_cut(struct store *store, int64_t document_id, size_t n_left, struct error *err)
{
    struct statement st = {0};
    const int64_t end[] = {document_id, (int64_t)n_left};
    bool has_chunks = false;
    enum status status = statement_get(store, SQL_CHUNKS_RUNS, &st, err);
    for (size_t i = 0; i < 2 && !status; i++)
        statement_bind_int(&st, end[i]);
    while (statement_next(&st, &status, err)) {
        int64_t first = statement_take_int(&st), until = statement_take_int(&st);
        has_chunks = true;
        status = statement_status(&st, err);
        if (!status)
            status = tail_remove_range(store, first, until, err);
    }
    statement_release(&st);
    if (status || !has_chunks)
        return status;
    return statement_run_with(store, SQL_CHUNKS_REMOVE, end, 2, NULL, err);
}

enum status document_empty(struct store *store, int64_t document_id, struct error *err)
{
    enum status status = document_cut(store, document_id, 0, err);
    if (!status)
        status = statement_run_with(store, SQL_PARTIAL_REMOVE, &document_id, 1, NULL, err);
    return status;
}

size_t document_text_bytes(const struct store_chunk *chunks, size_t n_chunks)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n_chunks; i++)
        n_bytes += strlen(chunks[i].text);
    return n_bytes;
}

enum status document_put_row(struct store *store, const struct store_document *d, size_t n_chunks,
                             size_t text_bytes, int64_t *out_id, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_DOCUMENT_PUT, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, d->path, strlen(d->path));
    statement_bind_text(&st, d->title);
    statement_bind_text(&st, d->kind);
    statement_bind_text(&st, d->collection);
    statement_bind_int(&st, (int64_t)d->size_bytes);
    statement_bind_int(&st, (int64_t)d->inode);
    statement_bind_int(&st, d->mtime_ns);
    statement_bind_int(&st, d->added_ms);
    statement_bind_text(&st, d->hash);
    statement_bind_int(&st, d->state);
    statement_bind_text(&st, d->error);
    statement_bind_text(&st, d->warning);
    statement_bind_int(&st, d->n_pages);
    statement_bind_int(&st, (int64_t)n_chunks);
    statement_bind_int(&st, (int64_t)text_bytes);
    statement_bind_text(&st, d->meta ? d->meta : "");
    bool has_row = false;
    int64_t id = 0;
    status = statement_step(&st, &has_row, err);
    if (!status) {
        id = statement_take_int(&st);
        status = statement_run(&st, NULL, err);
    }
    statement_release(&st);
    if (!status)
        *out_id = id;
    return status;
}

static enum status add_chunk_row(struct store *store, int64_t chunk_id, int64_t document_id,
                                 size_t ord, const struct store_chunk *chunk, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_CHUNK_ADD, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, chunk_id);
    statement_bind_int(&st, document_id);
    statement_bind_int(&st, (int64_t)ord);
    statement_bind_int(&st, chunk->page);
    statement_bind_int(&st, chunk->page_end);
    statement_bind_int(&st, chunk->line);
    statement_bind_int(&st, chunk->line_end);
    statement_bind_int(&st, (int64_t)chunk->byte_start);
    statement_bind_int(&st, (int64_t)chunk->byte_end);
    statement_bind_text(&st, chunk->heading);
    statement_bind_text(&st, chunk->text);
    statement_bind_blob(&st, chunk->hash.bytes, sizeof chunk->hash.bytes);
    return statement_run(&st, NULL, err);
}

enum status document_add_chunk(struct store *store, int64_t document_id, size_t ord,
                               const struct store_chunk *chunk, bool into_tail, struct error *err)
{
    int64_t chunk_id = store->library.next_chunk_id;
    enum status status = STATUS_OK;
    if (chunk_id == INT64_MAX)
        return store_fail_change(store, error_set(err, STATUS_DAMAGED,
                                                  "\"%s\" is damaged: it has no "
                                                  "more passage ids",
                                                  store->path));
    store->library.next_chunk_id++;
    if (chunk->vector)
        status = store_put_vector(store, chunk->hash, chunk->vector, chunk->vector_bytes, err);
    if (!status)
        status = add_chunk_row(store, chunk_id, document_id, ord, chunk, err);
    return status ? status : tail_add_chunk(store, chunk_id, document_id, chunk, into_tail, err);
}

enum status store_put_document(struct store *store, const struct store_document *document,
                               const struct store_chunk *chunks, size_t n_chunks,
                               struct store_place *out, struct error *err)
{
    assert(store->is_writing);
    assert(document->state == STORE_DOCUMENT_READY || n_chunks == 0);
    size_t text_bytes = document_text_bytes(chunks, n_chunks);
    int64_t id = 0, n_before = -1;
    enum status status = audit_leave_path(store, document->path, &n_before, err);
    if (!status)
        status = document_put_row(store, document, n_chunks, text_bytes, &id, err);
    if (!status)
        status = document_empty(store, id, err);
    int64_t first_chunk_id = store->library.next_chunk_id;
    for (size_t i = 0; i < n_chunks && !status; i++)
        status = document_add_chunk(store, id, i, &chunks[i], !out, err);
    if (status)
        return status;
    audit_enter_put(store, id, document, n_chunks);
    audit_count_put(store, document->state, n_before, n_chunks);
    if (out)
        *out = (struct store_place){.document_id = id, .first_chunk_id = first_chunk_id};
    return STATUS_OK;
}

static enum status no_document(int64_t id, struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, "no document %lld", (long long)id);
}

enum status store_touch_document(struct store *store, int64_t document_id, uint64_t size_bytes,
                                 uint64_t inode, int64_t mtime_ns, struct error *err)
{
    assert(store->is_writing);
    struct statement st = {0};
    enum status status = statement_get(store, SQL_DOCUMENT_TOUCH, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, (int64_t)size_bytes);
    statement_bind_int(&st, (int64_t)inode);
    statement_bind_int(&st, mtime_ns);
    statement_bind_int(&st, document_id);
    size_t n_rows;
    status = statement_run(&st, &n_rows, err);
    return !status && n_rows == 0 ? no_document(document_id, err) : status;
}

enum status store_remove_document(struct store *store, int64_t document_id, struct error *err)
{
    assert(store->is_writing);
    int64_t n_passages = -1;
    enum status status = audit_leave(store, document_id, &n_passages, err);
    if (!status && n_passages < 0)
        return no_document(document_id, err);
    if (!status)
        status = statement_run_with(store, SQL_DOCUMENT_REMOVE, &document_id, 1, NULL, err);
    if (!status)
        status = document_empty(store, document_id, err);
    store->note.row.documents_removed++;
    store->note.row.passages_removed += n_passages;
    return status;
}

enum status store_remove_all(struct store *store, size_t *out_n, struct error *err)
{
    static const enum sql steps[] = {
        SQL_REMOVE_ALL_TAIL,    SQL_VECTOR_TAIL_REMOVE_ALL, SQL_CHUNK_VECTORS_REMOVE_ALL,
        SQL_REMOVE_ALL_MISSING, SQL_REMOVE_ALL_DEAD,        SQL_REMOVE_ALL_SEGMENTS,
        SQL_REMOVE_ALL_CHUNKS,  SQL_REMOVE_ALL_PARTIAL,     SQL_REMOVE_ALL_DOCUMENTS};
    assert(store->is_writing);
    enum status status = audit_leave_all(store, err);
    if (status)
        return status;
    store->library.n_tail = store->library.n_vector_tail = 0;
    return statement_run_all(store, steps, sizeof steps / sizeof steps[0], out_n, err);
}

/* The columns of DOCUMENT_COLUMNS; texts borrowed from the row. */
static enum status take_document(struct statement *st, struct store_document *d, struct error *err)
{
    d->id = statement_take_int(st);
    d->path = statement_take_text(st);
    d->title = statement_take_text(st);
    d->kind = statement_take_text(st);
    d->collection = statement_take_text(st);
    d->size_bytes = (uint64_t)statement_take_int(st);
    d->inode = (uint64_t)statement_take_int(st);
    d->mtime_ns = statement_take_int(st);
    d->added_ms = statement_take_int(st);
    d->hash = statement_take_text(st);
    int64_t state = statement_take_int(st);
    d->state = state >= 0 && state < STORE_DOCUMENT_STATE_COUNT ? (enum store_document_state)state
                                                                : STORE_DOCUMENT_FAILED;
    d->error = statement_take_text(st);
    d->warning = statement_take_text(st);
    d->n_pages = statement_take_u32(st);
    d->n_chunks = (size_t)statement_take_int(st);
    d->meta = statement_take_text(st);
    d->n_parts = (uint64_t)statement_take_int(st);
    return statement_status(st, err);
}

static enum status copy_texts(struct arena *arena, struct store_document *d, struct error *err)
{
    const char **texts[] = {&d->path, &d->title, &d->kind,    &d->collection,
                            &d->hash, &d->error, &d->warning, &d->meta};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_text(arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return error_nomem(err);
    }
    return STATUS_OK;
}

/* The one row of a statement whose parameters are bound; releases it. */
static enum status read_document(struct statement *st, struct arena *arena, bool *out_is_found,
                                 struct store_document *out, struct error *err)
{
    struct store_document document = {0};
    bool has_row = false;
    enum status status = statement_step(st, &has_row, err);
    if (!status && has_row)
        status = take_document(st, &document, err);
    if (!status && has_row)
        status = copy_texts(arena, &document, err);
    statement_release(st);
    if (!status && has_row)
        *out = document;
    *out_is_found = has_row;
    return status;
}

enum status store_find_document(struct store *store, const char *path, struct arena *arena,
                                struct store_document *out, struct error *err)
{
    struct statement st = {0};
    bool is_found = false;
    enum status status = statement_get(store, SQL_DOCUMENT_FIND, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, path, strlen(path));
    status = read_document(&st, arena, &is_found, out, err);
    if (!status && !is_found)
        return error_set(err, STATUS_NOT_FOUND, "\"%s\" is not in the library", path);
    return status;
}

enum status store_get_document(struct store *store, int64_t id, struct arena *arena,
                               struct store_document *out, struct error *err)
{
    struct statement st = {0};
    bool is_found = false;
    enum status status = statement_get(store, SQL_DOCUMENT_GET, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, id);
    status = read_document(&st, arena, &is_found, out, err);
    return !status && !is_found ? no_document(id, err) : status;
}

enum status store_each_document(struct store *store,
                                enum status (*each)(void *ctx, const struct store_document *doc,
                                                    struct error *err),
                                void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_DOCUMENT_EACH, &st, err);
    if (status)
        return status;
    while (statement_next(&st, &status, err)) {
        struct store_document document;
        status = take_document(&st, &document, err);
        if (!status)
            status = each(ctx, &document, err);
    }
    statement_release(&st);
    return status;
}

enum status store_each_path(struct store *store,
                            enum status (*each)(void *ctx, const char *path, struct error *err),
                            void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_PATH_EACH, &st, err);
    while (statement_next(&st, &status, err)) {
        const char *path = statement_take_text(&st);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, path, err);
    }
    statement_release(&st);
    return status;
}

enum status store_each_collection(struct store *store,
                                  enum status (*each)(void *ctx, const char *collection,
                                                      size_t n_documents, struct error *err),
                                  void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_COLLECTION_EACH, &st, err);
    if (status)
        return status;
    while (statement_next(&st, &status, err)) {
        const char *collection = statement_take_text(&st);
        size_t n_documents = (size_t)statement_take_int(&st);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, collection, n_documents, err);
    }
    statement_release(&st);
    return status;
}
