/* Vectors, one per content hash, and the tail rows that refer to them. */
#include <assert.h>

#include "store/statement.h"

static enum status link_tail(struct store *store, struct hash128 hash, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_TAIL_LINK, &st, err);
    if (status)
        return status;
    statement_bind_blob(&st, hash.bytes, sizeof hash.bytes);
    return statement_run(&st, NULL, err);
}

enum status store_put_vector(struct store *store, struct hash128 hash, const uint16_t *vector,
                             size_t vector_bytes, struct error *err)
{
    assert(store->is_writing && vector_bytes > 0);
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_ADD, &st, err);
    if (status)
        return status;
    int64_t n_before = sqlite3_total_changes64(store->db);
    statement_bind_blob(&st, hash.bytes, sizeof hash.bytes);
    statement_bind_blob(&st, vector, vector_bytes);
    status = statement_run(&st, NULL, err);
    bool is_new = !status && sqlite3_total_changes64(store->db) != n_before;
    return is_new ? link_tail(store, hash, err) : status;
}

enum status store_remove_vectors(struct store *store, struct error *err)
{
    static const enum sql steps[] = {SQL_TAIL_UNLINK_ALL, SQL_VECTORS_REMOVE_ALL};
    assert(store->is_writing);
    return statement_run_all(store, steps, sizeof steps / sizeof steps[0], NULL, err);
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
    statement_bind_int(&st, n_max > INT64_MAX ? INT64_MAX : (int64_t)n_max);
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

enum status store_each_tail(struct store *store, unsigned want,
                            enum status (*each)(void *ctx, const struct store_tail_row *row,
                                                struct error *err),
                            void *ctx, struct error *err)
{
    static const enum sql by_want[] = {
        [0] = SQL_TAIL_EACH_ID,
        [STORE_TAIL_TERMS] = SQL_TAIL_EACH_TERMS,
        [STORE_TAIL_VECTORS] = SQL_TAIL_EACH_VECTOR,
        [STORE_TAIL_TERMS | STORE_TAIL_VECTORS] = SQL_TAIL_EACH_BOTH,
    };
    assert(want < sizeof by_want / sizeof by_want[0]);
    struct statement st = {0};
    enum status status = statement_get(store, by_want[want], &st, err);
    if (status)
        return status;
    while (statement_next(&st, &status, err)) {
        struct store_tail_row row;
        row.chunk_id = statement_take_int(&st);
        row.document_id = statement_take_int(&st);
        row.n_terms = statement_take_u32(&st);
        row.terms = statement_take_blob(&st, &row.terms_len);
        row.vector = statement_take_blob(&st, &row.vector_bytes);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, &row, err);
    }
    statement_release(&st);
    return status;
}
