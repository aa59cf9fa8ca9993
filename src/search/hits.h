/* search/hits.h - from ranked candidates to passages that are worth showing. */
#ifndef RAGGED_SEARCH_HITS_H
#define RAGGED_SEARCH_HITS_H

#include "search/fuse.h"
#include "search/search.h"
#include "store/store.h"

/* Reads the best candidates (ordered) from the store's snapshot into hits->hit, at most n_hits:
 * without those under min_score, near duplicates of a better one, and more than n_per_document of
 * one document. Texts are from hits->arena. */
enum status hits_fetch(struct store *store, const struct engine_search_options *options,
                       const struct fuse_candidate *candidates, size_t n, size_t n_hits,
                       double min_score, struct engine_hits *hits, struct error *err) MUST_USE;

/* Adds to hits->warning. Takes `text`, from hits->arena; NULL: out of memory. */
enum status hits_warn(struct engine_hits *hits, const char *text, struct error *err) MUST_USE;

/* Joins the neighbours of every hit that the options ask for. */
enum status hits_join(struct store *store, const struct engine_search_options *options,
                      struct engine_hits *hits, struct error *err) MUST_USE;

#endif
