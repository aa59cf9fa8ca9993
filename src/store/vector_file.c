/* The file of the vectors, "vectors-<number>.f16": row `slot` of library.vector_bytes bytes at
 * slot * vector_bytes, no header. Rows are appended under write.lock and synced before the commit
 * that names them. Bytes behind library.next_slot are what a transaction left that did not commit:
 * the next one writes over them. Fault hooks: "vectors.open", "vectors.write", "vectors.full",
 * "vectors.sync", "vectors.read", "vectors.punch". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "store/store_internal.h"

#define PENDING_BYTES_MAX ((size_t)4 * 1024 * 1024)

static bool fails(const char *site, int errnum)
{
    int found = fault_errno(site, errnum);
    if (found)
        errno = found;
    return found != 0;
}

char *vector_file_path(const struct store *store, int64_t number)
{
    char name[48];
    snprintf(name, sizeof name, "vectors-%lld.f16", (long long)number);
    return path_join(store->folder, name);
}

static enum status say_lost(const char *path, const char *what, struct error *err)
{
    error_set(err, STATUS_DAMAGED, "\"%s\" %s", path, what);
    error_hint(err, "put the file back, or `ragged clear` and add again");
    return STATUS_DAMAGED;
}

/* ---- writing ---- */

/* DAMAGED: it has not all the rows below n_slots. */
static enum status open_writable(const struct store *store, const char *path, int64_t n_slots,
                                 int *out_fd, struct error *err)
{
    struct file_info info = {0};
    int flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = fails("vectors.open", EIO) ? -1 : open(path, flags);
    if (fd < 0 && errno == ENOENT)
        return say_lost(path, "is gone, and the vectors with it", err);
    if (fd < 0)
        return error_errno(err, errno, "could not open \"%s\"", path);
    enum status status = file_stat_fd(fd, path, &info, err);
    if (!status && !info.is_regular)
        status = say_lost(path, "is not a regular file", err);
    if (!status && (int64_t)info.size_bytes < n_slots * store->library.vector_bytes)
        status = say_lost(path, "is shorter than it was", err);
    if (status)
        close(fd);
    else
        *out_fd = fd;
    return status;
}

static enum status say_unwritten(const struct vector_writer *w, int errnum, struct error *err)
{
    enum status status = error_errno(err, errnum, "could not write \"%s\"", w->path);
    if (errnum == ENOSPC || errnum == EDQUOT)
        error_hint(err, "free some space and run it again; everything saved before is still there");
    return status;
}

static enum status write_at(struct vector_writer *w, const char *bytes, size_t len, int64_t offset,
                            struct error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(w->fd, bytes, fault_short("vectors.write", len), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return say_unwritten(w, n ? errno : EIO, err);
        bytes += n;
        len -= (size_t)n;
        offset += n;
    }
    return STATUS_OK;
}

/* In two halves with the faults between them, so that a failed or killed write is torn. */
static enum status write_torn(struct vector_writer *w, int64_t offset, struct error *err)
{
    size_t half = w->pending.len / 2;
    enum status status = write_at(w, w->pending.data, half, offset, err);
    if (!status && (fails("vectors.write", EIO) || fails("vectors.full", ENOSPC)))
        status = say_unwritten(w, errno, err);
    if (!status)
        status =
            write_at(w, w->pending.data + half, w->pending.len - half, offset + (int64_t)half, err);
    return status;
}

static void close_writer(struct vector_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    mem_free(w->path);
    w->path = NULL;
}

static enum status write_pending(struct store *store, struct error *err)
{
    struct vector_writer *w = &store->writer;
    enum status status = buf_status(&w->pending, err);
    if (status || w->pending.len == 0)
        return status;
    if (!w->path && !(w->path = vector_file_path(store, store->library.vector_file)))
        return error_nomem(err);
    /* What another transaction left there without a commit is of no use. */
    if (w->first_slot == 0)
        status = file_replace(w->path, "", 0, 0600, err);
    if (!status && w->fd < 0)
        status = open_writable(store, w->path, w->first_slot, &w->fd, err);
    if (!status)
        status = write_torn(w, w->first_slot * store->library.vector_bytes, err);
    if (!status)
        buf_reset(&w->pending);
    return status;
}

