#include "store/vfs_shim.h"

#include <string.h>

#define METHODS_WITHOUT_MAPPING 2

static int shim_close(sqlite3_file *file)
{
    return vfs_shim_real(file)->pMethods->xClose(vfs_shim_real(file));
}

static int shim_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    return vfs_shim_real(file)->pMethods->xRead(vfs_shim_real(file), out, n, offset);
}

static int shim_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    return vfs_shim_real(file)->pMethods->xWrite(vfs_shim_real(file), bytes, n, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return vfs_shim_real(file)->pMethods->xTruncate(vfs_shim_real(file), size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    return vfs_shim_real(file)->pMethods->xSync(vfs_shim_real(file), flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *out)
{
    return vfs_shim_real(file)->pMethods->xFileSize(vfs_shim_real(file), out);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return vfs_shim_real(file)->pMethods->xLock(vfs_shim_real(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return vfs_shim_real(file)->pMethods->xUnlock(vfs_shim_real(file), level);
}

static int shim_check_lock(sqlite3_file *file, int *out)
{
    return vfs_shim_real(file)->pMethods->xCheckReservedLock(vfs_shim_real(file), out);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
    return vfs_shim_real(file)->pMethods->xFileControl(vfs_shim_real(file), op, arg);
}

static int shim_sector_size(sqlite3_file *file)
{
    return vfs_shim_real(file)->pMethods->xSectorSize(vfs_shim_real(file));
}

/* A part of a page has no checksum: newer versions of SQLite ask whether one may be read alone. */
static int shim_device(sqlite3_file *file)
{
    enum { IOCAP_SUBPAGE_READ = 0x8000 };
    return vfs_shim_real(file)->pMethods->xDeviceCharacteristics(vfs_shim_real(file)) &
           ~IOCAP_SUBPAGE_READ;
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return vfs_shim_real(file)->pMethods->xShmMap(vfs_shim_real(file), page, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return vfs_shim_real(file)->pMethods->xShmLock(vfs_shim_real(file), offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    vfs_shim_real(file)->pMethods->xShmBarrier(vfs_shim_real(file));
}

static int shm_unmap(sqlite3_file *file, int is_delete)
{
    return vfs_shim_real(file)->pMethods->xShmUnmap(vfs_shim_real(file), is_delete);
}

const sqlite3_io_methods vfs_shim_methods = {
    .iVersion = METHODS_WITHOUT_MAPPING,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

int vfs_shim_open(sqlite3_vfs *real_vfs, const char *name, sqlite3_file *file, int flags,
                  int *out_flags, const sqlite3_io_methods *methods)
{
    struct vfs_shim_file *shim = vfs_shim_of(file);
    memset(shim, 0, sizeof *shim + (size_t)real_vfs->szOsFile);
    shim->real = (sqlite3_file *)(void *)(shim + 1);
    int rc = real_vfs->xOpen(real_vfs, name, shim->real, flags, out_flags);
    if (shim->real->pMethods)
        file->pMethods = methods;
    return rc;
}

void vfs_shim_register(sqlite3_vfs *vfs, sqlite3_vfs *real_vfs, const char *name,
                       int (*open)(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                                   int flags, int *out_flags))
{
    *vfs = *real_vfs;
    vfs->zName = name;
    vfs->szOsFile = (int)sizeof(struct vfs_shim_file) + real_vfs->szOsFile;
    vfs->pNext = NULL;
    vfs->xOpen = open;
    sqlite3_vfs_register(vfs, 0);
}
