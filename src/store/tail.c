/* The tails: chunks that are in no segment yet, and how they get into one and back. */
#include <assert.h>

#include "store/statement.h"

/* A count of a damaged library may be too small; it never gets negative. */
static void count_down(int64_t *count, size_t n)
{
    *count = (int64_t)n > *count ? 0 : *count - (int64_t)n;
}

/* ---- changes ---- */

static enum status put_terms(struct store *store, enum sql sql, int64_t chunk_id,
                             int64_t document_id, const void *terms, size_t terms_len,
                             uint32_t n_terms, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, sql, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, chunk_id);
    statement_bind_int(&st, document_id);
    statement_bind_int(&st, n_terms);
    statement_bind_blob(&st, terms, terms_len);
    return statement_run(&st, NULL, err);
}

/* The chunk's row is there already. */
static enum status add_vector_row(struct store *store, int64_t chunk_id, struct error *err)
{
    size_t n_changed = 0;
    enum status status = STATUS_OK;
    if (store->library.next_slot > 0) {
        status = statement_run_with(store, SQL_CHUNK_VECTOR_ADD, &chunk_id, 1, NULL, err);
        if (!status)
            status = statement_run_with(store, SQL_VECTOR_TAIL_ADD, &chunk_id, 1, &n_changed, err);
    }
    store->library.n_vector_tail += (int64_t)n_changed;
    if (!status && n_changed == 0)
        status = statement_run_with(store, SQL_MISSING_ADD, &chunk_id, 1, NULL, err);
    return status;
}

enum status tail_add_chunk(struct store *store, int64_t chunk_id, int64_t document_id,
                           const struct store_chunk *chunk, bool into_tail, struct error *err)
{
    if (into_tail) {
        enum status status = put_terms(store, SQL_TAIL_ADD, chunk_id, document_id, chunk->terms,
                                       chunk->terms_len, chunk->n_terms, err);
        if (status)
            return status;
        store->library.n_tail++;
    }
    return add_vector_row(store, chunk_id, err);
}

static enum status remove_rows(struct store *store, enum store_kind kind, int64_t first,
                               int64_t until, size_t *out_n, struct error *err)
{
    bool is_vector = kind == STORE_KIND_VECTOR;
    const int64_t range[] = {first, until};
    enum status status = statement_run_with(
        store, is_vector ? SQL_VECTOR_TAIL_REMOVE : SQL_TAIL_REMOVE, range, 2, out_n, err);
    if (!status)
        count_down(is_vector ? &store->library.n_vector_tail : &store->library.n_tail, *out_n);
    return status;
}

enum status tail_remove_range(struct store *store, int64_t first, int64_t until, struct error *err)
{
    const int64_t range[] = {first, until};
    size_t n_chunks = (size_t)(until - first);
    size_t n_tail = 0, n_vector = 0, n_missing = 0;
    enum status status = remove_rows(store, STORE_KIND_LEXICAL, first, until, &n_tail, err);
    if (!status)
        status = remove_rows(store, STORE_KIND_VECTOR, first, until, &n_vector, err);
    if (!status)
        status = statement_run_with(store, SQL_MISSING_REMOVE, range, 2, &n_missing, err);
    if (!status && n_missing < n_chunks)
        status = statement_run_with(store, SQL_CHUNK_VECTORS_REMOVE, range, 2, NULL, err);
    if (!status && n_tail < n_chunks)
        status = dead_add(store, STORE_KIND_LEXICAL, first, until, err);
    if (!status && n_vector + n_missing < n_chunks)
        status = dead_add(store, STORE_KIND_VECTOR, first, until, err);
    return status;
}

static enum status count_living(struct store *store, int64_t first, int64_t until, int64_t *out,
                                struct error *err)
{
    struct statement st = {0};
    bool has_row = false;
    enum status status = statement_get(store, SQL_CHUNKS_COUNT, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, first);
    statement_bind_int(&st, until);
    status = statement_step(&st, &has_row, err);
    if (!status)
        *out = statement_take_int(&st);
    statement_release(&st);
    return status;
}

/* Ids that follow each other came with one put and go together: all are in the tail, or none
 * lives. */
static enum status take_run(struct store *store, enum store_kind kind, int64_t first, int64_t until,
                            struct error *err)
{
    size_t n_taken = 0;
    int64_t n_living = 0;
    enum status status = remove_rows(store, kind, first, until, &n_taken, err);
    if (status || (int64_t)n_taken == until - first)
        return status;
    status = count_living(store, first, until, &n_living, err);
    if (!status && n_living > 0)
        return store_fail_change(
            store, error_set(err, STATUS_INVALID,
                             "passages %lld to %lld changed while their segment was made",
                             (long long)first, (long long)until - 1));
    return status ? status : dead_add(store, kind, first, until, err);
}

