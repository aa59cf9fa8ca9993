/* base/file.h - files and folders, with fault hooks ("file.open", "file.read", "file.write",
 * "file.fsync", "file.rename", "file.map", "file.stat", "file.mkdir", "file.remove", "file.lock").
 * Paths are raw bytes; messages quote them as they are (app/ makes them safe to show). Any thread.
 */
#ifndef RAGGED_BASE_FILE_H
#define RAGGED_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

struct file_info {
    bool is_regular, is_folder, is_link;
    uint64_t size_bytes, inode, device;
    int64_t mtime_ns;
};

/* NOT_FOUND when there is nothing; a link is not followed unless `follow`. */
enum file_follow { FILE_FOLLOW, FILE_NO_FOLLOW };
enum status file_stat(const char *path, enum file_follow follow, struct file_info *out,
                      struct error *err) MUST_USE;
enum status file_stat_fd(int fd, const char *name, struct file_info *out,
                         struct error *err) MUST_USE;

/* A regular file for reading: close-on-exec, never blocks on a FIFO, never a device. close() it. */
enum status file_open(const char *path, enum file_follow follow, int *out_fd,
                      struct error *err) MUST_USE;

/* Appends the whole file to `out`; LIMIT when it is larger than limit_bytes. */
enum status file_read(const char *path, size_t limit_bytes, struct buf *out,
                      struct error *err) MUST_USE;
enum status file_read_fd(int fd, const char *name, size_t limit_bytes, struct buf *out,
                         struct error *err) MUST_USE;

/* `len` bytes from `offset` on, or those that there are: *out_n. The offset of fd stays. */
enum status file_read_at(int fd, const char *name, uint64_t offset, void *out, size_t len,
                         size_t *out_n, struct error *err) MUST_USE;

/* A file, pipe or terminal that is read once, from front to back. close() it. */
enum status file_open_stream(const char *path, int *out_fd, struct error *err) MUST_USE;
/* What there is, at most `len` bytes; *out_n is 0 at the end. BUSY: nothing came in timeout_ms. */
enum status file_read_some(int fd, const char *name, int timeout_ms, void *out, size_t len,
                           size_t *out_n, struct error *err) MUST_USE;

/* Maps a regular file read-only; an empty file gives {"" , 0}. Unmap with file_unmap(). */
enum status file_map(const char *path, struct span *out, struct error *err) MUST_USE;
/* And what the mapped file is. */
enum status file_map_info(const char *path, struct span *out, struct file_info *out_info,
                          struct error *err) MUST_USE;
void file_unmap(struct span *map); /* {NULL, 0} is fine */

/* How a part of a map will be read; a hint, never an error. RANDOM: no read-ahead; SOON: read ahead
 * now. DONE: the pages may leave this process (they are read again when touched). Widened to whole
 * pages. */
enum file_advice { FILE_ADVICE_RANDOM, FILE_ADVICE_SOON, FILE_ADVICE_DONE };
void file_map_advise(struct span part, enum file_advice advice);

/* The next reader of the file finds nothing of it in memory; pages that somebody maps stay. A hint,
 * never an error. */
void file_forget(const char *path);

/* All bytes or an error; retries short writes and EINTR. */
enum status file_write_fd(int fd, const char *name, const void *bytes, size_t len,
                          struct error *err) MUST_USE;

/* Replaces `path` whole or not at all: temporary file beside it, fsync, rename, fsync of the
 * folder. mode: permission bits, e.g. 0600. */
enum status file_replace(const char *path, const void *bytes, size_t len, unsigned mode,
                         struct error *err) MUST_USE;
/* Told before minutes are spent, not behind them: NOT_FOUND or IO when `path` has no folder that a
 * file could be put into. */
enum status file_check_folder(const char *path, struct error *err) MUST_USE;
/* rename() plus fsync of the target's folder. */
enum status file_rename(const char *from, const char *to, struct error *err) MUST_USE;
enum status file_remove(const char *path, struct error *err) MUST_USE; /* absent is OK */

/* Makes the folder and its missing parents with mode 0700; existing is OK. */
enum status folder_make(const char *path, struct error *err) MUST_USE;

const char *folder_of_temporary(void); /* $TMPDIR, else /tmp; borrowed from the environment */
/* A new folder of mode 0700, "parent/prefix" and six letters more; its path is owned. `parent`
 * NULL: folder_of_temporary(). */
enum status folder_make_temporary(const char *parent, const char *prefix, char **out,
                                  struct error *err) MUST_USE;
/* With everything in it; links are removed, not followed. Absent is OK. */
enum status folder_remove(const char *path, struct error *err) MUST_USE;

/* Exclusive flock on `path` (created 0600). BUSY after timeout_ms. */
struct file_lock {
    int fd; /* -1: not held */
};
#define FILE_LOCK_NONE ((struct file_lock){.fd = -1})
enum status file_lock_acquire(const char *path, int timeout_ms, struct file_lock *out,
                              struct error *err) MUST_USE;
void file_lock_release(struct file_lock *lock); /* not held is fine */

/* "folder/name" (one slash), owned by the caller: mem_free(). NULL: out of memory. */
char *path_join(const char *folder, const char *name) MUST_USE;
const char *path_name(const char *path);      /* after the last slash; borrowed from path */
const char *path_extension(const char *path); /* ".pdf", "" when there is none; borrowed */

/* Does the glob ('*' also matches '/') fit the whole path, or, when it does not begin with '/',
 * what stands behind one of its slashes? */
bool path_matches(const char *path, const char *glob);

/* The absolute path without links, "." and "..", owned. NOT_FOUND when it is not there. */
enum status path_resolve(const char *path, char **out, struct error *err) MUST_USE;
/* The same, and of a file that is gone the path that it would have in the current folder; owned.
 * NULL: out of memory. */
char *path_absolute(const char *path) MUST_USE;

/* Where the running program is: "<folder of the executable>/<name>", owned. */
enum status path_beside_program(const char *name, char **out, struct error *err) MUST_USE;

#endif
