/* index/flush.h - the tail of a kind becomes a segment. Private to index/; maintain.lock is held.
 */
#ifndef RAGGED_INDEX_FLUSH_H
#define RAGGED_INDEX_FLUSH_H

#include "index/maintain.h"

/* The oldest rows of a tail that has at least n_rows_min of them. *out_has_flushed: something was
 * done, there may be more. */
enum status flush_tail(struct maintainer *maintainer, enum store_kind kind, size_t n_rows_min,
                       bool *out_has_flushed, struct error *err) MUST_USE;

#endif
