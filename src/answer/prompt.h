/* answer/prompt.h - passages and a question become what a language model reads. Private to answer/.
 */
#ifndef RAGGED_ANSWER_PROMPT_H
#define RAGGED_ANSWER_PROMPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "search/search.h"

/* What a model is told to answer when the passages do not hold the answer. */
#define PROMPT_NOT_FOUND "NOT IN DOCUMENTS"

struct prompt_options {
    const char *question;
    const struct engine_hit *hits; /* best first */
    size_t n_hits;
    size_t n_tokens_budget; /* of system and user together */
    bool is_small;          /* a small model: no numbering, no citation rule */
};

struct prompt {
    const char *system, *user; /* from the arena */
    size_t n_passages;         /* the first so many hits are in it, each whole */
    size_t n_tokens;           /* estimate of both, on the high side */
};

/* LIMIT: not even the question and the best passage fit. */
enum status prompt_build(const struct prompt_options *options, struct arena *arena,
                         struct prompt *out, struct error *err) MUST_USE;

/* A count no tokenizer we know of passes on ordinary text: bytes / 3, and more for other scripts.
 */
size_t prompt_estimate_tokens(const char *text, size_t len);

/* Appends "name, p. 4" or "name, line 12". */
void prompt_append_place(const struct engine_hit *hit, struct buf *out);

#endif
