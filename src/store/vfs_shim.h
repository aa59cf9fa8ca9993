/* store/vfs_shim.h - what every file system has that is put over another one of SQLite: a file that
 * has the real one behind it, and methods that pass everything on. Private to store/. A shim copies
 * vfs_shim_methods and replaces what it has to say something about. Threads: as SQLite's. */
#ifndef RAGGED_STORE_VFS_SHIM_H
#define RAGGED_STORE_VFS_SHIM_H

#include <sqlite3.h>
#include <stdbool.h>

struct vfs_shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* directly behind this struct */
    enum vfs_shim_sums {
        VFS_SHIM_SUMS_UNKNOWN,
        VFS_SHIM_SUMS_NONE,
        VFS_SHIM_SUMS_THERE
    } sums; /* page_vfs.c */
};

/* No memory mapping: every read is seen. */
extern const sqlite3_io_methods vfs_shim_methods;

static inline struct vfs_shim_file *vfs_shim_of(sqlite3_file *file)
{
    return (struct vfs_shim_file *)(void *)file;
}

static inline sqlite3_file *vfs_shim_real(sqlite3_file *file)
{
    return vfs_shim_of(file)->real;
}

/* Opens the real file behind `file` and gives it `methods`. */
int vfs_shim_open(sqlite3_vfs *real_vfs, const char *name, sqlite3_file *file, int flags,
                  int *out_flags, const sqlite3_io_methods *methods);
/* Fills *vfs with a shim named `name` over real_vfs and registers it, not as the default. */
void vfs_shim_register(sqlite3_vfs *vfs, sqlite3_vfs *real_vfs, const char *name,
                       int (*open)(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
                                   int flags, int *out_flags));

#endif
