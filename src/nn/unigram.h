/* nn/unigram.h - text to ids as the sentencepiece models of the XLM-R family do it: added tokens
 * written literally, normalisation by the model's own map, "U+2581" before every word, then the
 * pieces whose scores add up to the most (Viterbi). Immutable once read: any thread. A zeroed
 * unigram may be cleared. */
#ifndef RAGGED_NN_UNIGRAM_H
#define RAGGED_NN_UNIGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"
#include "nn/charsmap.h"
#include "nn/trie.h"

#define UNIGRAM_SPACE 0x2581u /* stands for a space in pieces */
#define UNIGRAM_ADDED_MAX ((size_t)1024)

/* A token that is found in the text before anything else happens to it. */
struct unigram_added {
    const char *text; /* owned by memory */
    size_t len;       /* >= 1 */
    int32_t id;
    bool strips_left, strips_right; /* takes the white space beside it along */
};

struct unigram {
    struct trie pieces;
    double *scores; /* [n_pieces], owned */
    size_t n_pieces, n_ids;
    size_t n_bytes_max; /* the longest piece */
    double unknown_score;
    int32_t unknown, begin, end;
    size_t n_between; /* ends between the texts of a pair */
    struct charsmap charsmap;
    struct unigram_added *added; /* [n_added], owned by memory; longer ones first */
    size_t n_added;
    bool begins_added[256];
    bool splits_at_white_space; /* which is left out; else only spaces become U+2581 */
    bool splits_at_space;       /* a word begins at each U+2581 */
    uint32_t space_run;         /* replaces two and more spaces; 0: nothing does */
    struct arena memory;
};

/* From the value of a tokenizer.json. FORMAT and INVALID name the field and element. */
enum status unigram_read(const json_t *json, struct unigram *out, struct error *err) MUST_USE;
void unigram_clear(struct unigram *unigram);

/* As tokenizer_encode(). */
size_t unigram_encode(const struct unigram *unigram, const char *text, size_t len, int32_t *out_ids,
                      size_t n_max);

#endif
