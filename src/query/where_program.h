/* query/where_program.h - a compiled expression: tests and jumps over one boolean, so that it runs
 * without recursion. Private to where.c and where_parse.c. */
#ifndef RAGGED_QUERY_WHERE_PROGRAM_H
#define RAGGED_QUERY_WHERE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "query/typed_value.h"
#include "query/where.h"

enum where_key {
    WHERE_KEY_PATH,
    WHERE_KEY_NAME,
    WHERE_KEY_TITLE,
    WHERE_KEY_KIND,
    WHERE_KEY_COLLECTION,
    WHERE_KEY_SIZE,
    WHERE_KEY_PAGES,
    WHERE_KEY_MODIFIED,
    WHERE_KEY_ADDED,
    WHERE_KEY_CHUNKS,
    WHERE_KEY_META
};

enum where_op {
    WHERE_OP_HAS,
    WHERE_OP_EQUAL,
    WHERE_OP_DIFFERENT,
    WHERE_OP_LESS,
    WHERE_OP_LESS_EQUAL,
    WHERE_OP_GREATER,
    WHERE_OP_GREATER_EQUAL,
    WHERE_OP_CONTAINS,
    WHERE_OP_LIKE,
    WHERE_OP_IN
};

struct where_literal {
    const char *text; /* terminated */
    size_t len;
    double number; /* SIZE: in bytes */
    struct date_span date;
    bool is_number, is_date;
};

struct where_test {
    enum where_key key;
    const char *name; /* META: as metadata_name() */
    enum where_op op;
    const struct where_literal *literals; /* [n_literals]; HAS: none, IN: any number, else one */
    size_t n_literals;
};

enum where_step_kind { WHERE_STEP_TEST, WHERE_STEP_NOT, WHERE_STEP_IF_FALSE, WHERE_STEP_IF_TRUE };
struct where_step {
    enum where_step_kind kind;
    size_t target; /* IF: the step to go on with, always a later one */
    struct where_test test;
};

struct where {
    const struct where_step *steps;
    size_t n_steps;
};

#endif
