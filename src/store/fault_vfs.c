/* A VFS for FAULT=1 builds that asks base/fault.h before each step of the real one: "sqlite.open",
 * "sqlite.read", "sqlite.write", "sqlite.full", "sqlite.sync", "sqlite.truncate", "sqlite.lock".
 * A write goes out in two halves with the question between them, so that a failed or killed one is
 * torn. Memory mapping is off here, so that every read is seen. */
#ifdef RAGGED_FAULT

#include <pthread.h>
#include <string.h>

#include "base/fault.h"
#include "store/store_internal.h"

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* directly behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read_at(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    if (fault_hit("sqlite.read"))
        return SQLITE_IOERR_READ;
    return real_of(file)->pMethods->xRead(real_of(file), out, n, offset);
}

static int file_write_at(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    int half = n / 2;
    int rc = half ? real->pMethods->xWrite(real, bytes, half, offset) : SQLITE_OK;
    if (rc)
        return rc;
    if (fault_hit("sqlite.write"))
        return SQLITE_IOERR_WRITE;
    if (fault_hit("sqlite.full"))
        return SQLITE_FULL;
    return real->pMethods->xWrite(real, (const char *)bytes + half, n - half, offset + half);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (fault_hit("sqlite.truncate"))
        return SQLITE_IOERR_TRUNCATE;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    if (fault_hit("sqlite.sync"))
        return SQLITE_IOERR_FSYNC;
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), out);
}

static int file_lock(sqlite3_file *file, int level)
{
    if (fault_hit("sqlite.lock"))
        return SQLITE_IOERR_LOCK;
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) && fault_hit("sqlite.lock"))
        return SQLITE_IOERR_SHMLOCK;
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shm_unmap(sqlite3_file *file, int is_delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), is_delete);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2, /* 3 would be memory mapping */
    .xClose = file_close,
    .xRead = file_read_at,
    .xWrite = file_write_at,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static sqlite3_vfs fault_vfs;
static sqlite3_vfs *real_vfs;

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    (void)vfs;
    struct fault_file *fault = (struct fault_file *)(void *)file;
    memset(file, 0, (size_t)fault_vfs.szOsFile);
    if (fault_hit("sqlite.open"))
        return SQLITE_CANTOPEN;
    fault->real = (sqlite3_file *)(void *)(fault + 1);
    int rc = real_vfs->xOpen(real_vfs, name, fault->real, flags, out_flags);
    if (rc == SQLITE_OK)
        file->pMethods = &file_methods;
    return rc;
}

static void register_vfs(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (!real_vfs)
        return;
    fault_vfs = *real_vfs;
    fault_vfs.zName = "ragged-fault";
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.pNext = NULL;
    fault_vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&fault_vfs, 0);
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
