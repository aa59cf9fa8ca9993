#include "index/maintain.h"

#include <dirent.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "index/flush.h"
#include "index/merge.h"
#include "index/rebuild.h"

#define WAIT_MS 60000 /* for another process that flushes or merges */
#define DRAFT_AGE_MS 60000
#define LOOK_MS 100 /* between two looks at whether to wait on */

enum status maintainer_init(struct maintainer *maintainer, const char *folder, unsigned n_threads,
                            struct governor *governor, const struct cancel *cancel,
                            struct error *err)
{
    struct maintainer m = {
        .governor = governor,
        .folder = folder,
        .n_threads = n_threads,
        .cancel = cancel,
        .segments = SNAPSHOT_CACHE_EMPTY,
    };
    enum status status = store_open(folder, STORE_OPEN_WRITE, &m.store, err);
    if (!status)
        *maintainer = m;
    return status;
}

void maintainer_clear(struct maintainer *maintainer)
{
    snapshot_cache_clear(&maintainer->segments);
    store_close(maintainer->store);
    *maintainer = (struct maintainer){0};
}

enum status maintainer_snapshot(struct maintainer *maintainer, enum store_kind kind,
                                struct snapshot *out, const struct snapshot_kind **out_all,
                                struct error *err)
{
    bool is_lexical = kind == STORE_KIND_LEXICAL;
    enum status status =
        snapshot_begin(&maintainer->segments, maintainer->store, maintainer->folder,
                       is_lexical ? SNAPSHOT_LEXICAL : SNAPSHOT_VECTOR, out, err);
    if (!status)
        *out_all = is_lexical ? out->lexical : out->vector;
    return status;
}

static enum status lock_folder(const struct maintainer *maintainer, int timeout_ms,
                               struct file_lock *out, struct error *err)
{
    char *path = path_join(maintainer->folder, "maintain.lock");
    enum status status = path ? STATUS_BUSY : error_nomem(err);
    for (int waited_ms = 0; status == STATUS_BUSY && waited_ms <= timeout_ms; waited_ms += LOOK_MS)
        status = is_cancelled(maintainer->cancel)
                     ? error_set(err, STATUS_CANCELLED, "stopped")
                     : file_lock_acquire(path, timeout_ms ? LOOK_MS : 0, out, err);
    mem_free(path);
    if (status == STATUS_BUSY)
        error_hint(err, "another ragged is building indexes; try again when it has finished");
    return status;
}

/* ---- sweep ---- */

/* Names of the segments in the manifest. */
struct names {
    struct arena arena;
    const char **names;
    size_t n, n_max;
};

static enum status add_name(void *ctx, const struct store_segment *segment, struct error *err)
{
    struct names *names = ctx;
    void *array = names->names;
    enum status status =
        mem_reserve(&array, &names->n_max, names->n + 1, sizeof(const char *), err);
    names->names = array;
    const char *name = status ? NULL : arena_printf(&names->arena, "%s.seg", segment->name);
    if (!status && !name)
        status = error_nomem(err);
    if (!status)
        names->names[names->n++] = name;
    return status;
}

static bool is_listed(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return false;
}

/* A writer's segment in the making has no lock but its youth; it is finished within a second. Who
 * holds no lock can't tell a stray from what is about to be named. */
static bool may_be_needed(const char *path, bool is_locked)
{
    struct file_info info;
    return (!is_locked || strcmp(path_extension(path), ".tmp") == 0) &&
           !file_stat(path, FILE_NO_FOLLOW, &info, NULL) &&
           clock_wall_ms() - info.mtime_ns / 1000000 < DRAFT_AGE_MS;
}

/* The files that the manifest does not name. */
static enum status each_stray(const char *data_folder, struct store *store, bool is_locked,
                              enum status (*each)(void *ctx, const char *path, struct error *err),
                              void *ctx, struct error *err)
{
    struct names names = {0};
    char *folder = path_join(data_folder, "segments");
    enum status status =
        folder ? store_each_segment(store, add_name, &names, err) : error_nomem(err);
    DIR *open_folder = status ? NULL : opendir(folder);
    for (struct dirent *entry; open_folder && !status && (entry = readdir(open_folder));) {
        if (entry->d_name[0] == '.' || is_listed(&names, entry->d_name))
            continue;
        char *path = path_join(folder, entry->d_name);
        if (!path)
            status = error_nomem(err);
        else if (!may_be_needed(path, is_locked))
            status = each(ctx, path, err);
        mem_free(path);
    }
    if (open_folder)
        closedir(open_folder);
    mem_free(folder);
    mem_free(names.names);
    arena_clear(&names.arena);
    return status;
}

static enum status count_stray(void *ctx, const char *path, struct error *err)
{
    (void)path;
    (void)err;
    ++*(size_t *)ctx;
    return STATUS_OK;
}

