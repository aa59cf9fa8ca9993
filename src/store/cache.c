/* The file of a cache: see store_cache.h. The id of a row is the first half of its key; the other
 * half is in its checksum. A rollback journal, because a reader of one row has less to open than
 * with a log, and a killed writer leaves what the next one takes back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "store/store_internal.h"

#define APPLICATION_ID 0x52474743 /* "RGGC" */
#define VERSION 1
#define WRITER_WAIT_MS 20
#define BLOB_BYTES_MAX (16 * RAGGED_MIB)
#define EVICT_TRIES_MAX 4096

enum cache_sql { CACHE_GET, CACHE_PUT, CACHE_USE, CACHE_EVICT, CACHE_COUNT, CACHE_SQL_COUNT };
static const char *const texts[CACHE_SQL_COUNT] = {
    [CACHE_GET] = "SELECT used, checksum, data FROM entry WHERE id = ?",
    [CACHE_PUT] =
        "INSERT OR REPLACE INTO entry(id, kind, used, checksum, data) VALUES(?, ?, ?, ?, ?)",
    [CACHE_USE] = "UPDATE entry SET used = ?2 WHERE id = ?1",
    [CACHE_EVICT] =
        "DELETE FROM entry WHERE id IN (SELECT id FROM entry ORDER BY used LIMIT 64) RETURNING 1",
    [CACHE_COUNT] = "SELECT kind, count(*), sum(length(data)) FROM entry GROUP BY kind",
};

static const char settings[] = "PRAGMA synchronous = OFF;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cell_size_check = ON;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS entry(id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
    " used INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS entry_used ON entry(used);"
    "PRAGMA application_id = 0x52474743;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

struct store_cache {
    char *folder, *path, *journal_path; /* owned */
    sqlite3 *db;                        /* NULL: not open */
    sqlite3_stmt *statements[CACHE_SQL_COUNT];
    uint64_t inode;  /* of what is open */
    bool is_damaged; /* what is there is of no use: the next write begins anew */
};

enum status store_cache_new(const char *folder, struct store_cache **out, struct error *err)
{
    struct store_cache *cache = mem_zalloc(1, sizeof *cache);
    if (!cache)
        return error_nomem(err);
    cache->folder = path_join(folder, "cache");
    cache->path = path_join(folder, STORE_CACHE_FILE);
    cache->journal_path = path_join(folder, STORE_CACHE_FILE "-journal");
    if (!cache->folder || !cache->path || !cache->journal_path) {
        store_cache_free(cache);
        return error_nomem(err);
    }
    *out = cache;
    return STATUS_OK;
}

void store_cache_disconnect(struct store_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < CACHE_SQL_COUNT; i++) {
        sqlite3_finalize(cache->statements[i]);
        cache->statements[i] = NULL;
    }
    sqlite3_close(cache->db);
    cache->db = NULL;
}

void store_cache_free(struct store_cache *cache)
{
    if (!cache)
        return;
    store_cache_disconnect(cache);
    mem_free(cache->folder);
    mem_free(cache->path);
    mem_free(cache->journal_path);
    mem_free(cache);
}

static enum status fail(struct store_cache *cache, int rc, struct error *err)
{
    enum status status = result_status(rc);
    error_set(err, status, "could not use \"%s\": %s", cache->path,
              cache->db ? sqlite3_errmsg(cache->db) : sqlite3_errstr(rc));
    cache->is_damaged = cache->is_damaged || status == STATUS_DAMAGED;
    return status;
}

static enum status run(struct store_cache *cache, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(cache->db, sql, NULL, NULL, NULL);
    return rc ? fail(cache, rc, err) : STATUS_OK;
}

static enum status get_int(struct store_cache *cache, const char *sql, int64_t *out,
                           struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(cache->db, sql, -1, &statement, NULL);
    if (!rc)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    enum status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK : fail(cache, rc, err);
    sqlite3_finalize(statement);
    return status;
}

/* ---- opening ---- */

