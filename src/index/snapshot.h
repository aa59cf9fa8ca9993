/* index/snapshot.h - one generation of the library, ready to be searched.
 *
 * Segments stay open from one snapshot to the next; a snapshot of the same generation costs nothing
 * but the transaction. One thread at a time per cache. */
#ifndef RAGGED_INDEX_SNAPSHOT_H
#define RAGGED_INDEX_SNAPSHOT_H

#include "lexical/lexical.h"
#include "segment/segment.h"
#include "store/store.h"
#include "vector/vector.h"

struct snapshot_segment {
    char *name;
    struct segment *segment;
    struct lexical_index *lexical; /* of a lexical segment, else NULL */
    struct vector_index *vector;   /* of a vector segment, else NULL */
    uint64_t *dead;                /* bitmap of its rows; NULL: none */
    size_t n_dead;
    bool is_listed; /* in the manifest that is being read */
};

/* The segments of one kind, as of a generation. */
struct snapshot_kind {
    struct snapshot_segment **segments;
    size_t n, n_max;
    int64_t generation; /* -1: never read */
    size_t n_lost_rows; /* in segments that are damaged or gone */
    char lost[160];     /* the first of them, and why; "" */
};

struct snapshot_cache {
    struct snapshot_kind kinds[STORE_KIND_VECTOR + 1]; /* by store_kind */
};
#define SNAPSHOT_CACHE_EMPTY  \
    ((struct snapshot_cache){ \
        .kinds = {            \
            [STORE_KIND_LEXICAL] = {.generation = -1}, [STORE_KIND_VECTOR] = {.generation = -1}}})
void snapshot_cache_clear(struct snapshot_cache *cache);

struct snapshot {
    struct store *store; /* in a read transaction */
    int64_t generation;
    const struct snapshot_kind *lexical, *vector; /* NULL: not wanted */
    struct vector_rows rows;                      /* the vector file; n_slots 0: none */
};

/* What a search needs opened. */
enum snapshot_want { SNAPSHOT_LEXICAL = 1, SNAPSHOT_VECTOR = 2 };

/* Segments that are damaged or gone are left out and told of; anything else that fails is an error.
 * `folder`: the data folder. */
enum status snapshot_begin(struct snapshot_cache *cache, struct store *store, const char *folder,
                           unsigned want, struct snapshot *out, struct error *err) MUST_USE;
/* Whether a failure may be that of the vectors alone: without SNAPSHOT_VECTOR it is worth a try. */
static inline bool snapshot_is_without_vectors(enum status status)
{
    return status == STATUS_NOT_FOUND || status == STATUS_DAMAGED || status == STATUS_IO;
}
void snapshot_end(struct snapshot *snapshot); /* zeroed is fine */

/* "<folder>/segments/<name>.seg", owned; NULL: out of memory. */
char *snapshot_segment_path(const char *folder, const char *name) MUST_USE;

/* Removes the file; one that stays is swept later. */
void snapshot_segment_unlink(const char *folder, const char *name);

#endif
