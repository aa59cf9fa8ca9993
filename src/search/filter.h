/* search/filter.h - which rows a search may find. Private to search/. One thread at a time. */
#ifndef RAGGED_SEARCH_FILTER_H
#define RAGGED_SEARCH_FILTER_H

#include "index/snapshot.h"
#include "query/where.h"
#include "search/search.h"

struct filter {
    bool is_active;     /* false: every document */
    int64_t *documents; /* allowed ones, ascending */
    size_t n, n_max;
};

/* What a document must be, beside what the options say; NULL: nothing. */
#define FILTER_N_WHERES 2
struct filter_wheres {
    const struct where *wheres[FILTER_N_WHERES];
};

/* Looks at every document of the store when fewer than all are asked for. NOT_FOUND: an unknown
 * collection. */
enum status filter_init(struct filter *filter, struct store *store,
                        const struct engine_search_options *options,
                        const struct filter_wheres *wheres, struct error *err) MUST_USE;
void filter_clear(struct filter *filter); /* zeroed is fine */

bool filter_has_document(const struct filter *filter, int64_t document_id);

/* Bitmap of the segment's rows that are alive and allowed, owned (mem_free()); NULL: all of them.
 */
enum status filter_rows(const struct filter *filter, const struct snapshot_segment *segment,
                        uint64_t **out_allowed, size_t *out_n_allowed, struct error *err) MUST_USE;

#endif
