/* app/hit_json.h - a passage found, as columns of every format. */
#ifndef RAGGED_APP_HIT_JSON_H
#define RAGGED_APP_HIT_JSON_H

#include "app/records.h"
#include "search/search.h"

/* What a record of these columns is. */
struct hit_record {
    const struct engine_hit *hit;
    bool is_full, is_explained;
};
/* With "snippet" and "text": skip one. */
extern const struct column hit_columns[];
const char *hit_record_path(const void *record);

/* In JSON: {"embed_us": ...}; NULL: out of memory. */
json_t *hit_stages_json(const struct engine_hits *hits) MUST_USE;

#endif
