/* index/merge.h - several segments of a kind become one. Private to index/; maintain.lock is
 * held.
 *
 * Tiered: a tier holds segments of up to eight times the rows of the tier below; when eight have
 * gathered in one they become one of the next. So a row is rewritten once a tier, and a search asks
 * a few dozen segments at most. A segment a quarter of whose rows are dead is written anew. */
#ifndef RAGGED_INDEX_MERGE_H
#define RAGGED_INDEX_MERGE_H

#include "index/maintain.h"

/* One merge, when one is due. *out_has_merged: something was done, there may be more. */
enum status merge_segments(struct maintainer *maintainer, enum store_kind kind,
                           enum maintain_extent extent, bool *out_has_merged,
                           struct error *err) MUST_USE;

#endif
