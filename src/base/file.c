#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/draft.h"
#include "base/fault.h"
#include "base/mem.h"

/* A fault of this seam looks like the disk's: EIO, or ENOSPC where bytes are written. */
static bool fails(const char *site, int errnum)
{
    int found = fault_errno(site, errnum);
    if (found)
        errno = found;
    return found != 0;
}

static void fill_info(const struct stat *st, struct file_info *out)
{
    *out = (struct file_info){
        .is_regular = S_ISREG(st->st_mode),
        .is_folder = S_ISDIR(st->st_mode),
        .is_link = S_ISLNK(st->st_mode),
        .size_bytes = (uint64_t)st->st_size,
        .inode = st->st_ino,
        .device = st->st_dev,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
    };
}

enum status file_stat(const char *path, enum file_follow follow, struct file_info *out,
                      struct error *err)
{
    struct stat st;
    int rc = fails("file.stat", EIO) ? -1
             : follow == FILE_FOLLOW ? stat(path, &st)
                                     : lstat(path, &st);
    if (rc)
        return error_errno(err, errno, "could not look at \"%s\"", path);
    fill_info(&st, out);
    return STATUS_OK;
}

enum status file_stat_fd(int fd, const char *name, struct file_info *out, struct error *err)
{
    struct stat st;
    if (fails("file.stat", EIO) || fstat(fd, &st))
        return error_errno(err, errno, "could not look at \"%s\"", name);
    fill_info(&st, out);
    return STATUS_OK;
}

enum status file_open(const char *path, enum file_follow follow, int *out_fd, struct error *err)
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (follow == FILE_NO_FOLLOW)
        flags |= O_NOFOLLOW;
    int fd = fails("file.open", EIO) ? -1 : open(path, flags);
    if (fd < 0)
        return error_errno(err, errno, "could not open \"%s\"", path);
    struct file_info info;
    enum status status = file_stat_fd(fd, path, &info, err);
    if (!status && !info.is_regular)
        status = error_set(err, STATUS_INVALID, "\"%s\" is not a regular file", path);
    if (status) {
        close(fd);
        return status;
    }
    *out_fd = fd;
    return STATUS_OK;
}

enum status file_read_fd(int fd, const char *name, size_t limit_bytes, struct buf *out,
                         struct error *err)
{
    char block[64 * 1024];
    size_t n_read = 0;
    for (;;) {
        ssize_t n =
            fails("file.read", EIO) ? -1 : read(fd, block, fault_short("file.read", sizeof block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not read \"%s\"", name);
        if (n == 0)
            break;
        n_read += (size_t)n;
        if (n_read > limit_bytes)
            return error_set(err, STATUS_LIMIT, "\"%s\" is larger than %zu bytes", name,
                             limit_bytes);
        buf_append(out, block, (size_t)n);
        enum status status = buf_status(out, err);
        if (status)
            return error_context(err, status, "could not read \"%s\"", name);
    }
    return STATUS_OK;
}

enum status file_read(const char *path, size_t limit_bytes, struct buf *out, struct error *err)
{
    int fd;
    enum status status = file_open(path, FILE_FOLLOW, &fd, err);
    if (status)
        return status;
    size_t len_before = out->len;
    status = file_read_fd(fd, path, limit_bytes, out, err);
    if (status)
        buf_truncate(out, len_before);
    close(fd);
    return status;
}

enum status file_read_at(int fd, const char *name, uint64_t offset, void *out, size_t len,
                         size_t *out_n, struct error *err)
{
    size_t n_read = 0;
    while (n_read < len) {
        ssize_t n = fails("file.read", EIO)
                        ? -1
                        : pread(fd, (char *)out + n_read, fault_short("file.read", len - n_read),
                                (off_t)(offset + n_read));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not read \"%s\"", name);
        if (n == 0)
            break;
        n_read += (size_t)n;
    }
    *out_n = n_read;
    return STATUS_OK;
}

enum status file_open_stream(const char *path, int *out_fd, struct error *err)
{
    int fd = fails("file.open", EIO) ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, errno, "could not open \"%s\"", path);
    *out_fd = fd;
    return STATUS_OK;
}

