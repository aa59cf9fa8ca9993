/* lexical/tail_constraints.h - does one row of the tail have what a query insists on? Private to
 * lexical/. One thread at a time. */
#ifndef RAGGED_LEXICAL_TAIL_CONSTRAINTS_H
#define RAGGED_LEXICAL_TAIL_CONSTRAINTS_H

#include "lexical/lexical.h"

struct tail_constraints;
enum status tail_constraints_new(const struct lexical_query *query, struct tail_constraints **out,
                                 struct error *err) MUST_USE;
void tail_constraints_free(struct tail_constraints *constraints); /* NULL is fine */

/* For each row: begin, mark the query's terms that it has, then ask. */
void tail_constraints_begin(struct tail_constraints *constraints);
void tail_constraints_mark(struct tail_constraints *constraints, uint32_t i_term);
/* DAMAGED: the blob is. */
enum status tail_constraints_allow(struct tail_constraints *constraints, const void *blob,
                                   size_t len, bool *out, struct error *err) MUST_USE;

#endif
