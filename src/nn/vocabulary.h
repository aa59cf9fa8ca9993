/* nn/vocabulary.h - the word pieces of a model: vocab.txt mapped, found through a hash table.
 * Line number i (from 0) is the piece with id i; a piece that begins with "##" continues a word.
 * Immutable once open: any thread. A zeroed vocabulary is valid and empty. */
#ifndef RAGGED_NN_VOCABULARY_H
#define RAGGED_NN_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"

#define VOCABULARY_N_SPECIAL 5 /* [UNK] [CLS] [SEP] [PAD] [MASK], in this order */

struct vocabulary {
    struct span file;
    uint32_t *offsets; /* [n_pieces + 1], byte of each line in the file */
    uint32_t *slots;   /* [n_slots], open addressing: 0, or id + 1 and 8 bits of the hash on top */
    size_t n_pieces, n_slots;
    size_t n_bytes_max; /* the longest piece, "##" not counted */
    uint32_t
        *lengths; /* [VOCABULARY_N_LENGTHS], which pieces there may be: vocabulary_may_have() */
    unsigned hash_shift;
    int32_t special[VOCABULARY_N_SPECIAL]; /* -1: the model has no such piece */
};

enum vocabulary_special {
    VOCABULARY_UNK,
    VOCABULARY_CLS,
    VOCABULARY_SEP,
    VOCABULARY_PAD,
    VOCABULARY_MASK
};

/* FORMAT names the line: empty, repeated, not UTF-8, too many, or [UNK], [CLS] or [SEP] missing. */
enum status vocabulary_open(const char *path, struct vocabulary *out, struct error *err) MUST_USE;
void vocabulary_close(struct vocabulary *vocabulary);

/* The text of a special piece, e.g. "[CLS]". */
const char *vocabulary_special_text(enum vocabulary_special special);

/* The hash runs over the bytes of the piece without "##", begun with vocabulary_hash_begin(). */
static inline uint32_t vocabulary_hash_begin(bool is_continuation)
{
    return is_continuation ? 0x9E3779B1u : 0x811C9DC5u;
}

static inline uint32_t vocabulary_hash_step(uint32_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * 0x01000193u;
}

/* How many bytes decide about the lengths that pieces of one beginning have. */
#define VOCABULARY_HEAD_BYTES 3
#define VOCABULARY_N_LENGTHS 32768
#define VOCABULARY_LENGTH_MAX 31 /* of those that are noted */

static inline uint32_t vocabulary_head_slot(uint32_t head_hash)
{
    return (head_hash * 0x9E3779B1u) >> 17; /* 15 bits: VOCABULARY_N_LENGTHS */
}

/* `head_hash` is of the first VOCABULARY_HEAD_BYTES bytes. False: no piece that begins so has `len`
 * bytes, which spares most of the looks that find nothing. */
static inline bool vocabulary_may_have(const struct vocabulary *vocabulary, uint32_t head_hash,
                                       size_t len)
{
    uint32_t lengths = vocabulary->lengths[vocabulary_head_slot(head_hash)];
    return len < VOCABULARY_HEAD_BYTES || len > VOCABULARY_LENGTH_MAX || (lengths >> len & 1) != 0;
}

/* The id of the piece with these bytes (without "##") and their hash; -1 when there is none. */
int32_t vocabulary_find(const struct vocabulary *vocabulary, bool is_continuation,
                        const char *bytes, size_t len, uint32_t hash);

#endif
