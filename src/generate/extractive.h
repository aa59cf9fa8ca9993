/* generate/extractive.h - which sentences answer a question best. Pure functions, any thread. */
#ifndef RAGGED_GENERATE_EXTRACTIVE_H
#define RAGGED_GENERATE_EXTRACTIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "generate/generate.h"

/* --- what a sentence looks like (sentence_traits.c); English where words matter ----------------
 */

bool sentence_is_heading(const struct generate_sentence *sentence);  /* "METHODS:", "RESULTS" */
bool sentence_is_question(const struct generate_sentence *sentence); /* ends in '?' */
bool sentence_is_fragment(const struct generate_sentence *sentence); /* no full stop: a title */
bool sentence_is_lead_in(const struct generate_sentence *sentence);  /* ends in ':' */
bool sentence_is_cut(const struct generate_sentence *sentence);      /* its begin is missing */
bool sentence_is_purpose(const struct generate_sentence *sentence);  /* "OBJECTIVE To assess" */
bool sentence_is_table_or_code(const struct generate_sentence *sentence);
bool sentence_leans_back(const struct generate_sentence *sentence); /* "They ...", "But ..." */
size_t sentence_n_words(const struct generate_sentence *sentence);

/* What kind of answer a question asks for ("how many": a number) and what a sentence earns that has
 * one which the question does not already name: 0 when it has none or the kind is not known. */
struct answer_hint;
const struct answer_hint *answer_hint_find(const char *question); /* NULL: no kind; static */
double answer_hint_bonus(const struct answer_hint *hint, const char *question,
                         const struct generate_sentence *sentence);
/* The question can only be answered with a number or a date, and the sentence has none. */
bool answer_hint_excludes(const struct answer_hint *hint, const char *question,
                          const struct generate_sentence *sentence);
/* "License: MIT"; _of: the question asks for a licence. */
bool sentence_is_field(const struct generate_sentence *sentence);
bool sentence_is_field_of(const struct generate_sentence *sentence, const char *question);
bool question_wants_table_or_code(const char *question);

/* --- choosing (extractive.c) -------------------------------------------------------------------
 */

/* Indices into `sentences` in the order to print: passage by passage, that of the best sentence
 * first, each in its own order; 0: nothing is good enough, abstain. */
size_t extractive_choose(const char *question, const struct generate_sentence *sentences, size_t n,
                         size_t out[GENERATE_QUOTES_MAX]);

/* How well a sentence supports an answer, 0..1, before any bonus; abstention is decided on it. */
double extractive_support(const struct generate_sentence *sentences, size_t n, size_t i);

#endif
