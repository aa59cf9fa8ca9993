#include "store/store.h"

#include <assert.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/trace.h"
#include "store/statement.h"

#define LOCK_TIMEOUT_MS 10000

enum status store_open(const char *folder, enum store_open_mode mode, struct store **out,
                       struct error *err)
{
    enum status status = store_check_sqlite(&(const char *){NULL}, err);
    if (status)
        return status;
    struct store *store = mem_zalloc(1, sizeof *store);
    if (!store)
        return error_nomem(err);
    store->mode = mode;
    store->lock = FILE_LOCK_NONE;
    store->writer.fd = -1;
    store->folder = mem_text(folder);
    store->path = path_join(folder, "ragged.db");
    store->wal_path = path_join(folder, "ragged.db-wal");
    store->lock_path = path_join(folder, "write.lock");
    if (!store->folder || !store->path || !store->wal_path || !store->lock_path)
        status = error_nomem(err);
    if (!status)
        status = connection_open(store, err);
    if (status) {
        store_close(store);
        return status;
    }
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_write_rollback(store);
    store_read_end(store);
    connection_close(store);
    vector_map_clear(&store->map);
    mem_free(store->folder);
    mem_free(store->path);
    mem_free(store->wal_path);
    mem_free(store->lock_path);
    mem_free(store);
}

static enum status run(struct store *store, enum sql sql, struct error *err)
{
    struct statement statement = {0};
    enum status status = statement_get(store, sql, &statement, err);
    return status ? status : statement_run(&statement, NULL, err);
}

/* Ends whatever transaction is open; a connection that saw the disk fail ends with it. */
static void end_transaction(struct store *store)
{
    store->is_writing = store->is_reading = store->is_failed = false;
    vector_file_forget(store);
    if (store->db && !sqlite3_get_autocommit(store->db) &&
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL))
        store->is_broken = true;
    if (store->is_broken)
        connection_close(store);
    file_lock_release(&store->lock);
}

enum status store_write_begin(struct store *store, struct error *err)
{
    assert(store->mode == STORE_OPEN_WRITE && !store->is_writing && !store->is_reading);
    enum status status = connection_ready(store, err);
    if (!status)
        status = file_lock_acquire(store->lock_path, LOCK_TIMEOUT_MS, &store->lock, err);
    if (status)
        return status;
    store->is_writing = true;
    status = run(store, SQL_BEGIN_WRITE, err);
    if (!status)
        status = library_load(store, err);
    if (status) {
        end_transaction(store);
        return status;
    }
    store->n_changes_at_begin = sqlite3_total_changes64(store->db);
    store->vector_file_at_begin = store->library.vector_file;
    store->note = (struct audit_note){0};
    return STATUS_OK;
}

static enum status commit(struct store *store, struct error *err)
{
    if (store->is_failed)
        return error_set(err, STATUS_INVALID, "nothing was saved in \"%s\": a change before failed",
                         store->path);
    enum status status = STATUS_OK;
    bool has_changed = sqlite3_total_changes64(store->db) != store->n_changes_at_begin ||
                       store->library.vector_file != store->vector_file_at_begin;
    if (has_changed) {
        store->library.generation++;
        status = vector_file_sync(store, err);
        if (!status)
            status = library_save(store, err);
        if (!status)
            status = library_stamp(store, err);
    }
    if (!status && (has_changed || store->note.is_wanted))
        status = audit_write(store, has_changed, err);
    if (!status && fault_hit("store.commit"))
        status = store_fail(store, SQLITE_IOERR, err);
    if (!status)
        status = run(store, SQL_COMMIT, err);
    return status;
}

/* The file before this one. Where that fails, or the process is killed before it, the next commit
 * does it. */
static void remove_old_vectors(const struct store *store)
{
    char *path = vector_file_path(store, store->library.vector_file - 1);
    enum status status = path ? file_remove(path, NULL) : STATUS_NOMEM;
    (void)status;
    mem_free(path);
}

enum status store_write_commit(struct store *store, struct error *err)
{
    TRACE(TRACE_STAGE_COMMIT);
    assert(store->is_writing);
    enum status status = commit(store, err);
    end_transaction(store);
    if (status)
        return status;
    (void)fault_hit("store.committed");
    remove_old_vectors(store);
    return STATUS_OK;
}

void store_write_rollback(struct store *store)
{
    if (store->is_writing)
        end_transaction(store);
}

enum status store_read_begin(struct store *store, struct error *err)
{
    assert(!store->is_writing && !store->is_reading);
    enum status status = run(store, SQL_BEGIN_READ, err);
    if (status)
        return status;
    store->is_reading = true;
    store->n_snapshots++;
    /* The snapshot is taken by the first read, not by BEGIN. */
    status = library_load(store, err);
    if (status)
        end_transaction(store);
    return status;
}

void store_read_end(struct store *store)
{
    if (store->is_reading)
        end_transaction(store);
}

enum status store_generation(struct store *store, int64_t *out, struct error *err)
{
    struct library library;
    enum status status = library_get(store, &library, err);
    if (!status)
        *out = library.generation;
    return status;
}

static enum status checkpoint_locked(struct store *store, struct error *err)
{
    /* Waiting for readers would hold write.lock: what they still need stays in the log. */
    sqlite3_busy_timeout(store->db, 0);
    int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(store->db, LOCK_TIMEOUT_MS);
    if (rc == SQLITE_OK || (rc & 0xFF) == SQLITE_BUSY)
        return STATUS_OK;
    store->is_writing = true;
    return store_fail(store, rc, err);
}

enum status store_checkpoint(struct store *store, uint64_t longer_than_bytes, struct error *err)
{
    assert(store->mode == STORE_OPEN_WRITE && !store->is_writing && !store->is_reading);
    struct file_info info = {0};
    enum status status = file_stat(store->wal_path, FILE_FOLLOW, &info, err);
    if (status && status != STATUS_NOT_FOUND)
        return status;
    if (longer_than_bytes > 0 && info.size_bytes <= longer_than_bytes)
        return STATUS_OK;
    TRACE(TRACE_STAGE_CHECKPOINT);
    status = connection_ready(store, err);
    if (!status)
        status = file_lock_acquire(store->lock_path, LOCK_TIMEOUT_MS, &store->lock, err);
    if (!status)
        status = checkpoint_locked(store, err);
    end_transaction(store);
    return status;
}
