/* index/rebuild.h - segments made anew from what the database has. Private to index/;
 * maintain.lock is held. */
#ifndef RAGGED_INDEX_REBUILD_H
#define RAGGED_INDEX_REBUILD_H

#include "index/maintain.h"

/* Replaces the segments of a kind (ALL), or those that can't be read (LOST), by new ones with every
 * chunk that is in no tail and in no segment that stays. Adds the number of those to *io_n. The
 * terms' analyzer becomes the library's. BUSY: the library was cleared meanwhile. */
enum status rebuild_kind(struct maintainer *maintainer, enum store_kind kind,
                         enum maintain_rebuild what, struct analyzer *analyzer, size_t *io_n,
                         struct error *err) MUST_USE;

#endif
