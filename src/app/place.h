/* app/place.h - where a passage is, for people and for programs. Pure functions, any thread. */
#ifndef RAGGED_APP_PLACE_H
#define RAGGED_APP_PLACE_H

#include "app/output.h"
#include "base/json.h"
#include "search/search.h"

enum { PLACE_SNIPPET_BYTES = 300 };

/* "smith2019.pdf, p. 4", "notes.md:12-14"; a link on a terminal. The path is
 * hit->short_path when `is_short`. */
void place_print(struct output *out, const struct engine_hit *hit, bool is_short);

/* "file:///a%20b.pdf#page=4"; NULL: out of memory. */
json_t *place_uri_json(const struct engine_hit *hit) MUST_USE;

/* Adds page, line_start, line_end, byte_start, byte_end; what is not known is null. */
bool place_put(json_t *object, const struct engine_hit *hit) MUST_USE;

/* One line of at most n_max bytes. NULL: out of memory. */
json_t *place_snippet_json(const char *text, size_t len, size_t n_max) MUST_USE;
void place_print_snippet(struct output *out, const char *text, size_t len, size_t n_max);

#endif