static enum status remove_stray(void *ctx, const char *path, struct error *err)
{
    (void)ctx;
    return file_remove(path, err);
}

/* Files appear here by the holder of maintain.lock, or inside of a write that names them: what the
 * manifest does not name while both locks are held is nobody's. */
static enum status sweep(const struct maintainer *m, struct error *err)
{
    size_t n = 0;
    enum status status = each_stray(m->folder, m->store, true, count_stray, &n, err);
    if (status || n == 0)
        return status;
    status = store_write_begin(m->store, err);
    if (!status)
        status = each_stray(m->folder, m->store, true, remove_stray, NULL, err);
    store_write_rollback(m->store);
    return status;
}

enum status maintain_each_stray(const char *folder, struct store *store,
                                enum status (*each)(void *ctx, const char *path, struct error *err),
                                void *ctx, struct error *err)
{
    return each_stray(folder, store, false, each, ctx, err);
}

/* ---- the work ---- */

static enum status flush_all(struct maintainer *m, enum store_kind kind, size_t n_rows_min,
                             struct error *err)
{
    enum status status = STATUS_OK;
    for (bool has_flushed = true; has_flushed && !status && !is_cancelled(m->cancel);) {
        has_flushed = false;
        status = flush_tail(m, kind, n_rows_min, &has_flushed, err);
    }
    return status;
}

static enum status merge_all(struct maintainer *m, enum store_kind kind,
                             enum maintain_extent extent, struct error *err)
{
    enum status status = STATUS_OK;
    for (bool has_merged = true; has_merged && !status && !is_cancelled(m->cancel);) {
        has_merged = false;
        status = merge_segments(m, kind, extent, &has_merged, err);
    }
    return status;
}

static enum status flush_and_merge(struct maintainer *m, enum maintain_extent extent,
                                   struct error *err)
{
    static const enum store_kind kinds[] = {STORE_KIND_LEXICAL, STORE_KIND_VECTOR};
    size_t n_rows_min = extent == MAINTAIN_ALL ? 1 : MAINTAIN_TAIL_ROWS;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !status; i++) {
        status = flush_all(m, kinds[i], n_rows_min, err);
        if (!status)
            status = merge_all(m, kinds[i], extent, err);
    }
    return status;
}

enum status maintain(struct maintainer *maintainer, enum maintain_extent extent, struct error *err)
{
    struct file_lock lock = FILE_LOCK_NONE;
    int64_t start_us = clock_monotonic_us();
    enum status status = lock_folder(maintainer, extent == MAINTAIN_DUE ? 0 : WAIT_MS, &lock, err);
    if (status == STATUS_BUSY && extent == MAINTAIN_DUE)
        return STATUS_OK;
    if (!status)
        status = flush_and_merge(maintainer, extent, err);
    if (!status)
        status = sweep(maintainer, err);
    file_lock_release(&lock);
    LOG(LOG_EVENT_MAINTAINED, {LOG_KEY_STATUS, status},
        {LOG_KEY_TOOK_US, clock_monotonic_us() - start_us});
    return status;
}

enum status maintain_has_lost(struct maintainer *maintainer, bool *out, struct error *err)
{
    struct snapshot snapshot = {0};
    enum status status =
        snapshot_begin(&maintainer->segments, maintainer->store, maintainer->folder,
                       SNAPSHOT_LEXICAL | SNAPSHOT_VECTOR, &snapshot, err);
    if (!status)
        *out = snapshot.lexical->n_lost_rows > 0 || snapshot.vector->n_lost_rows > 0;
    snapshot_end(&snapshot);
    return status;
}

/* Words that were cut by another analyzer leave the tail first: a segment can be made anew. */
static enum status rebuild_kinds(struct maintainer *m, enum maintain_rebuild what,
                                 struct analyzer *analyzer, size_t *io_n, struct error *err)
{
    enum status status = STATUS_OK;
    if (what == MAINTAIN_REBUILD_ALL)
        status = flush_all(m, STORE_KIND_LEXICAL, 1, err);
    if (!status)
        status = rebuild_kind(m, STORE_KIND_LEXICAL, what, analyzer, io_n, err);
    if (!status)
        status = rebuild_kind(m, STORE_KIND_VECTOR, what, analyzer, io_n, err);
    return status;
}

enum status maintain_rebuild(struct maintainer *maintainer, enum maintain_rebuild what,
                             struct analyzer *analyzer, size_t *out_n, struct error *err)
{
    struct file_lock lock = FILE_LOCK_NONE;
    size_t n = 0;
    enum status status = lock_folder(maintainer, WAIT_MS, &lock, err);
    if (!status)
        status = rebuild_kinds(maintainer, what, analyzer, &n, err);
    if (!status)
        status = flush_and_merge(maintainer, MAINTAIN_DUE, err);
    if (!status)
        status = sweep(maintainer, err);
    file_lock_release(&lock);
    if (!status)
        *out_n = n;
    return status;
}