enum status file_read_some(int fd, const char *name, int timeout_ms, void *out, size_t len,
                           size_t *out_n, struct error *err)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int rc = poll(&ready, 1, timeout_ms);
    if (rc == 0 || (rc < 0 && errno == EINTR))
        return STATUS_BUSY;
    ssize_t n =
        rc < 0 || fails("file.read", EIO) ? -1 : read(fd, out, fault_short("file.read", len));
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return STATUS_BUSY;
    if (n < 0)
        return error_errno(err, errno, "could not read \"%s\"", name);
    *out_n = (size_t)n;
    return STATUS_OK;
}

enum status file_map_info(const char *path, struct span *out, struct file_info *out_info,
                          struct error *err)
{
    int fd;
    enum status status = file_open(path, FILE_FOLLOW, &fd, err);
    if (status)
        return status;
    struct file_info info;
    struct span map = {.bytes = "", .len = 0};
    status = file_stat_fd(fd, path, &info, err);
    if (!status && info.size_bytes > 0) {
        void *bytes = fails("file.map", ENOMEM)
                          ? MAP_FAILED
                          : mmap(NULL, info.size_bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED)
            status = error_errno(err, errno, "could not map \"%s\"", path);
        else
            map = (struct span){.bytes = bytes, .len = info.size_bytes};
    }
    close(fd);
    if (!status) {
        *out = map;
        *out_info = info;
    }
    return status;
}

enum status file_map(const char *path, struct span *out, struct error *err)
{
    struct file_info info;
    return file_map_info(path, out, &info, err);
}

void file_unmap(struct span *map)
{
    if (map->len)
        munmap((void *)(uintptr_t)map->bytes, map->len);
    *map = (struct span){0};
}

void file_map_advise(struct span part, enum file_advice advice)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)part.bytes;
    uintptr_t aligned = begin & ~(page - 1);
    static const int hints[] = {
        [FILE_ADVICE_RANDOM] = MADV_RANDOM,
        [FILE_ADVICE_SOON] = MADV_WILLNEED,
        [FILE_ADVICE_DONE] = MADV_DONTNEED,
    };
    (void)madvise((void *)aligned, part.len + (begin - aligned), hints[advice]);
}

void file_forget(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

enum status file_write_fd(int fd, const char *name, const void *bytes, size_t len,
                          struct error *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n =
            fails("file.write", ENOSPC) ? -1 : write(fd, at, fault_short("file.write", len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not write \"%s\"", name);
        at += n;
        len -= (size_t)n;
    }
    return STATUS_OK;
}

static enum status sync_folder_of(const char *path, struct error *err)
{
    const char *name = path_name(path);
    char *folder = name == path ? mem_text(".") : mem_text_n(path, (size_t)(name - path));
    if (!folder)
        return error_nomem(err);
    enum status status = STATUS_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fails("file.fsync", EIO) || fsync(fd))
        status = error_errno(err, errno, "could not sync folder \"%s\"", folder);
    if (fd >= 0)
        close(fd);
    mem_free(folder);
    return status;
}

enum status file_rename(const char *from, const char *to, struct error *err)
{
    if (fails("file.rename", EIO) || rename(from, to))
        return error_errno(err, errno, "could not rename \"%s\" to \"%s\"", from, to);
    return sync_folder_of(to, err);
}

enum status file_replace(const char *path, const void *bytes, size_t len, unsigned mode,
                         struct error *err)
{
    struct draft draft = {0};
    struct file_info info;
    enum status status = draft_open(&draft, path, mode, err);
    if (!status)
        status = draft_append(&draft, bytes, len, err);
    if (!status)
        status = draft_publish(&draft, &info, err);
    draft_discard(&draft);
    return status;
}

enum status file_remove(const char *path, struct error *err)
{
    if (fails("file.remove", EIO) || (unlink(path) && errno != ENOENT))
        return error_errno(err, errno, "could not remove \"%s\"", path);
    return STATUS_OK;
}

/* Its name is synced: what is put into a folder and promised would go with a name that was not. */
static enum status make_one(const char *path, struct error *err)
{
    struct stat st;
    if (!fails("file.mkdir", EACCES) && mkdir(path, 0700) == 0) {
        enum status status = sync_folder_of(path, err);
        if (status)
            rmdir(path); /* or the next one would take it for durable */
        return status;
    }
    if (errno == EEXIST) {
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return STATUS_OK;
        return error_set(err, STATUS_IO, "\"%s\" is there and is not a folder", path);
    }
    return error_errno(err, errno, "could not make folder \"%s\"", path);
}

