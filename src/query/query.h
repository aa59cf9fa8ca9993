/* query/query.h - conditions on documents, as they are asked for. */
#ifndef RAGGED_QUERY_QUERY_H
#define RAGGED_QUERY_QUERY_H

#include <stddef.h>

/* Conditions on documents, all of which must hold; zeroed: none. */
struct engine_filter {
    const char *const *wheres; /* expressions: query/where.h; CONDITIONS in the manual page */
    size_t n_wheres;
    const char *since, *until; /* modified within; dates, NULL: open */
    const char *const *kinds;  /* one of these */
    size_t n_kinds;
    const char *const *documents; /* one of these paths */
    size_t n_documents;
};

#endif
