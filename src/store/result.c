/* The one place where SQLite's result codes become statuses and sentences. */
#include <errno.h>
#include <string.h>

#include "store/store_internal.h"

enum result_effect { EFFECT_NONE, EFFECT_BROKEN };

struct result {
    int code; /* primary */
    enum status status;
    enum result_effect effect;
    const char *what; /* NULL: SQLite's own words */
    const char *hint; /* "" : none */
};

static const struct result results[] = {
    {SQLITE_FULL, STATUS_IO, EFFECT_BROKEN, "disk full",
     "free some space and run it again; everything saved before is still there"},
    {SQLITE_BUSY, STATUS_BUSY, EFFECT_NONE, "another process is using it", "try again in a moment"},
    {SQLITE_LOCKED, STATUS_BUSY, EFFECT_NONE, "another process is using it",
     "try again in a moment"},
    {SQLITE_CORRUPT, STATUS_DAMAGED, EFFECT_BROKEN, "the database is damaged",
     "\"ragged check\" says more; a new library can be built from the documents"},
    {SQLITE_NOTADB, STATUS_DAMAGED, EFFECT_BROKEN, "it is not a database, or it is damaged",
     "choose another data folder, or move that file away"},
    {SQLITE_ERROR, STATUS_DAMAGED, EFFECT_NONE, NULL,
     "\"ragged check\" says more; a new library can be built from the documents"},
    {SQLITE_CONSTRAINT, STATUS_DAMAGED, EFFECT_NONE, NULL,
     "\"ragged check\" says more; a new library can be built from the documents"},
    {SQLITE_MISMATCH, STATUS_DAMAGED, EFFECT_NONE, "the database is damaged",
     "\"ragged check\" says more; a new library can be built from the documents"},
    {SQLITE_NOMEM, STATUS_NOMEM, EFFECT_NONE, "out of memory", ""},
    {SQLITE_IOERR, STATUS_IO, EFFECT_BROKEN, "the disk reports an error",
     "check the disk; everything saved before is still there"},
    {SQLITE_READONLY, STATUS_IO, EFFECT_NONE, "it is read-only",
     "check the rights of the data folder, or choose another one"},
    {SQLITE_PERM, STATUS_IO, EFFECT_NONE, "permission denied",
     "check the rights of the data folder, or choose another one"},
    {SQLITE_CANTOPEN, STATUS_IO, EFFECT_BROKEN, "it can't be opened",
     "check the rights of the data folder, or choose another one"},
    {SQLITE_INTERRUPT, STATUS_CANCELLED, EFFECT_NONE, "stopped", ""},
    {SQLITE_TOOBIG, STATUS_LIMIT, EFFECT_NONE, "a text is too large", ""},
    {SQLITE_PROTOCOL, STATUS_BUSY, EFFECT_NONE, "another process is using it",
     "try again in a moment"},
};
static const struct result result_other = {0, STATUS_IO, EFFECT_BROKEN, NULL, ""};

static const struct result *find_result(int code)
{
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i].code == code)
            return &results[i];
    return &result_other;
}

enum status result_status(int rc)
{
    return find_result(rc & 0xFF)->status;
}

enum status store_fail(struct store *store, int rc, struct error *err)
{
    int code = rc & 0xFF;
    int errnum = code == SQLITE_IOERR && store->db ? sqlite3_system_errno(store->db) : 0;
    if (errnum == ENOSPC || errnum == EDQUOT)
        code = SQLITE_FULL;
    /* Heap exhaustion inside the VFS comes as an I/O error. */
    if (rc == SQLITE_IOERR_NOMEM)
        code = SQLITE_NOMEM;
    const struct result *result = find_result(code);
    if (result->effect == EFFECT_BROKEN)
        store->is_broken = true;
    if (store->is_writing)
        store->is_failed = true;
    const char *verb = store->is_writing ? "write to" : "use", *what = result->what;
    if (!what)
        what = store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc);
    error_set(err, result->status, "could not %s \"%s\": %s", verb, store->path, what);
    if (result->hint[0])
        error_hint(err, "%s", result->hint);
    return result->status;
}

enum status store_fail_change(struct store *store, enum status status)
{
    store->is_failed = true;
    return status;
}
