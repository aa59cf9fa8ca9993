/* answer/quotation.h - where the quotes of an extractive answer stand. Private to answer/. */
#ifndef RAGGED_ANSWER_QUOTATION_H
#define RAGGED_ANSWER_QUOTATION_H

#include "answer/answer.h"
#include "generate/generate.h"
#include "search/search.h"

struct quotation {
    const struct engine_hit *hits;
    const struct generate_sentence *sentences; /* their texts are parts of the hits' */
    const size_t *quotes;                      /* indices into `sentences`, passage by passage */
    size_t n_quotes;
};

/* One citation a passage, numbered in the order of the quotes; its span is the first run of
 * sentences quoted from there. From `arena`. */
enum status quotation_cite(const struct quotation *quotation, struct arena *arena,
                           struct engine_citation **out, size_t *out_n, struct error *err) MUST_USE;

#endif
