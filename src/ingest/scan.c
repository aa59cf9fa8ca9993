#include "ingest/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace.h"
#include "ingest/parts.h"
#include "load/load.h"

#define SCAN_DEPTH_MAX 200
#define EXTENSION_TOLD_MAX 12
#define ALPHANUMERIC "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char *const ignored_names[] = {"node_modules", "__pycache__", "venv", NULL};

struct walk {
    const struct engine_add_options *options;
    struct scan *scan;
    struct error *err;
};

static enum status add_file(struct walk *walk, const char *path, const struct stat *st,
                            const char *problem)
{
    struct scan *scan = walk->scan;
    void *files = scan->files;
    enum status status =
        mem_reserve(&files, &scan->n_max, scan->n_files + 1, sizeof *scan->files, walk->err);
    if (status)
        return status;
    scan->files = files;
    struct scan_file file = {.path = arena_text(&scan->arena, path, strlen(path))};
    if (problem)
        file.problem = arena_text(&scan->arena, problem, strlen(problem));
    if (!file.path || (problem && !file.problem))
        return error_nomem(walk->err);
    if (st) {
        file.size_bytes = (uint64_t)st->st_size;
        scan->n_bytes += file.size_bytes;
    }
    scan->files[scan->n_files++] = file;
    return STATUS_OK;
}

static enum status add_unreadable(struct walk *walk, const char *path, int errnum)
{
    char why[128];
    return add_file(walk, path, NULL, strerror_r(errnum, why, sizeof why));
}

/* NULL: it is not. */
static const char *why_ignored(const struct engine_add_options *options, const char *path,
                               const char *name)
{
    if (name[0] == '.' && !options->is_hidden_included)
        return "it is hidden";
    for (size_t i = 0; ignored_names[i]; i++)
        if (strcmp(name, ignored_names[i]) == 0)
            return "made by a program, for a program";
    for (size_t i = 0; i < options->n_excludes; i++)
        if (fnmatch(options->excludes[i], name, 0) == 0 ||
            fnmatch(options->excludes[i], path, 0) == 0)
            return "excluded";
    return NULL;
}

static void skip(struct walk *walk, const char *path, const char *reason)
{
    const struct engine_file_report report = {
        .path = path, .result = ENGINE_FILE_SKIPPED, .reason = reason, .hint = ""};
    walk->scan->n_skipped++;
    if (walk->options->on_file)
        walk->options->on_file(walk->options->ctx, &report);
}

/* Long ones, and those with more in them than letters and digits, are parts of names. */
static bool is_plain_extension(const char *extension)
{
    size_t n = *extension == '.' ? strspn(extension + 1, ALPHANUMERIC) : 0;
    return n > 0 && n <= EXTENSION_TOLD_MAX && !extension[n + 1];
}

/* What is no folder and no file that somebody reads. */
static void skip_unread(struct walk *walk, const char *path, mode_t mode)
{
    char reason[64] = "its name does not say what it is";
    const char *extension = path_extension(path);
    if (is_plain_extension(extension))
        snprintf(reason, sizeof reason, "nothing here reads %s", extension);
    skip(walk, path,
         S_ISREG(mode)   ? reason
         : S_ISLNK(mode) ? "links in folders are not followed"
                         : "not a regular file");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of one folder in byte order, so that the order of documents does not depend on the disk. */
static enum status read_names(DIR *folder, const struct cancel *cancel, struct arena *arena,
                              const char ***out, size_t *out_n, struct error *err)
{
    void *names = NULL;
    size_t n = 0, n_max = 0;
    enum status status = STATUS_OK;
    struct dirent *entry;
    while (!status && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (is_cancelled(cancel))
            status = error_set(err, STATUS_CANCELLED, "stopped while scanning");
        if (!status)
            status = mem_reserve(&names, &n_max, n + 1, sizeof(char *), err);
        char *name = status ? NULL : arena_text(arena, entry->d_name, strlen(entry->d_name));
        if (!status && !name)
            status = error_nomem(err);
        if (!status)
            ((const char **)names)[n++] = name;
    }
    if (status) {
        mem_free(names);
        return status;
    }
    if (n > 1)
        qsort(names, n, sizeof(char *), compare_names);
    *out = names;
    *out_n = n;
    return STATUS_OK;
}

static enum status walk_folder(struct walk *walk, const char *path, int depth);

static enum status walk_entry(struct walk *walk, const char *folder, const char *name, int depth)
{
    char *path = path_join(folder, name);
    if (!path)
        return error_nomem(walk->err);
    enum status status = STATUS_OK;
    struct stat st;
    const char *ignored = why_ignored(walk->options, path, name);
    if (is_cancelled(walk->options->cancel)) {
        status = error_set(walk->err, STATUS_CANCELLED, "stopped while scanning");
    } else if (ignored) {
        skip(walk, path, ignored);
    } else if (fault_hit("file.scan") ? (errno = EIO, true) : lstat(path, &st) != 0) {
        status = add_unreadable(walk, path, errno);
    } else if (S_ISDIR(st.st_mode)) {
        bool is_deeper = !walk->options->is_flat &&
                         (walk->options->max_depth < 0 || depth < walk->options->max_depth);
        if (is_deeper)
            status = walk_folder(walk, path, depth + 1);
    } else if (!S_ISREG(st.st_mode) || !load_knows_name(path)) {
        skip_unread(walk, path, st.st_mode);
    } else if (load_is_minified(path)) {
        skip(walk, path, "packed for programs, in hardly any lines");
    } else {
        status = add_file(walk, path, &st, NULL);
    }
    mem_free(path);
    return status;
}

static enum status walk_folder(struct walk *walk, const char *path, int depth)
{
    if (depth > SCAN_DEPTH_MAX)
        return add_file(walk, path, NULL, "folders are nested too deep");
    DIR *folder = opendir(path);
    if (!folder)
        return add_unreadable(walk, path, errno);
    struct arena arena = {0};
    const char **names = NULL;
    size_t n = 0;
    enum status status = read_names(folder, walk->options->cancel, &arena, &names, &n, walk->err);
    closedir(folder);
    for (size_t i = 0; i < n && !status; i++)
        status = walk_entry(walk, path, names[i], depth);
    mem_free(names);
    arena_clear(&arena);
    return status;
}

static enum status walk_root(struct walk *walk, const char *root)
{
    char *path = NULL;
    struct stat st;
    enum status status = path_resolve(root, &path, walk->err);
    if (status)
        return status;
    if (stat(path, &st))
        status = add_unreadable(walk, path, errno);
    else if (S_ISDIR(st.st_mode))
        status = walk_folder(walk, path, 0);
    else
        status = add_file(walk, path, &st, S_ISREG(st.st_mode) ? NULL : "not a regular file");
    mem_free(path);
    return status;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct scan_file *)a)->path, ((const struct scan_file *)b)->path);
}

