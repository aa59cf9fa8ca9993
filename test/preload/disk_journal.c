/* Preloaded into ragged: everything that it and its libraries do to the disk below one folder goes
 * into a journal, in the order in which it happened, together with what it says on stdout and
 * stderr. test/cli/disk.py makes out of it what a power cut could have left.
 *
 *     DISK_JOURNAL=FILE          the journal; records are appended
 *     DISK_JOURNAL_BELOW=FOLDER  absolute; what lies elsewhere is not of interest
 *     DISK_JOURNAL_DEAF=TEXT     syncs of paths that end in TEXT are not heard: a disk that lies
 *
 * A record: struct record, the path, the bytes. One lock is held around each operation and its
 * record, so that what stands before a sync was really there when it began. SQLite's "-shm" is
 * shared memory and not for the disk. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    KIND_CREATE = 1,
    KIND_MKDIR,
    KIND_WRITE,
    KIND_TRUNCATE, /* offset: the new size */
    KIND_PUNCH,    /* bytes: the length as uint64 */
    KIND_SYNC,
    KIND_RENAME, /* bytes: the new path */
    KIND_UNLINK,
    KIND_LINK, /* bytes: the new path */
    KIND_SAID,
};

struct record {
    uint32_t kind, n_path;
    uint64_t inode, offset, n_bytes;
};

#define FDS_MAX 1024
#define PATH_BYTES_MAX 512

static struct {
    pthread_mutex_t mutex;
    int fd; /* -1: nothing is recorded */
    const char *below, *deaf;
    struct {
        uint64_t inode; /* 0: not of interest */
        char path[PATH_BYTES_MAX];
    } fds[FDS_MAX];
} journal = {.mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static size_t (*real_fwrite)(const void *, size_t, size_t, FILE *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("DISK_JOURNAL");
    journal.below = getenv("DISK_JOURNAL_BELOW");
    journal.deaf = getenv("DISK_JOURNAL_DEAF");
    void *symbol = dlsym(RTLD_NEXT, "fwrite");
    memcpy(&real_fwrite, &symbol, sizeof symbol);
    if (path && journal.below)
        journal.fd = (int)syscall(SYS_openat, AT_FDCWD, path,
                                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n >= n_end && strcmp(text + n - n_end, end) == 0;
}

static bool is_of_interest(const char *path)
{
    return journal.fd >= 0 && path && strlen(path) < PATH_BYTES_MAX && !ends_with(path, "-shm") &&
           strncmp(path, journal.below, strlen(journal.below)) == 0;
}

static bool is_tracked(int fd)
{
    return journal.fd >= 0 && fd >= 0 && fd < FDS_MAX && journal.fds[fd].inode != 0;
}

/* A journal that is not whole is worse than none. */
static void record(enum kind kind, const char *path, uint64_t inode, uint64_t offset,
                   const void *bytes, size_t n_bytes)
{
    struct record r = {(uint32_t)kind, (uint32_t)strlen(path), inode, offset, n_bytes};
    struct iovec parts[] = {
        {&r, sizeof r}, {(void *)(uintptr_t)path, r.n_path}, {(void *)(uintptr_t)bytes, n_bytes}};
    ssize_t n = writev(journal.fd, parts, 3);
    if (n != (ssize_t)(sizeof r + r.n_path + n_bytes))
        abort();
}

static uint64_t inode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) ? 0 : st.st_ino;
}

static int open_recorded(const char *path, int flags, mode_t mode)
{
    if (!is_of_interest(path))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&journal.mutex);
    struct stat before;
    bool was_there = lstat(path, &before) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    struct stat st;
    if (fd >= 0 && fd < FDS_MAX && fstat(fd, &st) == 0) {
        if (!was_there)
            record(KIND_CREATE, path, st.st_ino, 0, "", 0);
        else if ((flags & O_TRUNC) && before.st_size > 0)
            record(KIND_TRUNCATE, path, st.st_ino, 0, "", 0);
        journal.fds[fd].inode = st.st_ino;
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/')
            len--;
        snprintf(journal.fds[fd].path, PATH_BYTES_MAX, "%.*s", (int)len, path);
    }
    int errnum = errno;
    pthread_mutex_unlock(&journal.mutex);
    errno = errnum;
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open_recorded(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));
int __open_2(const char *path, int flags)
{
    return open_recorded(path, flags, 0);
}