enum status folder_make(const char *path, struct error *err)
{
    char *part = mem_text(path);
    if (!part)
        return error_nomem(err);
    enum status status = STATUS_OK;
    for (char *slash = strchr(part + 1, '/'); slash && !status; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        struct stat st;
        if (stat(part, &st) || !S_ISDIR(st.st_mode))
            status = make_one(part, err);
        *slash = '/';
    }
    if (!status)
        status = make_one(part, err);
    mem_free(part);
    return status;
}

const char *folder_of_temporary(void)
{
    const char *usual = getenv("TMPDIR");
    return usual && *usual ? usual : "/tmp";
}

enum status folder_make_temporary(const char *parent, const char *prefix, char **out,
                                  struct error *err)
{
    struct buf name = {0};
    if (!parent)
        parent = folder_of_temporary();
    buf_printf(&name, "%sXXXXXX", prefix);
    enum status status = buf_status(&name, err);
    char *path = status ? NULL : path_join(parent, buf_text(&name));
    buf_clear(&name);
    if (!path)
        return error_nomem(err);
    if (fails("file.mkdir", EACCES) || !mkdtemp(path)) {
        status = error_errno(err, errno, "could not make a folder in \"%s\"", parent);
        mem_free(path);
        return status;
    }
    *out = path;
    return STATUS_OK;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return fails("file.remove", EIO) ? -1 : remove(path);
}

enum status folder_remove(const char *path, struct error *err)
{
    enum { N_OPEN_MAX = 16 };
    if (nftw(path, remove_entry, N_OPEN_MAX, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return error_errno(err, errno, "could not remove folder \"%s\"", path);
    return STATUS_OK;
}

enum status file_lock_acquire(const char *path, int timeout_ms, struct file_lock *out,
                              struct error *err)
{
    int fd = fails("file.lock", EIO) ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, errno, "could not open lock \"%s\"", path);
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            enum status status = error_errno(err, errno, "could not lock \"%s\"", path);
            close(fd);
            return status;
        }
        if (clock_monotonic_ms() >= deadline_ms) {
            close(fd);
            return error_set(err, STATUS_BUSY, "\"%s\" is held by another process", path);
        }
        clock_sleep_ms(2);
    }
    out->fd = fd;
    return STATUS_OK;
}

void file_lock_release(struct file_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}

char *path_join(const char *folder, const char *name)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    size_t size = len + strlen(name) + 2;
    char *path = mem_alloc(size);
    if (path)
        snprintf(path, size, "%.*s%s%s", (int)len, folder,
                 len > 0 && folder[len - 1] == '/' ? "" : "/", name);
    return path;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *path_extension(const char *path)
{
    const char *name = path_name(path), *dot = strrchr(name, '.');
    return dot && dot != name ? dot : "";
}

bool path_matches(const char *path, const char *glob)
{
    if (fnmatch(glob, path, 0) == 0)
        return true;
    const char *slash = glob[0] == '/' ? NULL : strchr(path, '/');
    for (; slash; slash = strchr(slash + 1, '/'))
        if (fnmatch(glob, slash + 1, 0) == 0)
            return true;
    return false;
}

enum status path_resolve(const char *path, char **out, struct error *err)
{
    char resolved[PATH_MAX];
    if (fails("file.stat", EIO) || !realpath(path, resolved))
        return error_errno(err, errno, "could not find \"%s\"", path);
    char *copy = mem_text(resolved);
    if (!copy)
        return error_nomem(err);
    *out = copy;
    return STATUS_OK;
}

char *path_absolute(const char *path)
{
    char *resolved = NULL, *folder = NULL;
    if (path_resolve(path, &resolved, NULL) == STATUS_OK)
        return resolved;
    if (path[0] == '/' || path_resolve(".", &folder, NULL))
        return mem_text(path);
    char *joined = path_join(folder, path);
    mem_free(folder);
    return joined;
}

enum status path_beside_program(const char *name, char **out, struct error *err)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return error_errno(err, errno, "could not find the running program");
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    char *path = path_join(self, name);
    if (!path)
        return error_nomem(err);
    *out = path;
    return STATUS_OK;
}

enum status file_check_folder(const char *path, struct error *err)
{
    struct file_info info;
    size_t len = (size_t)(path_name(path) - path);
    char *folder = len ? mem_text_n(path, len) : mem_text(".");
    enum status status = folder ? file_stat(folder, FILE_FOLLOW, &info, err) : error_nomem(err);
    mem_free(folder);
    return status;
}
