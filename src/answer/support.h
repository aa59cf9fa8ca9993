/* answer/support.h - does a passage say what a sentence says, and where? Private to answer/. */
#ifndef RAGGED_ANSWER_SUPPORT_H
#define RAGGED_ANSWER_SUPPORT_H

#include "engine/engine_parts.h"

struct support {
    double score;      /* 0..1 */
    size_t start, len; /* the span of the passage */
    bool has_numbers;  /* every number of the sentence is in the passage */
};

/* A sentence's words, parsed once and compared with many passages. Borrowed from `arena` and
 * `text`. */
struct support_claim {
    struct engine *engine;
    const char *text;
    size_t len;
    struct lexical_query words; /* each of the same weight */
    const float *vector;        /* made when first needed */
    struct arena *arena;
};

/* A claim without content words ("Yes.") has words.n_terms = 0. */
enum status support_claim_init(struct support_claim *claim, struct engine *engine, const char *text,
                               size_t len, struct arena *arena, struct error *err) MUST_USE;

/* The best span of `passage`: one sentence, or two in a row when together they cover clearly more.
 */
enum status support_find(struct support_claim *claim, const char *passage, struct support *out,
                         struct error *err) MUST_USE;

bool support_is_enough(const struct support *support);

#endif
