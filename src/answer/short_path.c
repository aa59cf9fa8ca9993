#include "answer/short_path.h"

#include <string.h>

size_t short_path_shared(const char *path, const char *other)
{
    size_t len = strlen(path), other_len = strlen(other), n = 0;
    while (n < len && n < other_len && path[len - 1 - n] == other[other_len - 1 - n])
        n++;
    return n;
}

const char *short_path_end(const char *path, size_t n_shared)
{
    const char *end = path + strlen(path);
    for (const char *at = end; at > path; at--)
        if (at[-1] == '/' && (size_t)(end - at) >= n_shared && at < end)
            return at;
    return path;
}

struct sharing {
    struct engine_hits *hits;
    size_t *n_shared; /* [hits->n] the most of any other document */
};

static enum status compare_path(void *ctx, const char *path, struct error *err)
{
    (void)err;
    struct sharing *sharing = ctx;
    for (size_t i = 0; i < sharing->hits->n; i++) {
        const char *ours = sharing->hits->hit[i].path;
        size_t n = short_path_shared(ours, path);
        if (n > sharing->n_shared[i] && strcmp(ours, path) != 0)
            sharing->n_shared[i] = n;
    }
    return STATUS_OK;
}

enum status short_path_set(struct store *store, struct engine_hits *hits, struct error *err)
{
    struct sharing sharing = {.hits = hits};
    sharing.n_shared = arena_zalloc(&hits->arena, hits->n + 1, sizeof *sharing.n_shared);
    if (!sharing.n_shared)
        return error_nomem(err);
    enum status status = store_each_path(store, compare_path, &sharing, err);
    for (size_t i = 0; i < hits->n && !status; i++)
        hits->hit[i].short_path = short_path_end(hits->hit[i].path, sharing.n_shared[i]);
    return status;
}