enum status store_take_tail(struct store *store, enum store_kind kind, const int64_t *chunk_ids,
                            size_t n, struct error *err)
{
    assert(store->is_writing);
    enum status status = STATUS_OK;
    for (size_t i = 0, end; i < n && !status; i = end) {
        for (end = i + 1; end < n && chunk_ids[end] == chunk_ids[end - 1] + 1; end++)
            ;
        status = take_run(store, kind, chunk_ids[i], chunk_ids[end - 1] + 1, err);
    }
    return status;
}

static enum status find_chunk(struct store *store, int64_t chunk_id, int64_t document_id,
                              struct error *err)
{
    struct statement st = {0};
    size_t n_rows = 0;
    enum status status = statement_get(store, SQL_CHUNK_HAS, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, chunk_id);
    statement_bind_int(&st, document_id);
    status = statement_run(&st, &n_rows, err);
    if (!status && n_rows == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such passage");
    return status;
}

enum status store_put_tail_row(struct store *store, int64_t chunk_id, int64_t document_id,
                               const void *terms, size_t terms_len, uint32_t n_terms,
                               struct error *err)
{
    assert(store->is_writing);
    size_t n_before = 0;
    enum status status = find_chunk(store, chunk_id, document_id, err);
    if (!status)
        status = remove_rows(store, STORE_KIND_LEXICAL, chunk_id, chunk_id + 1, &n_before, err);
    if (!status)
        status =
            put_terms(store, SQL_TAIL_ADD, chunk_id, document_id, terms, terms_len, n_terms, err);
    store->library.n_tail += status == STATUS_OK;
    return status;
}

enum status store_put_vector_tail_row(struct store *store, int64_t chunk_id, int64_t document_id,
                                      struct error *err)
{
    assert(store->is_writing);
    const int64_t range[] = {chunk_id, chunk_id + 1};
    size_t n_before = 0;
    enum status status = find_chunk(store, chunk_id, document_id, err);
    if (!status)
        status = remove_rows(store, STORE_KIND_VECTOR, chunk_id, chunk_id + 1, &n_before, err);
    if (!status)
        status = statement_run_with(store, SQL_MISSING_REMOVE, range, 2, NULL, err);
    return status ? status : add_vector_row(store, chunk_id, err);
}

enum status store_link_vector(struct store *store, int64_t chunk_id, struct error *err)
{
    assert(store->is_writing);
    const int64_t range[] = {chunk_id, chunk_id + 1};
    size_t n_missing = 0;
    enum status status = statement_run_with(store, SQL_MISSING_REMOVE, range, 2, &n_missing, err);
    return status || n_missing == 0 ? status : add_vector_row(store, chunk_id, err);
}

/* ---- reading ---- */

enum status store_each_tail(struct store *store, int64_t after_chunk_id, size_t n_max,
                            enum status (*each)(void *ctx, const struct store_tail_row *row,
                                                struct error *err),
                            void *ctx, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_TAIL_EACH, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, after_chunk_id);
    statement_bind_limit(&st, n_max);
    while (statement_next(&st, &status, err)) {
        struct store_tail_row row;
        row.chunk_id = statement_take_int(&st);
        row.document_id = statement_take_int(&st);
        row.n_terms = statement_take_u32(&st);
        row.terms = statement_take_blob(&st, &row.terms_len);
        status = statement_status(&st, err);
        if (!status)
            status = each(ctx, &row, err);
    }
    statement_release(&st);
    return status;
}

enum status store_each_vector_tail(struct store *store, int64_t after_chunk_id, size_t n_max,
                                   enum status (*each)(void *ctx,
                                                       const struct store_vector_row *row,
                                                       struct error *err),
                                   void *ctx, struct error *err)
{
    assert(store->is_reading || store->is_writing);
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_TAIL_EACH, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, after_chunk_id);
    statement_bind_limit(&st, n_max);
    while (statement_next(&st, &status, err)) {
        struct store_vector_row row;
        row.chunk_id = statement_take_int(&st);
        row.document_id = statement_take_int(&st);
        status = statement_take_slot(&st, &row.slot, err);
        if (!status)
            status = each(ctx, &row, err);
    }
    statement_release(&st);
    return status;
}

enum status store_count_tail(struct store *store, size_t *out_n_lexical, size_t *out_n_vector,
                             struct error *err)
{
    struct library library;
    enum status status = library_get(store, &library, err);
    if (status)
        return status;
    *out_n_lexical = (size_t)library.n_tail;
    *out_n_vector = (size_t)library.n_vector_tail;
    return STATUS_OK;
}
