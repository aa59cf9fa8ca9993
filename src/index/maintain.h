/* index/maintain.h - the long work behind searches: tails become segments, segments become one,
 * what nobody needs goes away.
 *
 * One maintainer at a time per data folder, under <data>/maintain.lock; everybody else reads and
 * writes on, and may add segments of new documents. A segment file is complete and durable before
 * one short transaction names it; readers of an older generation keep the files they mapped.
 * Stopped at any point, this leaves files that no manifest names: the next maintainer sweeps them.
 * One thread at a time per maintainer. */
#ifndef RAGGED_INDEX_MAINTAIN_H
#define RAGGED_INDEX_MAINTAIN_H

#include "base/cancel.h"
#include "governor/governor.h"
#include "index/snapshot.h"

struct maintainer {
    const char *folder; /* borrowed */
    unsigned n_threads;
    const struct cancel *cancel;
    struct governor *governor; /* borrowed; NULL: merges may be of any size */
    struct store *store;       /* its own */
    struct snapshot_cache segments;
};

enum status maintainer_init(struct maintainer *maintainer, const char *folder, unsigned n_threads,
                            struct governor *governor, const struct cancel *cancel,
                            struct error *err) MUST_USE;
void maintainer_clear(struct maintainer *maintainer); /* zeroed is fine */

/* A snapshot with the segments of one kind; *out_all is borrowed from the maintainer. */
enum status maintainer_snapshot(struct maintainer *maintainer, enum store_kind kind,
                                struct snapshot *out, const struct snapshot_kind **out_all,
                                struct error *err) MUST_USE;

/* DUE: what has grown past its bounds; done at once when nothing has, or when another process is at
 * it. ALL: one segment of each kind in the end; BUSY when another process does not finish. */
enum maintain_extent { MAINTAIN_DUE, MAINTAIN_ALL };
enum status maintain(struct maintainer *maintainer, enum maintain_extent extent,
                     struct error *err) MUST_USE;

/* The segment files of stopped processes: no manifest names them, and they are too old to be named
 * soon. Takes no lock. */
enum status maintain_each_stray(const char *folder, struct store *store,
                                enum status (*each)(void *ctx, const char *path, struct error *err),
                                void *ctx, struct error *err) MUST_USE;

/* Are there segments that can't be read? */
enum status maintain_has_lost(struct maintainer *maintainer, bool *out, struct error *err) MUST_USE;

/* Builds the segments of a kind anew from the database: of every chunk, or only of those in
 * segments that can't be read. Terms are made with `analyzer`. *out_n: chunks that were indexed. */
enum maintain_rebuild { MAINTAIN_REBUILD_LOST, MAINTAIN_REBUILD_ALL };
enum status maintain_rebuild(struct maintainer *maintainer, enum maintain_rebuild what,
                             struct analyzer *analyzer, size_t *out_n, struct error *err) MUST_USE;

/* A tail of so many rows is due, and so many segments of about one size. */
#define MAINTAIN_TAIL_ROWS 2048
#define MAINTAIN_FAN_IN 8

#endif
