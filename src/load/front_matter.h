/* load/front_matter.h - the YAML block on top of a Markdown file as metadata. Worker side.
 *
 * Texts, numbers, booleans and lists of them; what is nested gets dotted names ("author.name").
 * "tags" and "keywords" written as one text are lists. "title" is not among them: it is the title.
 * A block that is not YAML as a whole (`title: Part 1: more`) is read entry by entry, and an entry
 * that is none is a text. Never a failure of the document. */
#ifndef RAGGED_LOAD_FRONT_MATTER_H
#define RAGGED_LOAD_FRONT_MATTER_H

#include "base/span.h"
#include "load/sink.h"

/* The lines between the two marks, UTF-8. */
void front_matter_send(struct span block, struct sink *sink);

#endif
