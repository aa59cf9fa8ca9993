#include "base/scratch.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define PREFIX "ragged-"
/* What is in a folder of that name without it is not ours. It is there once it is locked: until
 * then it has the other name. */
#define MARK "scratch.lock"
#define MARK_NEW "scratch.new"
#define FILES "files"

struct scratch {
    char *folder;          /* owned */
    char *path;            /* of FILES in it, owned */
    struct file_lock lock; /* of the mark in it */
};

/* The mark goes last: who is killed meanwhile leaves what the next one knows. */
static enum status remove_all(const char *folder, struct error *err)
{
    char *files = path_join(folder, FILES);
    enum status status = files ? folder_remove(files, err) : error_nomem(err);
    mem_free(files);
    return status ? status : folder_remove(folder, err);
}

/* ---- what killed processes left ---- */

static bool is_private(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* Whoever removes it has the lock, so of two only one does. */
static void remove_if_dead(const char *path)
{
    struct file_lock lock = FILE_LOCK_NONE;
    char *mark = is_private(path) ? path_join(path, MARK) : NULL;
    if (mark && access(mark, F_OK) == 0 && file_lock_acquire(mark, 0, &lock, NULL) == STATUS_OK) {
        (void)!remove_all(path, NULL);
        file_lock_release(&lock);
    }
    mem_free(mark);
}

static void sweep(const char *parent)
{
    DIR *folder = opendir(parent);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        bool may_be_ours = strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0;
        char *path = may_be_ours ? path_join(parent, entry->d_name) : NULL;
        if (path)
            remove_if_dead(path);
        mem_free(path);
    }
    if (folder)
        closedir(folder);
}

/* ---- one of our own ---- */

static enum status fill(struct scratch *scratch, struct error *err)
{
    char *mark_new = path_join(scratch->folder, MARK_NEW), *mark = path_join(scratch->folder, MARK);
    scratch->path = path_join(scratch->folder, FILES);
    enum status status = mark_new && mark && scratch->path ? STATUS_OK : error_nomem(err);
    if (!status)
        status = file_lock_acquire(mark_new, 0, &scratch->lock, err);
    if (!status)
        status = file_rename(mark_new, mark, err);
    if (!status)
        status = folder_make(scratch->path, err);
    mem_free(mark_new);
    mem_free(mark);
    return status;
}

static enum status make(const char *what, struct scratch *scratch, struct error *err)
{
    struct buf prefix = {0};
    buf_printf(&prefix, PREFIX "%s-", what);
    enum status status = buf_status(&prefix, err);
    if (!status)
        status = folder_make_temporary(NULL, buf_text(&prefix), &scratch->folder, err);
    buf_clear(&prefix);
    return status ? status : fill(scratch, err);
}

enum status scratch_open(const char *what, struct scratch **out, struct error *err)
{
    struct scratch *scratch = mem_zalloc(1, sizeof *scratch);
    if (!scratch)
        return error_nomem(err);
    scratch->lock = FILE_LOCK_NONE;
    sweep(folder_of_temporary());
    enum status status = make(what, scratch, err);
    if (status)
        (void)!scratch_close(scratch, NULL);
    else
        *out = scratch;
    return status;
}

const char *scratch_path(const struct scratch *scratch)
{
    return scratch->path;
}

enum status scratch_close(struct scratch *scratch, struct error *err)
{
    if (!scratch)
        return STATUS_OK;
    enum status status = scratch->folder ? remove_all(scratch->folder, err) : STATUS_OK;
    file_lock_release(&scratch->lock);
    mem_free(scratch->folder);
    mem_free(scratch->path);
    mem_free(scratch);
    return status;
}
