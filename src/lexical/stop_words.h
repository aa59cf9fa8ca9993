/* lexical/stop_words.h - English words that say how a question is asked, not what about. Private to
 * lexical/. */
#ifndef RAGGED_LEXICAL_STOP_WORDS_H
#define RAGGED_LEXICAL_STOP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

bool stop_words_contain(const char *word, size_t len); /* lower case */

#endif
