/* index/dead_ranges.h - which of the chunk ids that were declared dead no segment has any more.
 * Private to index/. */
#ifndef RAGGED_INDEX_DEAD_RANGES_H
#define RAGGED_INDEX_DEAD_RANGES_H

#include "index/snapshot.h"

struct dead_range {
    int64_t first, end;
};
struct dead_ranges {
    struct dead_range *ranges;
    size_t n, n_max;
};

/* Every one of a kind, as of the store's snapshot. */
enum status dead_ranges_init(struct dead_ranges *dead, struct store *store, enum store_kind kind,
                             struct error *err) MUST_USE;
void dead_ranges_clear(struct dead_ranges *dead); /* zeroed is fine */

/* Inside a write: forgets those that none of the segments that stay has rows of. */
enum status dead_ranges_forget(const struct dead_ranges *dead, struct store *store,
                               enum store_kind kind, struct snapshot_segment *const *staying,
                               size_t n_staying, struct error *err) MUST_USE;

#endif
