/* One SQLite connection: how it is opened, hardened and closed. */
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/trace.h"
#include "store/statement.h"

#define BUSY_TIMEOUT_MS 10000
#define SQLITE_OLDEST 3037000 /* has STRICT tables */

/* Small enough that a damaged or hostile database can't ask for much. */
static const struct {
    int id, value;
} limits[] = {
    {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_LENGTH, (int)RAGGED_LIMIT_TEXT},
    {SQLITE_LIMIT_SQL_LENGTH, 65536},   {SQLITE_LIMIT_EXPR_DEPTH, 64},
    {SQLITE_LIMIT_COMPOUND_SELECT, 16}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    {SQLITE_LIMIT_WORKER_THREADS, 0},   {SQLITE_LIMIT_VARIABLE_NUMBER, 32},
};

static const struct {
    int id, value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, /* a checkpoint only under write.lock */
};

static const char settings[] = "PRAGMA cell_size_check = ON;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA secure_delete = FAST;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -8192;";

static const char settings_of_new[] = "PRAGMA auto_vacuum = INCREMENTAL;";

enum status store_check_sqlite(const char **out_version, struct error *err)
{
    if (sqlite3_libversion_number() < SQLITE_OLDEST || !sqlite3_threadsafe()) {
        error_set(err, STATUS_INVALID, "SQLite %s %s", sqlite3_libversion(),
                  sqlite3_threadsafe() ? "is too old" : "was built for one thread only");
        error_hint(err, "install SQLite 3.37.0 or later as the system's library; LD_LIBRARY_PATH "
                        "may name another one");
        return STATUS_INVALID;
    }
    *out_version = sqlite3_libversion();
    return STATUS_OK;
}

enum status connection_run(struct store *store, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return rc ? store_fail(store, sqlite3_extended_errcode(store->db), err) : STATUS_OK;
}

enum status connection_get_int(struct store *store, const char *sql, int64_t *out,
                               struct error *err)
{
    struct statement statement = {0};
    bool has_row = false;
    enum status status = statement_prepare(store, sql, &statement, err);
    if (!status)
        status = statement_step(&statement, &has_row, err);
    if (!status && has_row)
        *out = statement_take_int(&statement);
    else if (!status)
        status = error_set(err, STATUS_DAMAGED, "\"%s\" is damaged", store->path);
    statement_release(&statement);
    return status;
}

static enum status configure(struct store *store, struct error *err)
{
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(store->db, limits[i].id, limits[i].value);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        int rc = sqlite3_db_config(store->db, switches[i].id, switches[i].value, NULL);
        if (rc)
            return store_fail(store, rc, err);
    }
    return connection_run(store, settings, err);
}

/* WAL needs shared memory, which some network file systems do not have: SQLite then silently keeps
 * another mode. */
static enum status use_wal(struct store *store, struct error *err)
{
    struct statement statement = {0};
    bool has_row = false;
    enum status status = statement_prepare(store, "PRAGMA journal_mode = WAL", &statement, err);
    if (!status)
        status = statement_step(&statement, &has_row, err);
    if (!status && (!has_row || strcmp(statement_take_text(&statement), "wal") != 0)) {
        status = error_set(err, STATUS_IO, "the file system of \"%s\" can't hold a library",
                           store->folder);
        error_hint(err, "choose a data folder on a local disk");
    }
    statement_release(&statement);
    return status;
}

static enum status no_library(struct store *store, struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, "no library in \"%s\"", store->folder);
}

/* What must be chosen before the first page is written. */
static enum status begin_new(struct store *store, struct error *err)
{
    int n_reserved = PAGE_VFS_RESERVED_BYTES;
    int rc = sqlite3_file_control(store->db, NULL, SQLITE_FCNTL_RESERVE_BYTES, &n_reserved);
    return rc ? store_fail(store, rc, err) : connection_run(store, settings_of_new, err);
}

