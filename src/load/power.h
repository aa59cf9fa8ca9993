/* load/power.h - what is raised above the line, in text that has no such place: 2^64 is not 264. */
#ifndef RAGGED_LOAD_POWER_H
#define RAGGED_LOAD_POWER_H

#include <stddef.h>

#include "base/buf.h"

/* The text from `start` on was raised. When it reads as a power of what stands before it, it
 * becomes "^64", or "^(n+1)"; an ordinal, a footnote in brackets or a trade mark stays as it is. */
void power_mark(struct buf *text, size_t start);

#endif
