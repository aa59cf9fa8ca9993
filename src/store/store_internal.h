/* store/store_internal.h - what the files of this room share: the connection and its state. */
#ifndef RAGGED_STORE_STORE_INTERNAL_H
#define RAGGED_STORE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "base/file.h"
#include "store/sql.h"
#include "store/store.h"

/* One thread at a time. `db` is NULL after a failed disk operation until the next use reopens it:
 * what a failed fsync left in the page cache is not known, so the connection that saw it is not
 * asked again. */
struct store {
    sqlite3 *db;
    char *folder, *path, *wal_path, *lock_path; /* owned */
    enum store_open_mode mode;
    struct sqlite3_stmt *statements[SQL_COUNT]; /* prepared at first use */
    struct file_lock lock;                      /* write.lock, held while is_writing */
    bool is_writing, is_reading;
    bool is_failed; /* a change of the open transaction failed: it can't be committed */
    bool is_broken; /* the connection must not be used again */
    int64_t n_changes_at_begin;
};

/* --- connection.c --- */
enum status connection_open(struct store *store, struct error *err) MUST_USE;
void connection_close(struct store *store);
/* Reopens a broken connection; to be called where no transaction is open. */
enum status connection_ready(struct store *store, struct error *err) MUST_USE;
/* Runs constant SQL that gives no rows. */
enum status connection_run(struct store *store, const char *sql, struct error *err) MUST_USE;
/* The integer of the first row of constant SQL. */
enum status connection_get_int(struct store *store, const char *sql, int64_t *out,
                               struct error *err) MUST_USE;

/* --- schema.c --- */
enum schema_state { SCHEMA_EMPTY, SCHEMA_OLDER, SCHEMA_CURRENT };
/* INVALID: another program's database, or a newer version's. */
enum status schema_get_state(struct store *store, enum schema_state *out,
                             struct error *err) MUST_USE;
/* Brings the database to the newest version in one transaction; write.lock is held. */
enum status schema_migrate(struct store *store, struct error *err) MUST_USE;

/* --- result.c --- */
/* Turns an SQLite result into a status and a sentence, and notes what it means for the connection
 * and the open transaction. */
enum status store_fail(struct store *store, int rc, struct error *err);

/* --- leftover.c --- */
/* Calls each() for every temporary file that is too old to be in use. */
enum status leftover_each(const char *folder,
                          enum status (*each)(void *ctx, const char *path, struct error *err),
                          void *ctx, struct error *err) MUST_USE;

/* --- check_blobs.c --- */
/* Where store_check() reports to. */
struct check {
    struct store *store;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    size_t n_problems;
    size_t vector_bytes; /* 0: any */
};
void check_say(struct check *check, const char *format, ...) PRINTF_LIKE(2, 3);
enum status check_terms(struct check *check, struct error *err) MUST_USE;
enum status check_vectors(struct check *check, struct error *err) MUST_USE;

#ifdef RAGGED_FAULT
/* --- fault_vfs.c --- */
/* Name of a VFS that asks base/fault.h before each step; NULL: it could not be registered. */
const char *fault_vfs_name(void);
#endif

#endif
