/* query/where.h - conditions on documents: `kind = pdf and (pages > 10 or tags = "to read")`.
 *
 *     any  = all { "or" all }
 *     all  = one { "and" one }
 *     one  = "not" one | "(" any ")" | "has" key | key op value | key "in" list
 *     list = "(" value { "," value } ")"
 *     op   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "like"
 *
 * Keys: path, name, title, kind, collection, size, pages, modified, added, chunks; any other, and
 * any behind "meta.", is metadata. Keys and values of several words stand in quotes, single or
 * double; a backslash makes the character behind it plain. Words in any case.
 *
 * Two numbers compare as numbers, else two dates as dates, else texts, whatever their case (paths
 * by "=", "!=" and "in" byte by byte). A date is all of its year, month or day: "modified =
 * 2024-05" is any time in May, "<= 2024-05" up to its end. "~" is: contains. "like" is a glob, of
 * path and name. Of a list one element is enough; "!=" wants all to differ. Without the key every
 * comparison is false, "!=" too; an order that has no sense (a text and a number) is false as well.
 *
 * Bounded: WHERE_BYTES_MAX, WHERE_TESTS_MAX, WHERE_DEPTH_MAX, WHERE_VALUE_BYTES_MAX. Matching is
 * pure and allocates nothing. */
#ifndef RAGGED_QUERY_WHERE_H
#define RAGGED_QUERY_WHERE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "query/query.h"
#include "store/store.h"

#define WHERE_BYTES_MAX ((size_t)16 * 1024) /* of one expression */
#define WHERE_TESTS_MAX 1024                /* in all expressions of one filter */
#define WHERE_DEPTH_MAX 64                  /* of parentheses and "not" */
#define WHERE_VALUE_BYTES_MAX 1024          /* of one value */

/* Immutable; everything in it is from the arena. Any number of threads. */
struct where;

/* INVALID names the place. `text` is not needed afterwards. */
enum status where_compile(const char *text, struct arena *arena, const struct where **out,
                          struct error *err) MUST_USE;
/* All conditions of a filter; NULL when it has none. */
enum status where_compile_filter(const struct engine_filter *filter, struct arena *arena,
                                 const struct where **out, struct error *err) MUST_USE;

bool where_matches(const struct where *where, const struct store_document *document);

/* Appends text as a quoted key or value. */
void where_quote(const char *text, size_t len, struct buf *out);

#endif
