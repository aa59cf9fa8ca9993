/* nn/tokenizer.h - text to the ids a model was trained on: the door of the tokenizers within this
 * room. Rows: tokenizers.c. Immutable once open: any thread. A zeroed tokenizer is valid and
 * empty. */
#ifndef RAGGED_NN_TOKENIZER_H
#define RAGGED_NN_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/status.h"
#include "nn/model_config.h"

struct tokenizer {
    const struct tokenizer_row *row;
    void *state;        /* of the row, owned */
    struct span file;   /* what decides the ids, borrowed from state: for a fingerprint */
    size_t n_ids;       /* every id is below it */
    int32_t begin, end; /* stand around every text: [CLS] and [SEP], <s> and </s> */
    size_t n_between;   /* ends between the two texts of a pair */
};

struct tokenizer_row {
    const char *name;
    const char *file; /* the row is for models whose folder has it */
    /* Fills everything but `row` of a zeroed tokenizer. After a failure close() is called too: it
     * takes a half-filled one. */
    enum status (*open)(const char *path, const struct model_config *config, struct tokenizer *out,
                        struct error *err);
    void (*close)(struct tokenizer *tokenizer);
    /* Contract of tokenizer_encode(). */
    size_t (*encode)(const struct tokenizer *tokenizer, const char *text, size_t len,
                     int32_t *out_ids, size_t n_max);
};

/* First come first served; ends with NULL. */
extern const struct tokenizer_row *const nn_tokenizers[];

/* The first row whose file is in the folder. NOT_FOUND names the files; FORMAT names file, field
 * and place; INVALID a kind of tokenizer that we do not run. */
enum status tokenizer_open(const char *folder, const struct model_config *config,
                           struct tokenizer *out, struct error *err) MUST_USE;
void tokenizer_close(struct tokenizer *tokenizer);

/* Writes at most n_max ids, begin and end not among them, and returns how many; bytes that are not
 * UTF-8 count as U+FFFD. out_ids NULL: only counts, and n_max bounds the count. */
size_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t len,
                        int32_t *out_ids, size_t n_max);

/* The same between begin and end, cut to n_max in all (>= 2). */
size_t tokenizer_encode_whole(const struct tokenizer *tokenizer, const char *text, size_t len,
                              int32_t *out_ids, size_t n_max);

struct tokenizer_pair {
    const char *a, *b; /* borrowed during the call */
    size_t a_len, b_len;
};

/* begin, a, end (n_between times), b, end: n_max (>= TOKENIZER_PAIR_MIN) in all. b is cut to what
 * a leaves, a to half of what there is. out_types: 0 as far as the last end before b, then 1. */
#define TOKENIZER_PAIR_MIN ((size_t)8)
size_t tokenizer_encode_pair(const struct tokenizer *tokenizer, const struct tokenizer_pair *pair,
                             int32_t *out_ids, uint8_t *out_types, size_t n_max);

#endif
