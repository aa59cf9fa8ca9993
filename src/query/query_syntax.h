/* query/query_syntax.h - what a person types to search: words, "a phrase", -word, -"a phrase",
 * prefix*, field:value.
 *
 * Everything that is not clearly one of these is plain words: a lone quote, "-5", "a - b", "C*",
 * "note: this", an address. A sign counts at the beginning or behind a blank: a minus before a
 * letter or a quote, a quote that ends before a blank, a mark of punctuation or the end, a star
 * behind two letters or more and before a blank. Fields are
 *
 *     path: name:             a glob (* ? [) or a part of it
 *     title: meta.KEY:        a part of it (meta: a number or date behind the colon is compared)
 *     kind: collection:       as it is
 *     after: before:          modified since a date; before it
 *
 * with a value in quotes or up to the next blank, and "-" before one turns it round. Pure, any
 * thread. */
#ifndef RAGGED_QUERY_QUERY_SYNTAX_H
#define RAGGED_QUERY_QUERY_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "lexical/lexical.h"
#include "query/where.h"

struct query_syntax {
    const char *text; /* what is wanted, without signs: to be embedded; terminated */
    const struct lexical_clause *clauses;
    size_t n_clauses;
    const char *where_text;    /* the fields as one expression of query/where.h; "": none */
    const struct where *where; /* the same, compiled; NULL: none */
};

/* Everything in *out is from `arena`. INVALID: nothing is wanted but exclusions or fields; a value
 * that a field can't have. */
enum status query_syntax_parse(const char *text, struct arena *arena, struct query_syntax *out,
                               struct error *err) MUST_USE;

#endif
