/* A file system under SQLite that knows when a page of the database is not what was written: the
 * last eight bytes of each, which SQLite leaves to us, are a checksum of the others and of the
 * place. It is made on the way to the disk and compared on the way back; a page that differs is
 * SQLITE_CORRUPT, before anybody believes it. The log has checksums of SQLite's own.
 *
 * Byte 20 of the header says how many bytes SQLite leaves: a database made before this was written
 * has none, and is read as it is. Writers come to page 1 first, so that they always know. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "store/store_internal.h"
#include "store/vfs_shim.h"

#define SUM_BYTES PAGE_VFS_RESERVED_BYTES
#define HEADER_BYTES 100
#define HEADER_MAGIC "SQLite format 3" /* and its zero */
#define HEADER_RESERVED 20             /* where it is */
#define PAGE_BYTES_MIN 512
#define SPREAD UINT64_C(0x9E3779B97F4A7C15) /* so that neighbouring places differ in all bits */

static bool is_page(int n, sqlite3_int64 offset)
{
    return n >= PAGE_BYTES_MIN && (n & (n - 1)) == 0 && offset % n == 0;
}

static bool is_header(const unsigned char *bytes)
{
    return memcmp(bytes, HEADER_MAGIC, sizeof HEADER_MAGIC) == 0;
}

static uint64_t sum_of(const void *page, int n, sqlite3_int64 offset)
{
    return hash64_of(page, (size_t)(n - SUM_BYTES)) ^ ((uint64_t)offset + 1) * SPREAD;
}

/* A free page need not be written for the file to grow past it. SQLite refuses zeros where it looks
 * for a page of a tree. */
static bool is_never_written(const unsigned char *page, int n)
{
    return page[0] == 0 && memcmp(page, page + 1, (size_t)n - 1) == 0;
}

static bool is_sum_right(const unsigned char *page, int n, sqlite3_int64 offset)
{
    uint64_t stored;
    memcpy(&stored, page + n - SUM_BYTES, sizeof stored);
    return stored == sum_of(page, n, offset) || is_never_written(page, n);
}

static enum vfs_shim_sums sums_of(const unsigned char *header)
{
    return header[HEADER_RESERVED] == SUM_BYTES ? VFS_SHIM_SUMS_THERE : VFS_SHIM_SUMS_NONE;
}

/* Of a page that is not the first: what the header on the disk says. A header that was torn says
 * nothing, and is not remembered. */
static bool has_sums(sqlite3_file *file)
{
    struct vfs_shim_file *shim = vfs_shim_of(file);
    unsigned char header[HEADER_BYTES];
    if (shim->sums == VFS_SHIM_SUMS_UNKNOWN &&
        shim->real->pMethods->xRead(shim->real, header, HEADER_BYTES, 0) == SQLITE_OK &&
        is_header(header))
        shim->sums = sums_of(header);
    return shim->sums == VFS_SHIM_SUMS_THERE;
}

/* The byte that says whether there is a sum is under it: one that was lost is found by putting it
 * back. */
static bool is_first_page_right(sqlite3_file *file, unsigned char *page, int n)
{
    if (!is_header(page))
        return true; /* SQLite says so itself */
    if (page[HEADER_RESERVED] == SUM_BYTES) {
        vfs_shim_of(file)->sums = VFS_SHIM_SUMS_THERE;
        return is_sum_right(page, n, 0);
    }
    unsigned char found = page[HEADER_RESERVED];
    page[HEADER_RESERVED] = SUM_BYTES;
    bool is_lost = is_sum_right(page, n, 0);
    page[HEADER_RESERVED] = found;
    return !is_lost;
}

static int read_page(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    int rc = vfs_shim_methods.xRead(file, out, n, offset);
    /* What is behind the end is zero, for SQLite too. */
    if ((rc && rc != SQLITE_IOERR_SHORT_READ) || !is_page(n, offset))
        return rc;
    bool is_right = offset == 0      ? is_first_page_right(file, out, n)
                    : has_sums(file) ? is_sum_right(out, n, offset)
                                     : true;
    return is_right ? rc : SQLITE_CORRUPT;
}

static int write_page(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    struct vfs_shim_file *shim = vfs_shim_of(file);
    const unsigned char *page = bytes;
    if (is_page(n, offset) && offset == 0 && is_header(page))
        shim->sums = sums_of(page);
    if (is_page(n, offset) && has_sums(file)) {
        /* The bytes are ours to set: SQLite keeps them free for this, in memory that can change. */
        uint64_t sum = sum_of(page, n, offset);
        memcpy((unsigned char *)(uintptr_t)page + n - SUM_BYTES, &sum, sizeof sum);
    }
    return vfs_shim_methods.xWrite(file, bytes, n, offset);
}

static sqlite3_io_methods page_methods;
static sqlite3_vfs page_vfs;
static sqlite3_vfs *real_vfs;

static int page_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags)
{
    (void)vfs;
    bool is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    return vfs_shim_open(real_vfs, name, file, flags, out_flags,
                         is_database ? &page_methods : &vfs_shim_methods);
}

static void register_vfs(void)
{
#ifdef RAGGED_FAULT
    real_vfs = sqlite3_vfs_find(fault_vfs_name());
#else
    real_vfs = sqlite3_vfs_find(NULL);
#endif
    if (!real_vfs)
        return;
    page_methods = vfs_shim_methods;
    page_methods.xRead = read_page;
    page_methods.xWrite = write_page;
    vfs_shim_register(&page_vfs, real_vfs, "ragged-page", page_open);
}

const char *page_vfs_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_vfs);
    return page_vfs.zName;
}
