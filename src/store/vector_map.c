/* The vector file as readers see it. The map is larger than the file, so that it seldom has to be
 * made anew while the file grows; pages behind the end are never touched. Fault hook:
 * "vectors.map". */
#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/store_internal.h"

void vector_map_clear(struct vector_map *map)
{
    file_unmap(&map->span);
}

/* A file that is gone stays what it was for those who map it. */
static enum status is_mapped(struct store *store, size_t n_bytes, bool *out, struct error *err)
{
    const struct vector_map *map = &store->map;
    *out = false;
    if (map->span.len < n_bytes || map->number != store->library.vector_file)
        return STATUS_OK;
    struct file_info info;
    char *path = vector_file_path(store, map->number);
    enum status status = path ? file_stat(path, FILE_FOLLOW, &info, err) : error_nomem(err);
    mem_free(path);
    if (!status)
        *out = info.inode == map->inode && info.device == map->device && info.size_bytes >= n_bytes;
    if (status == STATUS_NOT_FOUND) {
        *out = true;
        status = STATUS_OK;
    }
    return status;
}

static enum status map_anew(struct store *store, size_t n_bytes, struct error *err)
{
    struct file_info info = {0};
    int fd;
    enum status status = vector_file_open(store, &fd, err);
    if (status)
        return status;
    status = file_stat_fd(fd, store->folder, &info, err);
    size_t len = n_bytes + n_bytes / 2 + 16 * RAGGED_MIB;
    void *bytes = MAP_FAILED;
    if (!status && fault_hit("vectors.map"))
        errno = ENOMEM;
    else if (!status)
        bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    if (!status && bytes == MAP_FAILED)
        status = error_errno(err, errno, "could not map the vectors of \"%s\"", store->folder);
    close(fd);
    if (status)
        return status;
    vector_map_clear(&store->map);
    store->map.span = (struct span){.bytes = bytes, .len = len};
    store->map.number = store->library.vector_file;
    store->map.inode = info.inode;
    store->map.device = info.device;
    return STATUS_OK;
}

enum status store_map_vectors(struct store *store, struct store_vectors *out, struct error *err)
{
    assert(store->is_reading);
    const struct library *l = &store->library;
    size_t n_bytes = (size_t)(l->next_slot * l->vector_bytes);
    bool is_there = n_bytes == 0;
    enum status status = is_there ? STATUS_OK : is_mapped(store, n_bytes, &is_there, err);
    if (!status && !is_there)
        status = map_anew(store, n_bytes, err);
    if (!status)
        *out = (struct store_vectors){
            .rows = n_bytes ? store->map.span.bytes : NULL,
            .n_slots = (size_t)l->next_slot,
            .row_bytes = (size_t)l->vector_bytes,
        };
    return status;
}