enum status vector_file_append(struct store *store, const void *row, struct error *err)
{
    struct vector_writer *w = &store->writer;
    if (w->pending.len == 0)
        w->first_slot = store->library.next_slot;
    buf_append(&w->pending, row, (size_t)store->library.vector_bytes);
    store->library.next_slot++;
    enum status status = buf_status(&w->pending, err);
    if (!status && w->pending.len >= PENDING_BYTES_MAX)
        status = write_pending(store, err);
    return status;
}

/* A descriptor that saw a failed sync is not asked again: vector_file_forget() closes it, the next
 * transaction writes its own rows at the same place. */
enum status vector_file_sync(struct store *store, struct error *err)
{
    struct vector_writer *w = &store->writer;
    enum status status = write_pending(store, err);
    if (!status && w->fd >= 0 && (fails("vectors.sync", EIO) || fdatasync(w->fd)))
        status = error_errno(err, errno, "could not sync \"%s\"", w->path);
    return status;
}

void vector_file_forget(struct store *store)
{
    close_writer(&store->writer);
    buf_clear(&store->writer.pending);
}

void vector_file_replace(struct store *store)
{
    struct library *l = &store->library;
    vector_file_forget(store);
    if (l->next_slot == 0)
        return;
    /* One that this transaction began is begun again. */
    if (l->vector_file == store->vector_file_at_begin)
        l->vector_file++;
    l->next_slot = l->vector_bytes = 0;
}

/* ---- reading and giving back ---- */

enum status vector_file_open(struct store *store, int *out_fd, struct error *err)
{
    const struct library *l = &store->library;
    struct file_info info;
    int fd = -1;
    char *path = vector_file_path(store, l->vector_file);
    if (!path)
        return error_nomem(err);
    enum status status = file_open(path, FILE_FOLLOW, &fd, err);
    if (status == STATUS_NOT_FOUND && store->map.lost_snapshot != store->n_snapshots &&
        store->map.lost_number == l->vector_file) {
        status = say_lost(path, "is gone, and the vectors with it", err);
    } else if (status == STATUS_NOT_FOUND) {
        store->map.lost_number = l->vector_file;
        store->map.lost_snapshot = store->n_snapshots;
        status = error_set(err, STATUS_BUSY, "\"%s\" was replaced meanwhile", path);
        error_hint(err, "try again");
    } else if (status == STATUS_INVALID) {
        status = say_lost(path, "is not a regular file", err);
    }
    if (!status)
        status = file_stat_fd(fd, path, &info, err);
    if (!status && (int64_t)info.size_bytes < l->next_slot * l->vector_bytes)
        status = say_lost(path, "is shorter than it was", err);
    mem_free(path);
    if (status && fd >= 0)
        close(fd);
    if (!status)
        *out_fd = fd;
    return status;
}

enum status vector_file_read(struct store *store, int fd, int64_t slot, void *out,
                             struct error *err)
{
    size_t len = (size_t)store->library.vector_bytes, n_read = 0;
    while (n_read < len) {
        ssize_t n = fails("vectors.read", EIO)
                        ? -1
                        : pread(fd, (char *)out + n_read, fault_short("vectors.read", len - n_read),
                                (off_t)(slot * store->library.vector_bytes + (int64_t)n_read));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not read the vectors of \"%s\"", store->folder);
        if (n == 0)
            return error_set(err, STATUS_DAMAGED, "the file of the vectors ends too early");
        n_read += (size_t)n;
    }
    return STATUS_OK;
}

enum status vector_file_open_writable(struct store *store, int *out_fd, struct error *err)
{
    char *path = vector_file_path(store, store->library.vector_file);
    if (!path)
        return error_nomem(err);
    enum status status = open_writable(store, path, store->library.next_slot, out_fd, err);
    mem_free(path);
    return status;
}

enum status vector_file_punch(struct store *store, int fd, int64_t first, int64_t until,
                              struct error *err)
{
    int64_t page = sysconf(_SC_PAGESIZE), n_bytes = store->library.vector_bytes;
    int64_t begin = (first * n_bytes + page - 1) / page * page, end = until * n_bytes / page * page;
    if (begin >= end)
        return STATUS_OK;
    int rc = fails("vectors.punch", EIO) ? -1
                                         : fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                                     (off_t)begin, (off_t)(end - begin));
    if (rc && errno != EOPNOTSUPP && errno != ENOSYS)
        return error_errno(err, errno, "could not give space of the vectors in \"%s\" back",
                           store->folder);
    return STATUS_OK;
}
