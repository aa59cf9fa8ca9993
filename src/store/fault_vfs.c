/* A VFS for FAULT=1 builds that asks base/fault.h before each step of the real one: "sqlite.open",
 * "sqlite.read", "sqlite.write", "sqlite.full", "sqlite.sync", "sqlite.truncate", "sqlite.lock".
 * A write goes out in two halves with the question between them, so that a failed or killed one is
 * torn. */
#ifdef RAGGED_FAULT

#include <pthread.h>

#include "base/fault.h"
#include "store/store_internal.h"
#include "store/vfs_shim.h"

static int faulty_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    if (fault_hit("sqlite.read"))
        return SQLITE_IOERR_READ;
    return vfs_shim_methods.xRead(file, out, n, offset);
}

static int faulty_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    int half = n / 2;
    int rc = half ? vfs_shim_methods.xWrite(file, bytes, half, offset) : SQLITE_OK;
    if (rc)
        return rc;
    if (fault_hit("sqlite.write"))
        return SQLITE_IOERR_WRITE;
    if (fault_hit("sqlite.full"))
        return SQLITE_FULL;
    return vfs_shim_methods.xWrite(file, (const char *)bytes + half, n - half, offset + half);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fault_hit("sqlite.truncate"))
        return SQLITE_IOERR_TRUNCATE;
    return vfs_shim_methods.xTruncate(file, size);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    if (fault_hit("sqlite.sync"))
        return SQLITE_IOERR_FSYNC;
    return vfs_shim_methods.xSync(file, flags);
}

static int faulty_lock(sqlite3_file *file, int level)
{
    if (fault_hit("sqlite.lock"))
        return SQLITE_IOERR_LOCK;
    return vfs_shim_methods.xLock(file, level);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) && fault_hit("sqlite.lock"))
        return SQLITE_IOERR_SHMLOCK;
    return vfs_shim_methods.xShmLock(file, offset, n, flags);
}

static sqlite3_io_methods fault_methods;
static sqlite3_vfs fault_vfs;
static sqlite3_vfs *real_vfs;

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *out_flags)
{
    (void)vfs;
    file->pMethods = NULL;
    if (fault_hit("sqlite.open"))
        return SQLITE_CANTOPEN;
    return vfs_shim_open(real_vfs, name, file, flags, out_flags, &fault_methods);
}

static void register_vfs(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (!real_vfs)
        return;
    fault_methods = vfs_shim_methods;
    fault_methods.xRead = faulty_read;
    fault_methods.xWrite = faulty_write;
    fault_methods.xTruncate = faulty_truncate;
    fault_methods.xSync = faulty_sync;
    fault_methods.xLock = faulty_lock;
    fault_methods.xShmLock = faulty_shm_lock;
    vfs_shim_register(&fault_vfs, real_vfs, "ragged-fault", fault_open);
}

const char *fault_vfs_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_vfs);
    return fault_vfs.zName;
}

#else
typedef int fault_vfs_not_built; /* a translation unit may not be empty */
#endif
