/* page/flame.h - a flame graph: what a run did, by stage and by what it was part of, each as wide
 * as the time it took. A pure function of the tree. */
#ifndef RAGGED_PAGE_FLAME_H
#define RAGGED_PAGE_FLAME_H

#include "base/buf.h"
#include "base/trace_data.h"

enum flame_clock { FLAME_CPU, FLAME_WALL };

/* Appends an SVG. `title` and `note` are lines of text above and below it. */
void flame_draw(const struct trace_tree *tree, enum flame_clock clock, const char *title,
                const char *note, struct buf *out);

#endif
