/* lexical/collector.h - the terms of a text, gathered from the analyzer. Private to lexical/. */
#ifndef RAGGED_LEXICAL_COLLECTOR_H
#define RAGGED_LEXICAL_COLLECTOR_H

#include "base/arena.h"
#include "lexical/lexical.h"

struct collector {
    struct arena arena;          /* of the bytes */
    struct analyzer_term *terms; /* owned; in order */
    size_t n, n_max;
    enum status failed;
};

/* A zeroed collector is empty. */
enum status collector_add(struct collector *collector, struct analyzer *analyzer,
                          enum analyzer_mode mode, const char *text, size_t len,
                          struct error *err) MUST_USE;
void collector_reset(struct collector *collector); /* empty, memory kept */
void collector_clear(struct collector *collector);

#endif
