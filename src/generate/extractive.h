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
bool sentence_is_purpose(const struct generate_sentence *sentence);  /* "OBJECTIVE To assess" */
bool sentence_is_table_or_code(const struct generate_sentence *sentence);
bool sentence_begins_with_pronoun(const struct generate_sentence *sentence); /* "This", "They" */
size_t sentence_n_words(const struct generate_sentence *sentence);

/* What kind of answer a question asks for ("how many": a number) and what a sentence earns that has
 * one which the question does not already name: 0 when it has none or the kind is not known. */
struct answer_hint;
const struct answer_hint *answer_hint_find(const char *question); /* NULL: no kind; static */
double answer_hint_bonus(const struct answer_hint *hint, const char *question,
                         const struct generate_sentence *sentence);
bool question_wants_table_or_code(const char *question);

/* --- choosing (extractive.c) -------------------------------------------------------------------
 */

enum { EXTRACTIVE_MAX = 6 }; /* 3 sentences, each perhaps with the one before it */

/* Indices into `sentences` in the order to print; 0: nothing is good enough, abstain. */
size_t extractive_choose(const char *question, const struct generate_sentence *sentences, size_t n,
                         size_t out[EXTRACTIVE_MAX]);

/* How well a sentence supports an answer, 0..1, before any bonus; abstention is decided on it. */
double extractive_support(const struct generate_sentence *sentences, size_t n, size_t i);

#endif