/* Overlapping arguments name a file twice. */
static void drop_repeated(struct scan *scan)
{
    if (scan->n_files < 2)
        return;
    qsort(scan->files, scan->n_files, sizeof *scan->files, compare_files);
    size_t n = 1;
    for (size_t i = 1; i < scan->n_files; i++) {
        if (strcmp(scan->files[i].path, scan->files[n - 1].path) == 0)
            scan->n_bytes -= scan->files[i].size_bytes;
        else
            scan->files[n++] = scan->files[i];
    }
    scan->n_files = n;
}

static enum status add_parts(struct scan *scan, const struct scan_sizes *sizes,
                             struct scan_file *file, struct error *err)
{
    if (file->size_bytes <= sizes->large_bytes || !load_may_have_parts(file->path))
        return STATUS_OK;
    struct parts *parts = arena_zalloc(&scan->arena, 1, sizeof *parts);
    if (!parts)
        return error_nomem(err);
    *parts = (struct parts){.part_bytes = sizes->part_bytes,
                            .n = (size_t)load_n_parts(file->size_bytes, sizes->part_bytes),
                            .mutex = PTHREAD_MUTEX_INITIALIZER};
    file->parts = parts;
    return STATUS_OK;
}

static enum status make_jobs(struct scan *scan, const struct scan_sizes *sizes, struct error *err)
{
    size_t n_jobs = scan->n_files;
    for (size_t i = 0; i < scan->n_files; i++) {
        struct scan_file *file = &scan->files[i];
        enum status status = add_parts(scan, sizes, file, err);
        if (status)
            return status;
        n_jobs += file->parts ? file->parts->n - 1 : 0;
    }
    scan->jobs = mem_array(n_jobs, sizeof *scan->jobs);
    if (!scan->jobs)
        return error_nomem(err);
    for (size_t i = 0; i < scan->n_files; i++)
        for (size_t k = 0; k == 0 || (scan->files[i].parts && k < scan->files[i].parts->n); k++)
            scan->jobs[scan->n_jobs++] = (struct scan_job){&scan->files[i], k};
    return STATUS_OK;
}

enum status scan_paths(const struct engine_add_options *options, const struct scan_sizes *sizes,
                       struct scan *out, struct error *err)
{
    TRACE(TRACE_STAGE_SCAN_FILES);
    struct scan scan = {0};
    struct walk walk = {.options = options, .scan = &scan, .err = err};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < options->n_paths && !status; i++)
        status = walk_root(&walk, options->paths[i]);
    if (!status) {
        drop_repeated(&scan);
        status = make_jobs(&scan, sizes, err);
    }
    if (status) {
        scan_clear(&scan);
        return status;
    }
    *out = scan;
    return STATUS_OK;
}

void scan_clear(struct scan *scan)
{
    mem_free(scan->files);
    mem_free(scan->jobs);
    arena_clear(&scan->arena);
    *scan = (struct scan){0};
}
