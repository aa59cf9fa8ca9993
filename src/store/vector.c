/* Vectors: one per content hash, found by it; chunks that have none. */
#include <assert.h>

#include "store/statement.h"

static enum status add_row(struct store *store, struct hash128 hash, const void *vector,
                           size_t vector_bytes, bool *out_is_new, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_ADD, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, store->library.next_slot);
    statement_bind_blob(&st, hash.bytes, sizeof hash.bytes);
    statement_bind_int(&st, (int64_t)hash64_of(vector, vector_bytes));
    status = statement_run(&st, NULL, err);
    if (!status)
        *out_is_new = sqlite3_changes64(store->db) > 0;
    return status;
}

static enum status check_size(struct store *store, size_t vector_bytes, struct error *err)
{
    size_t expected = (size_t)store->library.vector_bytes;
    if (vector_bytes % 2 || vector_bytes > STORE_VECTOR_BYTES_MAX ||
        (expected && vector_bytes != expected))
        return error_set(err, STATUS_INVALID,
                         "a vector of %zu bytes, where those of the library "
                         "have %zu",
                         vector_bytes, expected);
    if (store->library.next_slot > (int64_t)UINT32_MAX)
        return error_set(err, STATUS_LIMIT, "the library has no room for another vector");
    return STATUS_OK;
}

enum status store_put_vector(struct store *store, struct hash128 hash, const uint16_t *vector,
                             size_t vector_bytes, struct error *err)
{
    assert(store->is_writing && vector_bytes > 0);
    bool is_new = false;
    enum status status = check_size(store, vector_bytes, err);
    if (!status)
        status = add_row(store, hash, vector, vector_bytes, &is_new, err);
    if (!status && is_new) {
        store->library.vector_bytes = (int64_t)vector_bytes;
        store->note.row.vectors_added++;
        status = vector_file_append(store, vector, err);
    }
    return status ? store_fail_change(store, status) : STATUS_OK;
}

enum status store_remove_vectors(struct store *store, struct error *err)
{
    static const enum sql steps[] = {SQL_MISSING_ADD_ALL,          SQL_VECTOR_TAIL_REMOVE_ALL,
                                     SQL_CHUNK_VECTORS_REMOVE_ALL, SQL_VECTORS_REMOVE_ALL,
                                     SQL_HOLES_REMOVE_ALL,         SQL_SEGMENTS_REMOVE_VECTOR,
                                     SQL_DEAD_REMOVE_VECTOR};
    assert(store->is_writing);
    enum status status = statement_run_all(store, steps, sizeof steps / sizeof steps[0], NULL, err);
    if (status)
        return status;
    store->library.n_vector_tail = 0;
    vector_file_replace(store);
    return STATUS_OK;
}

enum status store_has_vector(struct store *store, struct hash128 hash, bool *out, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_HAS, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, hash.bytes, sizeof hash.bytes);
    size_t n_rows;
    status = statement_run(&st, &n_rows, err);
    if (!status)
        *out = n_rows > 0;
    return status;
}

enum status store_get_chunk_vector(struct store *store, int64_t chunk_id, uint32_t *out_slot,
                                   bool *out_has, struct error *err)
{
    assert(store->is_reading || store->is_writing);
    struct statement st = {0};
    bool has_row = false;
    enum status status = statement_get(store, SQL_CHUNK_VECTOR_GET, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, chunk_id);
    status = statement_step(&st, &has_row, err);
    if (!status && has_row)
        status = statement_take_slot(&st, out_slot, err);
    statement_release(&st);
    if (!status)
        *out_has = has_row;
    return status;
}

enum status store_check_vector(struct store *store, uint32_t slot, const void *row,
                               size_t row_bytes, bool *out_is_right, struct error *err)
{
    struct statement st = {0};
    bool has_row = false, is_right = false;
    enum status status = statement_get(store, SQL_VECTOR_SUM, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, slot);
    status = statement_step(&st, &has_row, err);
    if (!status && has_row)
        is_right = (uint64_t)statement_take_int(&st) == hash64_of(row, row_bytes);
    statement_release(&st);
    if (!status)
        *out_is_right = is_right;
    return status;
}

enum status store_each_missing_vector(struct store *store, int64_t after_chunk_id, size_t n_max,
                                      enum status (*each)(void *ctx, int64_t chunk_id,
                                                          const struct store_chunk *chunk,
                                                          struct error *err),
                                      void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_MISSING, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, after_chunk_id);
    statement_bind_limit(&st, n_max);
    while (statement_next(&st, &status, err)) {
        struct store_chunk chunk = {0};
        int64_t chunk_id = statement_take_int(&st);
        chunk.heading = statement_take_text(&st);
        chunk.text = statement_take_text(&st);
        chunk.hash = statement_take_hash(&st);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, chunk_id, &chunk, err);
    }
    statement_release(&st);
    return status;
}

enum status store_each_missing_id(struct store *store,
                                  enum status (*each)(void *ctx, int64_t chunk_id,
                                                      struct error *err),
                                  void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_MISSING_ID, &st, err);
    while (statement_next(&st, &status, err)) {
        int64_t chunk_id = statement_take_int(&st);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, chunk_id, err);
    }
    statement_release(&st);
    return status;
}