static enum status use_schema(struct store *store, struct error *err)
{
    enum schema_state state;
    enum status status = schema_get_state(store, &state, err);
    if (status || state == SCHEMA_CURRENT)
        return status;
    if (store->mode == STORE_OPEN_READ && state == SCHEMA_EMPTY)
        return no_library(store, err);
    if (store->mode == STORE_OPEN_READ) {
        status = error_set(err, STATUS_INVALID, "\"%s\" was made by an older ragged", store->path);
        error_hint(err, "add or update a document once: that brings it up to date");
        return status;
    }
    if (state == SCHEMA_EMPTY)
        status = begin_new(store, err);
    if (!status)
        status = use_wal(store, err);
    return status ? status : schema_migrate(store, err);
}

/* A reader opens for writing too, where the file system lets it: a creator that was killed leaves a
 * journal that must be rolled back before anyone can read. query_only keeps it a reader. */
static enum status open_database(struct store *store, const char *name, int flags,
                                 struct error *err)
{
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const char *vfs = page_vfs_name(); /* without it pages would be written without checksums */
    int rc = vfs ? sqlite3_open_v2(name, &store->db, flags, vfs) : SQLITE_NOMEM;
    enum status status = rc ? store_fail(store, rc, err) : configure(store, err);
    if (!status && store->mode == STORE_OPEN_READ)
        status = connection_run(store, "PRAGMA query_only = 1", err);
    if (!status)
        status = use_schema(store, err);
    if (status)
        connection_close(store);
    return status;
}

/* A log that holds something must be read together with the database. */
static bool is_unwritable_and_whole(const struct store *store)
{
    struct file_info info;
    enum status status = file_stat(store->wal_path, FILE_FOLLOW, &info, NULL);
    bool is_whole = status == STATUS_NOT_FOUND || (!status && info.size_bytes == 0);
    return is_whole && access(store->folder, W_OK) != 0;
}

/* SQLite reads a log only beside files that it can make. Where nothing can be written and the log
 * is empty the database is all there is. */
static enum status open_unwritable(struct store *store, struct error *err)
{
    struct buf name = {0};
    buf_append_text(&name, "file:");
    for (const char *c = store->path; *c; c++)
        buf_printf(&name, strchr("%?#", *c) ? "%%%02X" : "%c", (unsigned char)*c);
    buf_append_text(&name, "?immutable=1");
    enum status status = buf_status(&name, err);
    if (!status)
        status = open_database(store, buf_text(&name), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    buf_clear(&name);
    return status;
}

/* SQLite would create its files readable by everybody. */
static enum status create_database(struct store *store, struct error *err)
{
    struct file_info info;
    enum status status = file_stat(store->path, FILE_FOLLOW, &info, err);
    return status == STATUS_NOT_FOUND ? file_replace(store->path, "", 0, 0600, err) : status;
}

enum status connection_open(struct store *store, struct error *err)
{
    TRACE(TRACE_STAGE_OPEN_LIBRARY);
    struct file_info info;
    if (store->mode == STORE_OPEN_READ) {
        enum status status = file_stat(store->path, FILE_FOLLOW, &info, err);
        if (status)
            return status == STATUS_NOT_FOUND ? no_library(store, err) : status;
        status = open_database(store, store->path, SQLITE_OPEN_READWRITE, err);
        if (status == STATUS_IO && is_unwritable_and_whole(store))
            status = open_unwritable(store, err);
        return status;
    }
    struct file_lock lock = FILE_LOCK_NONE;
    enum status status = folder_make(store->folder, err);
    if (!status)
        status = file_lock_acquire(store->lock_path, BUSY_TIMEOUT_MS, &lock, err);
    if (!status)
        status = create_database(store, err);
    if (!status)
        status = open_database(store, store->path, SQLITE_OPEN_READWRITE, err);
    file_lock_release(&lock);
    return status;
}

void connection_close(struct store *store)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
    store->is_broken = false;
}

enum status connection_ready(struct store *store, struct error *err)
{
    if (store->is_writing || store->is_reading || (store->db && !store->is_broken))
        return STATUS_OK;
    /* A statement that is being stepped keeps the old connection until it is released. */
    if (store->db && sqlite3_next_stmt(store->db, NULL)) {
        struct sqlite3_stmt *statement = NULL;
        while ((statement = sqlite3_next_stmt(store->db, statement)))
            if (sqlite3_stmt_busy(statement))
                return STATUS_OK;
    }
    connection_close(store);
    return connection_open(store, err);
}
