#include "store/statement.h"

#include <assert.h>
#include <string.h>

#include "base/fault.h"

static enum status prepare(struct store *store, const char *text, unsigned flags,
                           struct sqlite3_stmt **out, struct error *err)
{
    int rc = sqlite3_prepare_v3(store->db, text, -1, flags, out, NULL);
    return rc ? store_fail(store, rc, err) : STATUS_OK;
}

enum status statement_get(struct store *store, enum sql sql, struct statement *out,
                          struct error *err)
{
    enum status status = connection_ready(store, err);
    if (!status && fault_hit("store.statement"))
        status = error_nomem(err);
    if (status)
        return status;
    if (!store->statements[sql])
        status =
            prepare(store, sql_texts[sql], SQLITE_PREPARE_PERSISTENT, &store->statements[sql], err);
    if (status)
        return status;
    assert(!sqlite3_stmt_busy(store->statements[sql]));
    *out = (struct statement){.store = store, .handle = store->statements[sql], .i_column = -1};
    return STATUS_OK;
}

enum status statement_prepare(struct store *store, const char *text, struct statement *out,
                              struct error *err)
{
    enum status status = connection_ready(store, err);
    struct sqlite3_stmt *handle = NULL;
    if (!status)
        status = prepare(store, text, 0, &handle, err);
    if (status)
        return status;
    *out = (struct statement){.store = store, .handle = handle, .i_column = -1, .is_own = true};
    return STATUS_OK;
}

void statement_release(struct statement *statement)
{
    if (statement->handle && statement->is_own) {
        sqlite3_finalize(statement->handle);
    } else if (statement->handle) {
        sqlite3_reset(statement->handle);
        sqlite3_clear_bindings(statement->handle);
    }
    *statement = (struct statement){0};
}

static void note(struct statement *statement, int rc)
{
    if (rc && !statement->rc)
        statement->rc = rc;
}

void statement_bind_int(struct statement *statement, int64_t value)
{
    note(statement, sqlite3_bind_int64(statement->handle, ++statement->i_bind, value));
}

void statement_bind_limit(struct statement *statement, size_t n_max)
{
    statement_bind_int(statement, n_max > INT64_MAX ? INT64_MAX : (int64_t)n_max);
}

void statement_bind_text(struct statement *statement, const char *text)
{
    note(statement, sqlite3_bind_text64(statement->handle, ++statement->i_bind, text ? text : "",
                                        text ? strlen(text) : 0, SQLITE_STATIC, SQLITE_UTF8));
}

void statement_bind_blob(struct statement *statement, const void *bytes, size_t len)
{
    note(statement, sqlite3_bind_blob64(statement->handle, ++statement->i_bind, len ? bytes : "",
                                        len, SQLITE_STATIC));
}

enum status statement_status(struct statement *statement, struct error *err)
{
    return statement->rc ? store_fail(statement->store, statement->rc, err) : STATUS_OK;
}

enum status statement_step(struct statement *statement, bool *out_has_row, struct error *err)
{
    statement->i_column = -1;
    if (!statement->rc) {
        int rc = sqlite3_step(statement->handle);
        if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
            *out_has_row = rc == SQLITE_ROW;
            return STATUS_OK;
        }
        note(statement, rc);
    }
    return statement_status(statement, err);
}

bool statement_next(struct statement *statement, enum status *status, struct error *err)
{
    bool has_row = false;
    if (!*status)
        *status = statement_step(statement, &has_row, err);
    return has_row;
}

enum status statement_run(struct statement *statement, size_t *out_n_rows, struct error *err)
{
    size_t n_rows = 0;
    enum status status = STATUS_OK;
    while (statement_next(statement, &status, err))
        n_rows++;
    statement_release(statement);
    if (!status && out_n_rows)
        *out_n_rows = n_rows;
    return status;
}

enum status statement_run_all(struct store *store, const enum sql *list, size_t n,
                              size_t *out_n_changed, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct statement statement = {0};
        enum status status = statement_get(store, list[i], &statement, err);
        if (!status)
            status = statement_run(&statement, NULL, err);
        if (status)
            return status;
    }
    if (out_n_changed)
        *out_n_changed = (size_t)sqlite3_changes64(store->db);
    return STATUS_OK;
}

enum status statement_run_with(struct store *store, enum sql sql, const int64_t *values, size_t n,
                               size_t *out_n_changed, struct error *err)
{
    struct statement statement = {0};
    enum status status = statement_get(store, sql, &statement, err);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        statement_bind_int(&statement, values[i]);
    status = statement_run(&statement, NULL, err);
    if (!status && out_n_changed)
        *out_n_changed = (size_t)sqlite3_changes64(store->db);
    return status;
}

int64_t statement_take_int(struct statement *statement)
{
    return sqlite3_column_int64(statement->handle, ++statement->i_column);
}

uint32_t statement_take_u32(struct statement *statement)
{
    return (uint32_t)statement_take_int(statement);
}

enum status statement_take_slot(struct statement *statement, uint32_t *out, struct error *err)
{
    int64_t slot = statement_take_int(statement);
    enum status status = statement_status(statement, err);
    if (status)
        return status;
    if (slot < 0 || slot >= statement->store->library.next_slot)
        return error_set(err, STATUS_DAMAGED, "\"%s\" is damaged: there is no vector %lld",
                         statement->store->path, (long long)slot);
    *out = (uint32_t)slot;
    return STATUS_OK;
}

const char *statement_take_text(struct statement *statement)
{
    /* Also for blobs: column_text gives their bytes unchanged, but terminated. */
    int i = ++statement->i_column;
    const unsigned char *text = sqlite3_column_text(statement->handle, i);
    if (!text && sqlite3_errcode(statement->store->db) == SQLITE_NOMEM)
        note(statement, SQLITE_NOMEM);
    return text ? (const char *)text : "";
}

const void *statement_take_blob(struct statement *statement, size_t *out_len)
{
    int i = ++statement->i_column;
    const void *bytes = sqlite3_column_blob(statement->handle, i);
    *out_len = (size_t)sqlite3_column_bytes(statement->handle, i);
    if (!bytes && sqlite3_errcode(statement->store->db) == SQLITE_NOMEM)
        note(statement, SQLITE_NOMEM);
    return bytes;
}

struct hash128 statement_take_hash(struct statement *statement)
{
    struct hash128 hash = {0};
    size_t len;
    const void *bytes = statement_take_blob(statement, &len);
    if (bytes && len == sizeof hash.bytes)
        memcpy(hash.bytes, bytes, sizeof hash.bytes);
    return hash;
}
