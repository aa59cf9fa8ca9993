/* Steps of migrations that SQL alone can't do. */
#include "store/statement.h"

/* The size that most have: one of another size was of no use, its passages are missing ones now. */
static const char find_size[] =
    "SELECT coalesce((SELECT length(fp16) FROM old_vectors WHERE length(fp16) BETWEEN 2 AND "
    "1048576 "
    "AND length(fp16) % 2 = 0 GROUP BY 1 ORDER BY count(*) DESC LIMIT 1), 0)";

static enum status move_row(struct store *store, const void *hash, size_t hash_len,
                            const void *vector, size_t vector_len, struct error *err)
{
    struct statement st = {0};
    enum status status = statement_get(store, SQL_VECTOR_ADD, &st, err);
    if (status)
        return status;
    statement_bind_int(&st, store->library.next_slot);
    statement_bind_blob(&st, hash, hash_len);
    statement_bind_int(&st, (int64_t)hash64_of(vector, vector_len));
    status = statement_run(&st, NULL, err);
    return status ? status : vector_file_append(store, vector, err);
}

static enum status move_rows(struct store *store, struct error *err)
{
    struct statement st = {0};
    enum status status =
        statement_prepare(store, "SELECT hash, fp16 FROM old_vectors ORDER BY id", &st, err);
    while (statement_next(&st, &status, err)) {
        size_t hash_len, vector_len;
        const void *hash = statement_take_blob(&st, &hash_len);
        const void *vector = statement_take_blob(&st, &vector_len);
        status = statement_status(&st, err);
        if (!status && vector && vector_len == (size_t)store->library.vector_bytes)
            status = move_row(store, hash, hash_len, vector, vector_len, err);
    }
    statement_release(&st);
    return status;
}

/* The file is as good as new until the migration commits: one that was interrupted is done again
 * from the first slot on. */
enum status migrate_vectors(struct store *store, struct error *err)
{
    enum status status = library_load(store, err);
    if (!status)
        status = connection_get_int(store, find_size, &store->library.vector_bytes, err);
    if (!status && store->library.vector_bytes > 0)
        status = move_rows(store, err);
    if (!status && store->library.next_slot == 0)
        store->library.vector_bytes = 0;
    if (!status)
        status = vector_file_sync(store, err);
    if (!status)
        status = library_save(store, err);
    vector_file_forget(store);
    return status;
}
