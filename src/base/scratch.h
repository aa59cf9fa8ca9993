/* base/scratch.h - a folder for as long as one command runs, in $TMPDIR, else /tmp. A lock in it is
 * held until its process ends, however that ends: a folder whose lock is free was left behind by a
 * killed one, and whoever opens the next removes it. One thread at a time. */
#ifndef RAGGED_BASE_SCRATCH_H
#define RAGGED_BASE_SCRATCH_H

#include "base/status.h"

struct scratch;

/* A new one, in "ragged-<what>-" and six letters more, both of mode 0700. Of what others left only
 * folders of this user are removed, that nobody else may open; what can't be removed stays. */
enum status scratch_open(const char *what, struct scratch **out, struct error *err) MUST_USE;
const char *scratch_path(const struct scratch *scratch); /* borrowed until it is closed */
/* Removes it with everything in it. On failure too it is over, and what is left goes with the next
 * scratch_open(). NULL is fine. */
enum status scratch_close(struct scratch *scratch, struct error *err) MUST_USE;

#endif
