/* nn/lattice.h - the best way to cut one word after the other into scored pieces (Viterbi), in
 * memory of a fixed size.
 *
 * A word longer than the window is cut where all ways that can still win agree; they do after a few
 * characters of any language. When they do not within the whole window, the best way so far is
 * taken. One thread at a time. */
#ifndef RAGGED_NN_LATTICE_H
#define RAGGED_NN_LATTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/unigram.h"

#define LATTICE_BYTES ((size_t)8192) /* > TRIE_KEY_BYTES_MAX + 4 */

struct lattice {
    const struct unigram *unigram;
    int32_t *out_ids; /* NULL: only count */
    size_t n_ids, n_max;
    size_t n_bytes;        /* of the word in the window */
    size_t n_done;         /* every piece that begins before it is known */
    bool is_after_unknown; /* unknown characters beside each other are one id */
    char bytes[LATTICE_BYTES];
    /* Of the best way that ends at a byte: its score, and the last piece and its length. */
    double scores[LATTICE_BYTES + 1];
    int32_t ids[LATTICE_BYTES + 1];
    uint16_t lengths[LATTICE_BYTES + 1]; /* 0: no way ends here */
};

void lattice_init(struct lattice *lattice, const struct unigram *unigram, int32_t *out_ids,
                  size_t n_max);
void lattice_add(struct lattice *lattice, uint32_t codepoint); /* to the word */
void lattice_end(struct lattice *lattice);                     /* of the word; empty is fine */
void lattice_emit(struct lattice *lattice, int32_t id);        /* between words */

static inline bool lattice_is_full(const struct lattice *lattice)
{
    return lattice->n_ids >= lattice->n_max;
}

static inline size_t lattice_n_ids(const struct lattice *lattice)
{
    return lattice->n_ids;
}

#endif
