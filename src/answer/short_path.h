/* answer/short_path.h - the shortest end of a path that no other document has, for people to read.
 * Private to answer/. */
#ifndef RAGGED_ANSWER_SHORT_PATH_H
#define RAGGED_ANSWER_SHORT_PATH_H

#include "search/search.h"
#include "store/store.h"

/* How many bytes two different paths end with in common. Pure, as the next; any thread. */
size_t short_path_shared(const char *path, const char *other);
/* The fewest last parts of `path` that paths do not have which share at most n_shared bytes with
 * its end; borrowed from it. */
const char *short_path_end(const char *path, size_t n_shared);

/* Sets short_path of every hit by the paths of the library. */
enum status short_path_set(struct store *store, struct engine_hits *hits,
                           struct error *err) MUST_USE;

#endif
