/* load/entity.h - HTML character references inside Markdown, and text of raw HTML there. */
#ifndef RAGGED_LOAD_ENTITY_H
#define RAGGED_LOAD_ENTITY_H

#include <stddef.h>

#include "base/buf.h"

/* Appends what "&name;", "&#10;" or "&#xA;" stands for; an unknown one as it is written. */
void entity_decode(const char *text, size_t len, struct buf *out);

/* Appends `html` without its tags. */
void entity_strip_tags(const char *html, size_t len, struct buf *out);

#endif
