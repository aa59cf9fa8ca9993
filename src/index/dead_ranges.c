#include "index/dead_ranges.h"

#include "base/mem.h"

static enum status note(void *ctx, int64_t first, int64_t end, struct error *err)
{
    struct dead_ranges *dead = ctx;
    void *ranges = dead->ranges;
    enum status status = mem_reserve(&ranges, &dead->n_max, dead->n + 1, sizeof *dead->ranges, err);
    dead->ranges = ranges;
    if (!status)
        dead->ranges[dead->n++] = (struct dead_range){first, end};
    return status;
}

enum status dead_ranges_init(struct dead_ranges *dead, struct store *store, enum store_kind kind,
                             struct error *err)
{
    struct dead_ranges d = {0};
    enum status status = store_each_dead(store, kind, note, &d, err);
    if (status)
        dead_ranges_clear(&d);
    else
        *dead = d;
    return status;
}

void dead_ranges_clear(struct dead_ranges *dead)
{
    mem_free(dead->ranges);
    *dead = (struct dead_ranges){0};
}

static bool has_rows(const struct segment *segment, struct dead_range range)
{
    return segment_lower_row(segment, range.first) != segment_lower_row(segment, range.end);
}

enum status dead_ranges_forget(const struct dead_ranges *dead, struct store *store,
                               enum store_kind kind, struct snapshot_segment *const *staying,
                               size_t n_staying, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < dead->n && !status; i++) {
        size_t k = 0;
        while (k < n_staying && !has_rows(staying[k]->segment, dead->ranges[i]))
            k++;
        if (k == n_staying)
            status = store_remove_dead(store, kind, dead->ranges[i].first, err);
    }
    return status;
}
