/* Documents that come in parts. Each part is a change of its own; the row in `partial` says what
 * the next one begins with. */
#include <assert.h>
#include <string.h>

#include "store/statement.h"

/* A document as its parts so far have left it. */
struct progress {
    int64_t document_id;
    uint64_t size_bytes, inode;
    int64_t mtime_ns;
    uint64_t n_parts, part_bytes;
    size_t n_chunks;
    uint64_t n_lines, n_bytes;
};

static enum status find_progress(struct store *store, const char *path, struct progress *out,
                                 bool *out_is_found, struct error *err)
{
    struct statement st = {0};
    struct progress p = {0};
    enum status status = statement_get(store, SQL_PARTIAL_FIND, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, path, strlen(path));
    status = statement_step(&st, out_is_found, err);
    if (!status && *out_is_found) {
        p.document_id = statement_take_int(&st);
        p.size_bytes = (uint64_t)statement_take_int(&st);
        p.inode = (uint64_t)statement_take_int(&st);
        p.mtime_ns = statement_take_int(&st);
        p.n_parts = (uint64_t)statement_take_int(&st);
        p.n_chunks = (size_t)statement_take_int(&st);
        p.part_bytes = (uint64_t)statement_take_int(&st);
        p.n_lines = (uint64_t)statement_take_int(&st);
        p.n_bytes = (uint64_t)statement_take_int(&st);
        status = statement_status(&st, err);
    }
    statement_release(&st);
    if (!status)
        *out = p;
    return status;
}

static enum status put_progress(struct store *store, const struct progress *p, struct error *err)
{
    const int64_t values[] = {p->document_id, (int64_t)p->part_bytes, (int64_t)p->n_lines,
                              (int64_t)p->n_bytes};
    return statement_run_with(store, SQL_PARTIAL_PUT, values, 4, NULL, err);
}

static enum status begin(struct store *store, const struct store_document *document,
                         const struct store_part *part, struct progress *out, struct error *err)
{
    struct store_document first = *document;
    struct progress progress = {.part_bytes = part->part_bytes};
    int64_t n_before = -1;
    first.state = STORE_DOCUMENT_PARTIAL;
    first.hash = "";
    enum status status = audit_leave_path(store, document->path, &n_before, err);
    if (!status)
        status = document_put_row(store, &first, 0, 0, &progress.document_id, err);
    if (!status)
        status = document_empty(store, progress.document_id, err);
    if (status)
        return status;
    audit_count_put(store, first.state, n_before, 0);
    *out = progress;
    return STATUS_OK;
}

static bool is_next(const struct progress *progress, const struct store_document *document,
                    const struct store_part *part)
{
    return progress->size_bytes == document->size_bytes && progress->inode == document->inode &&
           progress->mtime_ns == document->mtime_ns && progress->part_bytes == part->part_bytes &&
           progress->n_parts == part->i;
}

/* A file may have more lines than a line number can say: the last number stands for those. */
static uint32_t line_after(uint64_t n_before, uint32_t line)
{
    return line > 0 && n_before + line < UINT32_MAX ? (uint32_t)(n_before + line)
           : line > 0                               ? UINT32_MAX
                                                    : 0;
}

static enum status add_chunks(struct store *store, const struct progress *progress,
                              const struct store_chunk *chunks, size_t n, bool into_tail,
                              struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++) {
        struct store_chunk chunk = chunks[i];
        chunk.line = line_after(progress->n_lines, chunk.line);
        chunk.line_end = line_after(progress->n_lines, chunk.line_end);
        chunk.byte_start += progress->n_bytes;
        chunk.byte_end += progress->n_bytes;
        status = document_add_chunk(store, progress->document_id, progress->n_chunks + i, &chunk,
                                    into_tail, err);
    }
    return status;
}

static enum status extend_row(struct store *store, int64_t id, const struct store_document *d,
                              bool is_last, const struct store_chunk *chunks, size_t n_chunks,
                              struct error *err)
{
    struct statement st = {0};
    size_t text_bytes = document_text_bytes(chunks, n_chunks);
    enum status status = statement_get(store, SQL_DOCUMENT_EXTEND, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, is_last ? STORE_DOCUMENT_READY : STORE_DOCUMENT_PARTIAL);
    statement_bind_text(&st, is_last ? d->hash : "");
    statement_bind_int(&st, d->added_ms);
    statement_bind_int(&st, (int64_t)n_chunks);
    statement_bind_int(&st, (int64_t)text_bytes);
    statement_bind_int(&st, id);
    return statement_run(&st, NULL, err);
}

