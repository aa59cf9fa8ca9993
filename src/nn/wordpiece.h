/* nn/wordpiece.h - text to word piece ids, as the BERT tokenizer does it: special tokens written
 * literally, clean-up, NFD without marks and lower case as far as the casing says, split on white
 * space, punctuation and CJK, then the longest pieces greedily. Pure functions: any thread, no
 * allocation. */
#ifndef RAGGED_NN_WORDPIECE_H
#define RAGGED_NN_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "nn/model_config.h"
#include "nn/vocabulary.h"

#define WORDPIECE_WORD_CHARS 100 /* a longer word is one [UNK] */

/* Writes at most n_max ids (no [CLS], no [SEP] added) and returns how many; bytes that are not
 * UTF-8 are dropped like U+FFFD. out_ids NULL: only counts, and n_max bounds the count. */
size_t wordpiece_encode(const struct vocabulary *vocabulary, enum casing casing, const char *text,
                        size_t len, int32_t *out_ids, size_t n_max);

#endif