static enum status connect(struct store_cache *cache, struct error *err)
{
    const char *vfs = NULL;
#ifdef RAGGED_FAULT
    vfs = fault_vfs_name();
#endif
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(cache->path, &cache->db, flags, vfs);
    if (rc)
        return fail(cache, rc, err);
    sqlite3_limit(cache->db, SQLITE_LIMIT_LENGTH, (int)BLOB_BYTES_MAX + 4096);
    sqlite3_limit(cache->db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(cache->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(cache->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(cache->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return run(cache, settings, err);
}

/* *out_is_new: there is nothing in it yet. */
static enum status check_version(struct store_cache *cache, bool *out_is_new, struct error *err)
{
    int64_t id = 0, version = 0, n_pages = 0;
    enum status status = get_int(cache, "PRAGMA application_id", &id, err);
    if (!status)
        status = get_int(cache, "PRAGMA user_version", &version, err);
    if (!status && id == 0 && version == 0)
        status = get_int(cache, "PRAGMA page_count", &n_pages, err);
    if (status)
        return status;
    *out_is_new = id == 0 && version == 0 && n_pages == 0;
    if (*out_is_new || (id == APPLICATION_ID && version == VERSION))
        return STATUS_OK;
    cache->is_damaged = true;
    return error_set(err, STATUS_DAMAGED, "\"%s\" is not a cache of this ragged", cache->path);
}

static enum status not_found(struct store_cache *cache, struct error *err)
{
    return error_set(err, STATUS_NOT_FOUND, "it is not in \"%s\"", cache->path);
}

/* Never through a link, and nothing but a file. */
static enum status find_file(struct store_cache *cache, struct error *err)
{
    struct file_info info;
    enum status status = file_stat(cache->path, FILE_NO_FOLLOW, &info, err);
    if (!status && !info.is_regular)
        status = error_set(err, STATUS_IO, "\"%s\" is not a file", cache->path);
    /* Somebody else has begun anew. */
    if (status || info.inode != cache->inode)
        store_cache_disconnect(cache);
    if (!status)
        cache->inode = info.inode;
    return status;
}

static enum status open_to_read(struct store_cache *cache, struct error *err)
{
    bool is_new = false;
    if (cache->is_damaged)
        return not_found(cache, err);
    if (cache->db)
        return STATUS_OK;
    enum status status = find_file(cache, err);
    if (!status)
        status = connect(cache, err);
    if (!status)
        status = check_version(cache, &is_new, err);
    if (!status && is_new)
        status = not_found(cache, err);
    if (status)
        store_cache_disconnect(cache);
    return status;
}

/* It holds questions: nobody else may read it, from its first moment on. */
static enum status create_file(struct store_cache *cache, struct error *err)
{
    enum status status = folder_make(cache->folder, err);
    if (status)
        return status;
    int fd = open(cache->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return error_errno(err, errno, "could not create \"%s\"", cache->path);
    if (fd >= 0)
        close(fd);
    return STATUS_OK;
}

enum status store_cache_remove(struct store_cache *cache, struct error *err)
{
    store_cache_disconnect(cache);
    enum status status = file_remove(cache->path, err);
    if (!status)
        status = file_remove(cache->journal_path, err);
    if (!status)
        cache->is_damaged = false;
    return status;
}

static enum status open_to_write(struct store_cache *cache, struct error *err)
{
    bool is_new = false;
    if (cache->is_damaged) {
        enum status status = store_cache_remove(cache, err);
        if (status)
            return status;
    }
    enum status status = find_file(cache, err);
    if (!status && cache->db) {
        sqlite3_busy_timeout(cache->db, WRITER_WAIT_MS);
        return STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND) {
        status = create_file(cache, err);
        if (!status)
            status = find_file(cache, err);
    }
    if (!status)
        status = connect(cache, err);
    if (!status)
        sqlite3_busy_timeout(cache->db, WRITER_WAIT_MS);
    if (!status)
        status = check_version(cache, &is_new, err);
    if (!status && is_new)
        status = run(cache, schema, err);
    if (status)
        store_cache_disconnect(cache);
    return status;
}

/* ---- rows ---- */

static enum status prepare(struct store_cache *cache, enum cache_sql sql, sqlite3_stmt **out,
                           struct error *err)
{
    sqlite3_stmt **statement = &cache->statements[sql];
    int rc = *statement ? sqlite3_reset(*statement)
                        : sqlite3_prepare_v3(cache->db, texts[sql], -1, SQLITE_PREPARE_PERSISTENT,
                                             statement, NULL);
    if (rc)
        return fail(cache, rc, err);
    *out = *statement;
    return STATUS_OK;
}

static int64_t row_id(const struct hash128 *key)
{
    int64_t id;
    memcpy(&id, key->bytes, sizeof id);
    return id;
}

static int64_t checksum_of(const struct hash128 *key, const void *bytes, size_t len)
{
    unsigned char both[sizeof key->bytes + sizeof(uint64_t)];
    uint64_t of_bytes = hash64_of(bytes, len);
    memcpy(both, key->bytes, sizeof key->bytes);
    memcpy(both + sizeof key->bytes, &of_bytes, sizeof of_bytes);
    return (int64_t)hash64_of(both, sizeof both);
}

enum status store_cache_get(struct store_cache *cache, struct hash128 key, struct buf *out,
                            int64_t *out_used_s, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = open_to_read(cache, err);
    if (!status)
        status = prepare(cache, CACHE_GET, &statement, err);
    if (status)
        return status;
    sqlite3_bind_int64(statement, 1, row_id(&key));
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(statement, 2);
        size_t len = (size_t)sqlite3_column_bytes(statement, 2);
        if (bytes && checksum_of(&key, bytes, len) == sqlite3_column_int64(statement, 1)) {
            *out_used_s = sqlite3_column_int64(statement, 0);
            buf_append(out, bytes, len);
            status = buf_status(out, err);
        } else {
            status = not_found(cache, err);
        }
    } else {
        status = rc == SQLITE_DONE ? not_found(cache, err) : fail(cache, rc, err);
    }
    sqlite3_reset(statement);
    return status;
}

static enum status put_row(struct store_cache *cache, const struct store_cache_row *row,
                           int64_t now_s, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = prepare(cache, row->bytes ? CACHE_PUT : CACHE_USE, &statement, err);
    if (status)
        return status;
    sqlite3_bind_int64(statement, 1, row_id(&row->key));
    if (row->bytes) {
        sqlite3_bind_int64(statement, 2, row->kind);
        sqlite3_bind_int64(statement, 3, now_s);
        sqlite3_bind_int64(statement, 4, checksum_of(&row->key, row->bytes, row->len));
        sqlite3_bind_blob64(statement, 5, row->bytes, row->len, SQLITE_STATIC);
    } else {
        sqlite3_bind_int64(statement, 2, now_s);
    }
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        status = fail(cache, rc, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static enum status count_bytes(struct store_cache *cache, uint64_t *out_used, uint64_t *out_file,
                               struct error *err)
{
    int64_t n_pages = 0, n_free = 0, page_bytes = 0;
    enum status status = get_int(cache, "PRAGMA page_count", &n_pages, err);
    if (!status)
        status = get_int(cache, "PRAGMA freelist_count", &n_free, err);
    if (!status)
        status = get_int(cache, "PRAGMA page_size", &page_bytes, err);
    if (status)
        return status;
    *out_used = (uint64_t)((n_pages - n_free) * page_bytes);
    *out_file = (uint64_t)(n_pages * page_bytes);
    return STATUS_OK;
}

/* A file that was made for a larger bound does not shrink by itself: it begins anew. */
static enum status evict(struct store_cache *cache, uint64_t max_bytes, struct error *err)
{
    uint64_t used = 0, file = 0;
    enum status status = count_bytes(cache, &used, &file, err);
    if (status)
        return status;
    cache->is_damaged = file / 2 > max_bytes;
    if (cache->is_damaged || used <= max_bytes)
        return STATUS_OK;
    for (int i = 0; i < EVICT_TRIES_MAX && !status && used > max_bytes - max_bytes / 8; i++) {
        sqlite3_stmt *statement = NULL;
        size_t n = 0;
        status = prepare(cache, CACHE_EVICT, &statement, err);
        int rc = SQLITE_DONE;
        while (!status && (rc = sqlite3_step(statement)) == SQLITE_ROW)
            n++;
        if (!status && rc != SQLITE_DONE)
            status = fail(cache, rc, err);
        sqlite3_reset(statement);
        if (!status)
            status = count_bytes(cache, &used, &file, err);
        if (n == 0)
            break;
    }
    return status;
}

static enum status put_all(struct store_cache *cache, const struct store_cache_row *rows,
                           size_t n_rows, int64_t now_s, uint64_t max_bytes, struct error *err)
{
    enum status status = open_to_write(cache, err);
    if (!status)
        status = run(cache, "BEGIN IMMEDIATE", err);
    for (size_t i = 0; i < n_rows && !status; i++)
        if (rows[i].len <= BLOB_BYTES_MAX)
            status = put_row(cache, &rows[i], now_s, err);
    if (!status)
        status = evict(cache, max_bytes, err);
    if (!status)
        status = run(cache, "COMMIT", err);
    if (!status && cache->is_damaged)
        return store_cache_remove(cache, err);
    if (status && cache->db && !sqlite3_get_autocommit(cache->db) &&
        sqlite3_exec(cache->db, "ROLLBACK", NULL, NULL, NULL))
        store_cache_disconnect(cache);
    return status;
}

enum status store_cache_put(struct store_cache *cache, const struct store_cache_row *rows,
                            size_t n_rows, int64_t now_s, uint64_t max_bytes, struct error *err)
{
    enum status status = put_all(cache, rows, n_rows, now_s, max_bytes, err);
    if (status == STATUS_DAMAGED)
        status = put_all(cache, rows, n_rows, now_s, max_bytes, err);
    return status;
}

enum status store_cache_count(struct store_cache *cache, struct store_cache_counts *out,
                              struct error *err)
{
    struct store_cache_counts counts = {0};
    struct error none;
    struct file_info info;
    sqlite3_stmt *statement = NULL;
    enum status status = open_to_read(cache, &none);
    if (!status && file_stat(cache->path, FILE_NO_FOLLOW, &info, NULL) == STATUS_OK)
        counts.file_bytes = info.size_bytes;
    if (!status)
        status = prepare(cache, CACHE_COUNT, &statement, &none);
    int rc = SQLITE_DONE;
    while (!status && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t kind = sqlite3_column_int64(statement, 0);
        if (kind < 0 || kind >= STORE_CACHE_KINDS)
            continue;
        counts.n[kind] = (size_t)sqlite3_column_int64(statement, 1);
        counts.bytes[kind] = (uint64_t)sqlite3_column_int64(statement, 2);
    }
    if (!status && rc != SQLITE_DONE)
        status = fail(cache, rc, &none);
    sqlite3_reset(statement);
    if (status && status != STATUS_NOT_FOUND) {
        if (err)
            *err = none;
        return status;
    }
    *out = counts;
    return STATUS_OK;
}
