/* nn/forward.h - the forward pass of a BERT-family encoder over several token sequences. */
#ifndef RAGGED_NN_FORWARD_H
#define RAGGED_NN_FORWARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "nn/kernel.h"
#include "nn/model_config.h"
#include "nn/panels.h"
#include "nn/weights.h"

struct forward {
    const struct model_config *config;
    const struct weights *weights; /* the embedding tables and the norms */
    const struct model_panels *panels;
    const struct kernel *kernel;
};

/* Memory of one thread, grown to the largest micro-batch it has seen. Zeroed is valid and empty. */
struct activations {
    void *memory;
    size_t n_bytes;
};

void activations_clear(struct activations *activations);

/* What activations grow to for micro-batches of n_tokens whose longest sequence is n_longest. */
size_t forward_bytes(const struct forward *forward, size_t n_tokens, size_t n_longest);

/* Sequences that follow each other in `ids` without padding. */
struct token_batch {
    const int32_t *ids;    /* [n_tokens], each below n_vocabulary */
    const uint8_t *types;  /* [n_tokens], each below n_types; NULL: all are 0 */
    const size_t *lengths; /* [n_sequences], each 1 .. n_positions */
    size_t n_sequences, n_tokens;
};

/* out[i * dim ..] = pooled vector of sequence i, of unit length if the configuration says so. NOMEM
 * only. */
enum status forward_run(const struct forward *forward, struct activations *activations,
                        const struct token_batch *batch, float *out, struct error *err) MUST_USE;

#endif
