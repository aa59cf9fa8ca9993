/* engine/degraded.h - going on without a part that failed. */
#ifndef RAGGED_ENGINE_DEGRADED_H
#define RAGGED_ENGINE_DEGRADED_H

#include <string.h>

#include "engine/engine_parts.h"

/* Whether the engine may go on without a part: else its failure is the caller's. */
bool degraded_is_allowed(const struct engine *engine);

/* What the library was made with is not ours; what it says nothing of fits. */
static inline bool degraded_is_other(const char *stored, const char *ours)
{
    return stored && *stored && strcmp(stored, ours) != 0;
}

/* Counts each bit as one thing that was worked without. */
void degraded_count(const struct engine *engine, unsigned bits);

#endif
