/* The tables and their versions. migrations[] is append-only: number i brings a database from
 * version i to i + 1, and its last statement says so.
 *
 * documents.n_chunks and .text_bytes, library.n_tail and .n_vector_tail repeat what a count would
 * give, so that counting does not read texts and terms. The ids of a document's chunks ascend
 * with their ord and follow each other, but between parts of a file that is read in parts
 * (documents.n_parts, 0: it was read as one) others may lie; runs of ids have the same id - ord.
 * partial has a row for each document of which parts are still to come. vectors.id is a slot in
 * the file that library.vector_file names; chunk_vectors says which chunks have it, in the order of
 * their ids: an index of chunks by hash would dirty a page of its own for each. tail, vector_tail
 * and missing: store_index.h. holes: compact.c. audit: store_audit.h; its fields are one blob,
 * because every process that opens the library reads its schema. */
#include "store/store_internal.h"

#define APPLICATION_ID 0x52474744 /* "RGGD" */

struct migration {
    const char *sql;
    enum status (*step)(struct store *store, struct error *err); /* after sql; NULL: none */
    const char *sql_after;                                       /* NULL: none */
};

static const struct migration migrations[] = {
    {
        .sql = "CREATE TABLE library(generation INTEGER NOT NULL) STRICT;"
               "INSERT INTO library VALUES(0);"
               "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
               "CREATE TABLE documents("
               " id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, title TEXT NOT NULL,"
               " kind TEXT NOT NULL, collection TEXT NOT NULL, size INTEGER NOT NULL,"
               " inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, added_ms INTEGER NOT NULL,"
               " hash TEXT NOT NULL, state INTEGER NOT NULL, error TEXT NOT NULL, warning TEXT NOT "
               "NULL,"
               " n_pages INTEGER NOT NULL, n_chunks INTEGER NOT NULL, text_bytes INTEGER NOT NULL) "
               "STRICT;"
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
    },
    {
        .sql = "ALTER TABLE documents ADD COLUMN meta TEXT NOT NULL DEFAULT '';"
               "PRAGMA user_version = 2;",
    },
    {
        .sql =
            "ALTER TABLE library RENAME TO old_library;"
            "CREATE TABLE library("
            " generation INTEGER NOT NULL, next_chunk_id INTEGER NOT NULL,"
            " next_slot INTEGER NOT NULL, vector_file INTEGER NOT NULL,"
            " vector_bytes INTEGER NOT NULL, n_tail INTEGER NOT NULL,"
            " n_vector_tail INTEGER NOT NULL) STRICT;"
            "INSERT INTO library SELECT generation, 1, 0, 1, 0, 0, 0 FROM old_library;"
            "DROP TABLE old_library;"
            "DROP INDEX tail_missing;"
            "ALTER TABLE vectors RENAME TO old_vectors;"
            "ALTER TABLE tail RENAME TO old_tail;"
            "CREATE TABLE vectors("
            " id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, checksum INTEGER NOT NULL) STRICT;"
            "CREATE TABLE tail("
            " chunk_id INTEGER PRIMARY KEY REFERENCES chunks, doc_id INTEGER NOT NULL,"
            " n_terms INTEGER NOT NULL, terms BLOB NOT NULL) STRICT;"
            "CREATE TABLE vector_tail("
            " chunk_id INTEGER PRIMARY KEY REFERENCES chunks, doc_id INTEGER NOT NULL,"
            " slot INTEGER NOT NULL REFERENCES vectors) STRICT;"
            "CREATE TABLE missing(chunk_id INTEGER PRIMARY KEY REFERENCES chunks) STRICT;"
            "CREATE TABLE segments("
            " name TEXT PRIMARY KEY, kind INTEGER NOT NULL, n_rows INTEGER NOT NULL,"
            " size INTEGER NOT NULL, inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
            " checksum INTEGER NOT NULL, maker TEXT NOT NULL) STRICT, WITHOUT ROWID;"
            "CREATE TABLE dead("
            " kind INTEGER NOT NULL, first INTEGER NOT NULL, until INTEGER NOT NULL,"
            " PRIMARY KEY(kind, first)) STRICT, WITHOUT ROWID;"
            "CREATE TABLE holes(first INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT;",
        .step = migrate_vectors,
        .sql_after =
            "INSERT INTO tail SELECT chunk_id, doc_id, n_terms, terms FROM old_tail;"
            "INSERT INTO vector_tail SELECT c.id, c.doc_id, v.id FROM chunks c"
            " JOIN vectors v ON v.hash = c.hash;"
            "INSERT INTO missing SELECT id FROM chunks"
            " WHERE id NOT IN (SELECT chunk_id FROM vector_tail);"
            "DROP TABLE old_tail;"
            "DROP TABLE old_vectors;"
            "UPDATE library SET next_chunk_id = 1 + coalesce((SELECT max(id) FROM chunks), 0),"
            " n_tail = (SELECT count(*) FROM tail),"
            " n_vector_tail = (SELECT count(*) FROM vector_tail);"
            "PRAGMA user_version = 3;",
    },
    {
        .sql = "ALTER TABLE documents ADD COLUMN n_parts INTEGER NOT NULL DEFAULT 0;"
               "CREATE TABLE partial("
               " doc_id INTEGER PRIMARY KEY REFERENCES documents, part_bytes INTEGER NOT NULL,"
               " n_lines INTEGER NOT NULL, n_bytes INTEGER NOT NULL) STRICT;"
               "PRAGMA user_version = 4;",
    },
    {
        .sql = "CREATE TABLE audit("
               " sequence INTEGER PRIMARY KEY, run INTEGER NOT NULL, row BLOB NOT NULL) STRICT;",
        .step = audit_begin_trail,
        .sql_after = "PRAGMA user_version = 5;",
    },
    {
        .sql = "CREATE TABLE chunk_vectors("
               " chunk_id INTEGER PRIMARY KEY REFERENCES chunks,"
               " slot INTEGER NOT NULL REFERENCES vectors) STRICT;"
               "INSERT INTO chunk_vectors SELECT c.id, v.id FROM vectors v"
               " CROSS JOIN chunks c ON c.hash = v.hash;"
               "CREATE INDEX chunk_vectors_slot ON chunk_vectors(slot);"
               "DROP INDEX chunks_hash;"
               "PRAGMA user_version = 6;",
    },
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
    for (int64_t i = version; !status && i < N_MIGRATIONS; i++) {
        const struct migration *migration = &migrations[i];
        status = connection_run(store, migration->sql, err);
        if (!status && migration->step)
            status = migration->step(store, err);
        if (!status && migration->sql_after)
            status = connection_run(store, migration->sql_after, err);
    }
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
