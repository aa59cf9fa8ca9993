#include "base/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"

static int create(const char *path, unsigned mode)
{
    if (fault_hit("file.open")) {
        errno = EIO;
        return -1;
    }
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
}

static int sync_fd(int fd)
{
    if (fault_hit("file.fsync")) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

enum status draft_open(struct draft *draft, const char *path, unsigned mode, struct error *err)
{
    struct draft d = {.path = mem_text(path)};
    size_t size = strlen(path) + 32;
    d.temp = mem_alloc(size);
    if (!d.path || !d.temp) {
        draft_discard(&d);
        return error_nomem(err);
    }
    snprintf(d.temp, size, "%s.%ld.tmp", path, (long)getpid());
    d.fd = create(d.temp, mode);
    if (d.fd < 0) {
        enum status status = error_errno(err, errno, "could not create \"%s\"", d.temp);
        draft_discard(&d);
        return status;
    }
    d.is_open = true;
    *draft = d;
    return STATUS_OK;
}

enum status draft_append(struct draft *draft, const void *bytes, size_t len, struct error *err)
{
    return file_write_fd(draft->fd, draft->temp, bytes, len, err);
}

enum status draft_write_at(struct draft *draft, uint64_t offset, const void *bytes, size_t len,
                           struct error *err)
{
    const char *at = bytes;
    while (len > 0) {
        int errnum = fault_errno("file.write", EIO);
        ssize_t n = errnum ? (errno = errnum, -1)
                           : pwrite(draft->fd, at, fault_short("file.write", len), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(err, n ? errno : EIO, "could not write \"%s\"", draft->temp);
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return STATUS_OK;
}

enum status draft_publish(struct draft *draft, struct file_info *out_info, struct error *err)
{
    struct file_info info;
    enum status status = STATUS_OK;
    if (sync_fd(draft->fd))
        status = error_errno(err, errno, "could not sync \"%s\"", draft->temp);
    if (!status)
        status = file_stat_fd(draft->fd, draft->temp, &info, err);
    if (!status)
        status = file_rename(draft->temp, draft->path, err);
    if (!status) {
        *out_info = info;
        close(draft->fd);
        draft->is_open = false;
    }
    draft_discard(draft);
    return status;
}

void draft_discard(struct draft *draft)
{
    if (draft->is_open) {
        close(draft->fd);
        unlink(draft->temp);
    }
    mem_free(draft->path);
    mem_free(draft->temp);
    *draft = (struct draft){0};
}
