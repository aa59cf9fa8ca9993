/* app/value.h - what a value typed by the user may be, and saying no with the alternatives.
 * Pure functions, any thread. */
#ifndef RAGGED_APP_VALUE_H
#define RAGGED_APP_VALUE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

enum value_type {
    VALUE_FLAG, /* of an option: there or not there */
    VALUE_TEXT,
    VALUE_PATH,
    VALUE_URL,    /* http:// or https:// */
    VALUE_COUNT,  /* whole number in min..max */
    VALUE_NUMBER, /* number in min..max */
    VALUE_SIZE,   /* bytes in min..max, "512M", "2G"; empty: 0, nothing was said */
    VALUE_SWITCH, /* true, false and their usual spellings */
    VALUE_CHOICE  /* one of choices, in any case */
};

struct value_rule {
    enum value_type type;
    double min, max;            /* COUNT, NUMBER, SIZE: both included */
    const char *const *choices; /* CHOICE: ends with NULL */
};

struct value {
    const char *text; /* borrowed; CHOICE and SWITCH: the canonical spelling */
    double number;    /* COUNT, NUMBER, SIZE; SWITCH: 0 or 1 */
};

/* `what` begins the sentence when the text does not fit: "--limit", "environment variable X".
 * INVALID names what would fit. out->text borrows from `text` or from the rule. */
enum status value_check(const struct value_rule *rule, const char *what, const char *text,
                        struct value *out, struct error *err) MUST_USE;

/* Appends "0..1", "text|json", "true|false" or nothing. */
void value_describe(const struct value_rule *rule, struct buf *out);

/* Collects the names that would have been right. Begin with {.wrong = text}. */
struct suggestion {
    const char *wrong;
    struct buf names;
    char best[64];
    size_t distance; /* of best; meaningless while best is empty */
};
void suggestion_offer(struct suggestion *suggestion, const char *name);
/* Sets the hint of `err` ("did you mean "--limit"? <label>: ...") and clears the suggestion. */
void suggestion_finish(struct suggestion *suggestion, const char *label, struct error *err);

#endif