int close(int fd)
{
    pthread_mutex_lock(&journal.mutex);
    if (is_tracked(fd))
        journal.fds[fd].inode = 0;
    pthread_mutex_unlock(&journal.mutex);
    return (int)syscall(SYS_close, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    pthread_mutex_lock(&journal.mutex);
    ssize_t n = syscall(SYS_pwrite64, fd, bytes, len, offset);
    if (n > 0 && is_tracked(fd))
        record(KIND_WRITE, journal.fds[fd].path, journal.fds[fd].inode, (uint64_t)offset, bytes,
               (size_t)n);
    pthread_mutex_unlock(&journal.mutex);
    return n;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
    __attribute__((alias("pwrite")));

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (!is_tracked(fd))
        return syscall(SYS_write, fd, bytes, len);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t n = pwrite(fd, bytes, len, at);
    if (n > 0)
        lseek(fd, at + n, SEEK_SET);
    return n;
}

int ftruncate(int fd, off_t size)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(SYS_ftruncate, fd, size);
    if (rc == 0 && is_tracked(fd))
        record(KIND_TRUNCATE, journal.fds[fd].path, journal.fds[fd].inode, (uint64_t)size, "", 0);
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(SYS_fallocate, fd, mode, offset, len);
    uint64_t n = (uint64_t)len;
    if (rc == 0 && is_tracked(fd))
        record(KIND_PUNCH, journal.fds[fd].path, journal.fds[fd].inode, (uint64_t)offset, &n,
               sizeof n);
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

int fallocate64(int fd, int mode, off_t offset, off_t len) __attribute__((alias("fallocate")));

static int sync_recorded(long call, int fd)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(call, fd);
    if (rc == 0 && is_tracked(fd) &&
        !(journal.deaf && ends_with(journal.fds[fd].path, journal.deaf)))
        record(KIND_SYNC, journal.fds[fd].path, journal.fds[fd].inode, 0, "", 0);
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

int fsync(int fd)
{
    return sync_recorded(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_recorded(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0 && is_of_interest(from))
        record(KIND_RENAME, from, inode_of(to), 0, to, strlen(to));
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

int link(const char *from, const char *to)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (rc == 0 && is_of_interest(from))
        record(KIND_LINK, from, inode_of(to), 0, to, strlen(to));
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

static int unlink_recorded(const char *path, int flags)
{
    pthread_mutex_lock(&journal.mutex);
    uint64_t inode = inode_of(path);
    int rc = (int)syscall(SYS_unlinkat, AT_FDCWD, path, flags);
    if (rc == 0 && is_of_interest(path))
        record(KIND_UNLINK, path, inode, 0, "", 0);
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

int unlink(const char *path)
{
    return unlink_recorded(path, 0);
}

int rmdir(const char *path)
{
    return unlink_recorded(path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    int rc = unlink_recorded(path, 0);
    return rc && (errno == EISDIR || errno == EPERM) ? unlink_recorded(path, AT_REMOVEDIR) : rc;
}

int mkdir(const char *path, mode_t mode)
{
    pthread_mutex_lock(&journal.mutex);
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (rc == 0 && is_of_interest(path))
        record(KIND_MKDIR, path, inode_of(path), 0, "", 0);
    pthread_mutex_unlock(&journal.mutex);
    return rc;
}

/* Recorded before it is said: then it counts as promised, if anything, too early. */
size_t fwrite(const void *bytes, size_t size, size_t n, FILE *file)
{
    if (journal.fd >= 0 && (file == stdout || file == stderr)) {
        pthread_mutex_lock(&journal.mutex);
        record(KIND_SAID, "", 0, 0, bytes, size * n);
        pthread_mutex_unlock(&journal.mutex);
    }
    return real_fwrite(bytes, size, n, file);
}
