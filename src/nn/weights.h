/* nn/weights.h - the tensors of a BERT-family model, bound to their places in the mapped file.
 * All float32, row-major, borrowed from the file; aligned to 4 bytes only. */
#ifndef RAGGED_NN_WEIGHTS_H
#define RAGGED_NN_WEIGHTS_H

#include <stddef.h>

#include "base/status.h"
#include "nn/model_config.h"
#include "nn/safetensors.h"

struct linear {
    const float *w; /* [n_out][n_in] */
    const float *b; /* [n_out] */
};

struct norm {
    const float *gamma, *beta; /* [dim] */
};

struct layer {
    struct linear query, key, value, output; /* dim to dim */
    struct linear inner;                     /* dim to n_inner */
    struct linear outer;                     /* n_inner to dim */
    struct norm attention_norm, output_norm;
};

struct weights {
    const float *words;     /* [n_vocabulary][dim] */
    const float *positions; /* [n_positions - position_offset][dim], from the first token's on */
    const float *types;     /* [n_types][dim] */
    struct norm norm;
    struct layer *layers; /* [n_layers], owned */
};

/* What a classifier has on top of the encoder. */
struct head {
    struct linear pooler;     /* dim to dim */
    struct linear classifier; /* dim to n_labels */
};

/* FORMAT names the tensor that is missing or of another type or shape than config says. */
enum status weights_bind(const struct safetensors *file, const struct model_config *config,
                         struct weights *out, struct error *err) MUST_USE;
/* Likewise; config.n_labels > 0. */
enum status weights_bind_head(const struct safetensors *file, const struct model_config *config,
                              struct head *out, struct error *err) MUST_USE;
void weights_clear(struct weights *weights);

#endif
