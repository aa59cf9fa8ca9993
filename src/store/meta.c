/* Named values of the library, and its counts. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "store/statement.h"

enum status store_set_meta(struct store *store, const char *key, const char *value,
                           struct error *err)
{
    assert(store->is_writing);
    struct statement st = {0};
    enum status status = statement_get(store, SQL_META_SET, &st, err);
    if (status)
        return status;
    statement_bind_text(&st, key);
    statement_bind_text(&st, value);
    return statement_run(&st, NULL, err);
}

enum status store_get_meta(struct store *store, const char *key, struct arena *arena,
                           const char **out, struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    const char *value = NULL;
    enum status status = statement_get(store, SQL_META_GET, &st, err);
    if (status)
        return status;
    statement_bind_text(&st, key);
    status = statement_step(&st, &has_row, err);
    if (!status && has_row) {
        const char *text = statement_take_text(&st);
        status = statement_status(&st, err);
        value = status ? NULL : arena_text(arena, text, strlen(text));
        if (!status && !value)
            status = error_nomem(err);
    }
    statement_release(&st);
    if (!status)
        *out = value;
    return status;
}

/* The first row of a statement without parameters: n whole numbers. */
static enum status read_ints(struct store *store, enum sql sql, int64_t *out, size_t n,
                             struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    enum status status = statement_get(store, sql, &st, err);
    if (!status)
        status = statement_step(&st, &has_row, err);
    for (size_t i = 0; !status && has_row && i < n; i++)
        out[i] = statement_take_int(&st);
    statement_release(&st);
    return status;
}

static enum status add_file_size(const char *path, uint64_t *total, struct error *err)
{
    struct file_info info;
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    if (!status)
        *total += info.size_bytes;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status count_files(struct store *store, struct store_counts *out, struct error *err)
{
    struct library library;
    enum status status = library_get(store, &library, err);
    if (status)
        return status;
    out->n_tail = (size_t)library.n_tail;
    out->n_vector_tail = (size_t)library.n_vector_tail;
    char *path = vector_file_path(store, library.vector_file);
    if (!path)
        return error_nomem(err);
    status = add_file_size(store->path, &out->database_bytes, err);
    if (!status)
        status = add_file_size(store->wal_path, &out->database_bytes, err);
    if (!status && library.next_slot > 0)
        status = add_file_size(path, &out->vector_file_bytes, err);
    mem_free(path);
    return status;
}

enum status store_count(struct store *store, struct store_counts *out, struct error *err)
{
    int64_t documents[5] = {0}, index[3] = {0};
    struct store_counts counts = {0};
    enum status status = read_ints(store, SQL_COUNT_DOCUMENTS, documents, 5, err);
    if (!status)
        status = read_ints(store, SQL_COUNT_VECTORS, index, 3, err);
    if (!status)
        status = count_files(store, &counts, err);
    if (status)
        return status;
    counts.n_documents = (size_t)documents[0];
    counts.n_failed = (size_t)documents[1];
    counts.n_partial = (size_t)documents[2];
    counts.n_chunks = (size_t)documents[3];
    counts.text_bytes = (uint64_t)documents[4];
    counts.n_vectors = (size_t)index[0];
    counts.n_missing_vectors = (size_t)index[1];
    counts.n_segments = (size_t)index[2];
    *out = counts;
    return STATUS_OK;
}
