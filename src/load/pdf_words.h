/* load/pdf_words.h - is the hyphen at a line end part of the word?
 *
 * Joined when the joined word occurs elsewhere in the document at least as often as the hyphenated
 * one; also when neither occurs (nearly all line-end hyphens are soft). */
#ifndef RAGGED_LOAD_PDF_WORDS_H
#define RAGGED_LOAD_PDF_WORDS_H

#include <stddef.h>

#include "base/buf.h"
#include "load/tally.h"

/* Counts the words of text and its hyphenated pairs; those broken by PDF_TEXT_HYPHEN don't count.
 * Failure sticks in `words`. */
void pdf_words_count(struct tally *words, const char *text, size_t len);

/* Appends text with each PDF_TEXT_HYPHEN gone or turned into '-'. */
void pdf_words_join(const struct tally *words, const char *text, size_t len, struct buf *out);

#endif
