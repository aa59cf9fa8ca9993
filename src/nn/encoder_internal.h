/* nn/encoder_internal.h - what the cross-encoder uses of an open encoder. */
#ifndef RAGGED_NN_ENCODER_INTERNAL_H
#define RAGGED_NN_ENCODER_INTERNAL_H

#include "nn/forward.h"
#include "nn/model_config.h"
#include "nn/nn.h"
#include "nn/safetensors.h"
#include "nn/tokenizer.h"

/* All borrowed from the encoder. */
struct encoder_parts {
    const struct model_config *config;
    const struct tokenizer *tokenizer;
    const struct safetensors *file;
};
struct encoder_parts encoder_parts(const struct encoder *encoder);

/* forward_run() over tokens of the caller. */
enum status encoder_run(const struct encoder *encoder, struct encoder_scratch *scratch,
                        const struct token_batch *batch, float *out, struct error *err) MUST_USE;

#endif
