/* The tables and their versions. migrations[] is append-only: number i brings a database from
 * version i to i + 1, and its last statement says so.
 *
 * documents.n_chunks and .text_bytes repeat what a count over chunks would give, so that counting a
 * library does not read its texts. chunks.hash names the vector; tail.vector_id is that vector's
 * row once it is there. tail has one row per chunk. */
#include "store/store_internal.h"

#define APPLICATION_ID 0x52474744 /* "RGGD" */

static const char *const migrations[] = {
    "CREATE TABLE library(generation INTEGER NOT NULL) STRICT;"
    "INSERT INTO library VALUES(0);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE documents("
    " id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, title TEXT NOT NULL,"
    " kind TEXT NOT NULL, collection TEXT NOT NULL, size INTEGER NOT NULL,"
    " inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, added_ms INTEGER NOT NULL,"
    " hash TEXT NOT NULL, state INTEGER NOT NULL, error TEXT NOT NULL, warning TEXT NOT NULL,"
    " n_pages INTEGER NOT NULL, n_chunks INTEGER NOT NULL, text_bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE chunks("
    " id INTEGER PRIMARY KEY, doc_id INTEGER NOT NULL REFERENCES documents,"
    " ord INTEGER NOT NULL, page INTEGER NOT NULL, page_end INTEGER NOT NULL,"
    " line INTEGER NOT NULL, line_end INTEGER NOT NULL, byte_start INTEGER NOT NULL,"
    " byte_end INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL,"
    " hash BLOB NOT NULL, UNIQUE(doc_id, ord)) STRICT;"
    "CREATE INDEX chunks_hash ON chunks(hash);"
    "CREATE TABLE vectors("
    " id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, fp16 BLOB NOT NULL) STRICT;"
    "CREATE TABLE tail("
    " chunk_id INTEGER PRIMARY KEY REFERENCES chunks, doc_id INTEGER NOT NULL,"
    " vector_id INTEGER REFERENCES vectors, n_terms INTEGER NOT NULL,"
    " terms BLOB NOT NULL) STRICT;"
    "CREATE INDEX tail_missing ON tail(chunk_id) WHERE vector_id IS NULL;"
    "PRAGMA application_id = 0x52474744;"
    "PRAGMA user_version = 1;",
    "ALTER TABLE documents ADD COLUMN meta TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 2;",
};
#define N_MIGRATIONS ((int64_t)(sizeof migrations / sizeof migrations[0]))

enum status schema_get_state(struct store *store, enum schema_state *out, struct error *err)
{
    int64_t id = 0, version = 0, n_objects = 0;
    enum status status = connection_get_int(store, "PRAGMA application_id", &id, err);
    if (!status)
        status = connection_get_int(store, "PRAGMA user_version", &version, err);
    if (!status)
        status = connection_get_int(store, "SELECT count(*) FROM sqlite_schema", &n_objects, err);
    if (status)
        return status;
    if (id == 0 && version == 0 && n_objects == 0) {
        *out = SCHEMA_EMPTY;
        return STATUS_OK;
    }
    if (id != APPLICATION_ID || version < 1) {
        status = error_set(err, STATUS_INVALID, "\"%s\" is the database of another program",
                           store->path);
        error_hint(err, "choose another data folder");
        return status;
    }
    if (version > N_MIGRATIONS) {
        status = error_set(err, STATUS_INVALID, "\"%s\" was made by a newer ragged (format %lld)",
                           store->path, (long long)version);
        error_hint(err, "install that version, or choose another data folder");
        return status;
    }
    *out = version < N_MIGRATIONS ? SCHEMA_OLDER : SCHEMA_CURRENT;
    return STATUS_OK;
}

static enum status apply_migrations(struct store *store, struct error *err)
{
    int64_t version = 0;
    enum status status = connection_get_int(store, "PRAGMA user_version", &version, err);
    for (int64_t i = version; !status && i < N_MIGRATIONS; i++)
        status = connection_run(store, migrations[i], err);
    return status;
}

enum status schema_migrate(struct store *store, struct error *err)
{
    enum status status = connection_run(store, "BEGIN IMMEDIATE", err);
    if (status)
        return status;
    status = apply_migrations(store, err);
    if (!status)
        status = connection_run(store, "COMMIT", err);
    if (status && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status ? error_context(err, status, "could not prepare the library") : STATUS_OK;
}
