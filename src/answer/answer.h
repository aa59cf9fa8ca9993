/* answer/answer.h - questions to answers whose citations were checked. */
#ifndef RAGGED_ANSWER_ANSWER_H
#define RAGGED_ANSWER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/status.h"
#include "search/search.h"

struct engine;

enum engine_support { ENGINE_SUPPORT_YES, ENGINE_SUPPORT_NO };
struct engine_citation {
    size_t number; /* [n] in the answer: 1, 2, ... in the order in which they first appear */
    size_t i_hit;  /* in hits */
    size_t quote_start,
        quote_len;  /* the supporting span, in hits.hit[i_hit].text; checked to be there */
    double support; /* 0..1 */
};
struct engine_answer {
    char *text;                        /* the checked answer with [n] marks; owned */
    bool is_found;                     /* false: "not in your documents" */
    struct engine_citation *citations; /* in order of number */
    size_t n_citations;
    size_t n_unsupported;                    /* sentences marked as unsupported */
    size_t n_removed;                        /* citation numbers that named no passage */
    const char *generator, *model, *reasons; /* who answered, and why not the ones before */
    const char *label;  /* "Quoted from your documents (no language model configured)" or "" */
    const char *finish; /* "stop", "length", "error": it broke off and text is what there is */
    unsigned degraded;  /* bits of enum engine_degraded, those of its search too */
    size_t n_passages_given, n_passages_dropped; /* packed into the window */
    size_t n_tokens_prompt, n_tokens_answer;
    bool is_cached; /* given before, in the same state of the library */
    int64_t search_us, generate_us;
    struct engine_hits hits;
    struct arena arena;
};
struct engine_answer_options {
    struct engine_search_options search;
    size_t n_tokens_max; /* 0: 512 */
    double temperature;
    uint64_t seed;
    /* A model's pieces as they come, unchecked; the checked text follows in the answer. Quotes are
     * there at once and need no check. May be NULL. */
    void (*on_text)(void *ctx, const char *text, size_t len);
    /* Once, before the first piece: who answers. May be NULL. */
    void (*on_start)(void *ctx, const char *generator, const char *model, const char *reasons);
    void *ctx;
    const struct cancel *cancel;
};
struct engine_answer_options engine_answer_options_default(void);
/* Nothing relevant: is_found = false and no model is called. */
enum status engine_answer(struct engine *engine, const char *question,
                          const struct engine_answer_options *options, struct engine_answer *out,
                          struct error *err) MUST_USE;
void engine_answer_clear(struct engine_answer *answer);

#endif
