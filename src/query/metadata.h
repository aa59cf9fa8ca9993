/* query/metadata.h - the metadata of a stored document: what it says of itself (load/metadata.h),
 * and over that what the user gave with `add`.
 *
 * A list named "_given" tells which are the user's: they stay when the file changes. It is never
 * shown and never compared. Texts here are JSON; "" stands for an empty object. */
#ifndef RAGGED_QUERY_METADATA_H
#define RAGGED_QUERY_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

/* What the user gives: "name=value"; a name again makes a list, an empty value takes it back. ""
 * for n = 0. INVALID: no '=' or no name. LIMIT: too many or too long. */
enum status metadata_given_parse(const char *const *texts, size_t n, struct arena *arena,
                                 const char **out, struct error *err) MUST_USE;

/* The user's part of a stored document's metadata. */
enum status metadata_given_of(const char *meta, struct arena *arena, const char **out,
                              struct error *err) MUST_USE;

/* What was given before, and now: now wins. */
enum status metadata_given_join(const char *before, const char *now, struct arena *arena,
                                const char **out, bool *out_is_changed, struct error *err) MUST_USE;

/* What is stored for a document that says `loaded` of itself. */
enum status metadata_join(const char *loaded, const char *given, struct arena *arena,
                          const char **out, struct error *err) MUST_USE;

/* What may be shown of it: without the list of names. */
enum status metadata_show(const char *meta, struct arena *arena, const char **out,
                          struct error *err) MUST_USE;

/* Reads the elements of one value, any bytes, without allocating. */
#define METADATA_ELEMENT_BYTES_MAX 4096
struct metadata_reader {
    const char *at; /* NULL: nothing more */
    bool is_list;
    char text[METADATA_ELEMENT_BYTES_MAX]; /* of the element at hand, cut when longer */
    size_t len;
};
/* Is there a value under this name (as metadata_name() of load/metadata.h folds it)? */
bool metadata_find(const char *meta, const char *name, struct metadata_reader *out);
bool metadata_next(struct metadata_reader *reader);

#endif
