/* Files in the data folder that a stopped process left behind: temporary ones, and vector files
 * that were replaced. */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_internal.h"

#define LEFTOVER_AGE_NS \
    (60 * (int64_t)1000000000) /* a living one is renamed or removed long before */

static bool is_old(const char *path, int64_t now_ns)
{
    struct file_info info;
    return !file_stat(path, FILE_NO_FOLLOW, &info, NULL) && info.is_regular &&
           now_ns - info.mtime_ns > LEFTOVER_AGE_NS;
}

static bool is_other_vector_file(const char *name, int64_t first_kept, int64_t last_kept)
{
    long long number;
    int len = 0;
    return sscanf(name, "vectors-%lld.f16%n", &number, &len) == 1 && len > 0 && !name[len] &&
           (number < first_kept || number > last_kept);
}

enum status leftover_each(const char *folder, int64_t first_kept, int64_t last_kept,
                          enum status (*each)(void *ctx, const char *path, struct error *err),
                          void *ctx, struct error *err)
{
    int64_t now_ns = clock_wall_ms() * 1000000;
    enum status status = STATUS_OK;
    DIR *open_folder = opendir(folder);
    for (struct dirent *entry; !status && open_folder && (entry = readdir(open_folder));) {
        char *path = path_join(folder, entry->d_name);
        if (!path)
            status = error_nomem(err);
        else if ((strcmp(path_extension(path), ".tmp") == 0 ||
                  is_other_vector_file(entry->d_name, first_kept, last_kept)) &&
                 is_old(path, now_ns))
            status = each(ctx, path, err);
        mem_free(path);
    }
    if (open_folder)
        closedir(open_folder);
    return status;
}

/* A vector file of a larger number may be another process's new one. */
enum status store_each_leftover(struct store *store,
                                enum status (*each)(void *ctx, const char *path, struct error *err),
                                void *ctx, struct error *err)
{
    assert(store->is_reading || store->is_writing);
    return leftover_each(store->folder, store->library.vector_file, INT64_MAX, each, ctx, err);
}