/* Where the part before has left it, or nothing: *out_is_next false. */
static enum status go_on(struct store *store, const struct store_document *document,
                         const struct store_part *part, struct progress *out, bool *out_is_next,
                         struct error *err)
{
    bool is_found = false;
    int64_t n_before;
    enum status status = find_progress(store, document->path, out, &is_found, err);
    *out_is_next = !status && is_found && is_next(out, document, part);
    return *out_is_next ? audit_leave(store, out->document_id, &n_before, err) : status;
}

enum status store_put_part(struct store *store, const struct store_document *document,
                           const struct store_part *part, const struct store_chunk *chunks,
                           size_t n_chunks, struct store_place *out, bool *out_is_next,
                           struct error *err)
{
    assert(store->is_writing);
    struct progress progress = {0};
    bool is_the_next = true;
    enum status status = part->i > 0 ? go_on(store, document, part, &progress, &is_the_next, err)
                                     : begin(store, document, part, &progress, err);
    if (status)
        return status;
    if (!is_the_next) {
        *out_is_next = false;
        return STATUS_OK;
    }
    const struct store_place place = {.document_id = progress.document_id,
                                      .first_chunk_id = store->library.next_chunk_id};
    status = add_chunks(store, &progress, chunks, n_chunks, !out, err);
    if (!status)
        status =
            extend_row(store, progress.document_id, document, part->is_last, chunks, n_chunks, err);
    progress.n_lines += part->n_lines;
    progress.n_bytes += part->n_bytes;
    if (!status)
        status = part->is_last ? statement_run_with(store, SQL_PARTIAL_REMOVE,
                                                    &progress.document_id, 1, NULL, err)
                               : put_progress(store, &progress, err);
    if (!status)
        status = audit_enter(store, progress.document_id, err);
    if (status)
        return status;
    store->note.row.passages_added += (int64_t)n_chunks;
    if (out)
        *out = place;
    *out_is_next = true;
    return STATUS_OK;
}

/* The whole number that is the one row. */
static enum status read_count(struct store *store, enum sql sql, const int64_t *values,
                              size_t n_values, int64_t *out, bool *out_has_row, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, sql, &st, err);
    if (status)
        return status;
    for (size_t i = 0; i < n_values; i++)
        statement_bind_int(&st, values[i]);
    status = statement_step(&st, out_has_row, err);
    if (!status && *out_has_row)
        *out = statement_take_int(&st);
    statement_release(&st);
    return status;
}

enum status store_shrink_document(struct store *store, int64_t document_id, size_t n_max,
                                  size_t *out_n, struct error *err)
{
    assert(store->is_writing);
    bool has_row = false;
    int64_t n_chunks = -1, text_bytes = 0;
    enum status status = audit_leave(store, document_id, &n_chunks, err);
    if (!status && n_chunks < 0)
        return error_set(err, STATUS_NOT_FOUND, "no document %lld", (long long)document_id);
    size_t n_left = (size_t)n_chunks > n_max ? (size_t)n_chunks - n_max : 0;
    const int64_t end[] = {document_id, (int64_t)n_left};
    if (!status)
        status = read_count(store, SQL_CHUNKS_END, end, 2, &text_bytes, &has_row, err);
    if (!status)
        status = document_cut(store, document_id, n_left, err);
    const int64_t row[] = {(int64_t)n_left, text_bytes, document_id};
    if (!status)
        status = statement_run_with(store, SQL_DOCUMENT_SHRINK, row, 3, NULL, err);
    if (!status)
        status = put_progress(store, &(struct progress){.document_id = document_id}, err);
    if (!status)
        status = audit_enter(store, document_id, err);
    store->note.row.passages_removed += n_chunks - (int64_t)n_left;
    if (!status)
        *out_n = n_left;
    return status;
}

enum status store_get_part_bytes(struct store *store, int64_t document_id, uint64_t *out,
                                 struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    enum status status = statement_get(store, SQL_PARTIAL_GET, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, document_id);
    status = statement_step(&st, &has_row, err);
    if (!status && has_row)
        *out = (uint64_t)statement_take_int(&st);
    statement_release(&st);
    return !status && !has_row
               ? error_set(err, STATUS_NOT_FOUND, "no part of document %lld is missing",
                           (long long)document_id)
               : status;
}
