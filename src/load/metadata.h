/* load/metadata.h - what a document says about itself: a flat JSON object of texts, numbers,
 * booleans and lists of texts. The other half of the door load/load.h.
 *
 * Small by rule: what goes beyond a limit is left out, not an error. Names are folded to lower
 * case, with '_' for each blank; none begins with '_'. Numbers are those that JSON text gives back
 * unchanged; the others, and numbers with more than 15 digits, are texts. One thread at a time per
 * object. */
#ifndef RAGGED_LOAD_METADATA_H
#define RAGGED_LOAD_METADATA_H

#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"

#define METADATA_KEYS_MAX ((size_t)64)
#define METADATA_BYTES_MAX ((size_t)16 * 1024) /* of the JSON text */
#define METADATA_NAME_BYTES_MAX ((size_t)64)
#define METADATA_VALUE_BYTES_MAX ((size_t)1024) /* of one text; longer ones are cut */
#define METADATA_ITEMS_MAX ((size_t)64)         /* in one list */

struct metadata {
    json_t *object; /* owned; NULL while it is empty */
    size_t n_bytes; /* at least those of its JSON text */
};

/* The name as it is kept, terminated, into out. INVALID: it can't be one. */
enum status metadata_name(const char *name, size_t len, char out[METADATA_NAME_BYTES_MAX + 1],
                          struct error *err) MUST_USE;

/* How a value was written. */
enum metadata_form {
    METADATA_TEXT,      /* a text, whatever it looks like */
    METADATA_PLAIN,     /* true, false and numbers are what they look like */
    METADATA_ITEM,      /* an element of a list */
    METADATA_FORM_COUNT /* max */
};

/* A value for `name`, which is one of metadata_name(). The same name again makes a list; a value
 * that is in it already is not added. `text`: UTF-8 of one line. */
enum status metadata_add(struct metadata *metadata, const char *name, enum metadata_form form,
                         const char *text, size_t len, struct error *err) MUST_USE;
/* The same of a JSON value as above, which is borrowed; nothing when the name is there already. */
enum status metadata_add_json(struct metadata *metadata, const char *name, json_t *value,
                              struct error *err) MUST_USE;

/* Its JSON text, from `arena`; "" when there is nothing. */
enum status metadata_write(const struct metadata *metadata, struct arena *arena, const char **out,
                           struct error *err) MUST_USE;
void metadata_clear(struct metadata *metadata); /* zeroed is fine */

#endif
