/* nn/nn.h - the native sentence encoder: a BERT-family model read from its own files, mapped, no
 * conversion. Threads: an open encoder is immutable and shared; a scratch belongs to one thread. */
#ifndef RAGGED_NN_NN_H
#define RAGGED_NN_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

struct encoder;
struct encoder_scratch;

struct encoder_options {
    const char *
        folder; /* model.safetensors, config.json, vocab.txt, and the sentence-transformers files */
    const char *kernel; /* a row of the kernel table, e.g. "scalar-fp32"; NULL or "auto": the best
                           this CPU runs */
    const char *precision; /* "fp32", "int16" or "bf16" narrow that choice; NULL or "auto": any */
    const char *cache_folder; /* where the packed weights are kept as a file; NULL: nowhere */
    bool is_lasting;          /* many texts will follow: a copy of that file in huge pages pays */
};

/* Reads and checks everything. FORMAT names file, field and offset; NOT_FOUND a missing file;
 * INVALID an unknown kernel or precision (naming them) or an architecture we do not run. */
enum status encoder_open(const struct encoder_options *options, struct encoder **out,
                         struct error *err) MUST_USE;
void encoder_close(struct encoder *encoder); /* NULL is fine */

size_t encoder_dim(const struct encoder *encoder);
size_t encoder_n_tokens_max(const struct encoder *encoder); /* with [CLS] and [SEP] */
const char *encoder_kernel(const struct encoder *encoder);  /* name of the row in use */
/* Names the vectors: model and precision class, equal for all kernels of a class and all machines,
 * e.g. "minilm-l6-h384-uncased:53aa5117:fp32": the name in config.json, a hash of the header, the
 * biases and norms, the vocabulary and the pooling (the large tensors are not read for it), the
 * class. Borrowed from encoder. */
const char *encoder_fingerprint(const struct encoder *encoder);

/* The name of kernel row i, best first; NULL past the end. nn_kernel_runs(): on this CPU. */
const char *nn_kernel_name(size_t i);
int nn_kernel_runs(const char *name);

/* Word pieces of `text` without special tokens, not truncated. Any thread. */
size_t encoder_count_tokens(const struct encoder *encoder, const char *text, size_t len);

/* Ids with [CLS] and [SEP], truncated to n_max in total (>= 2); returns how many were written. */
size_t encoder_tokenize(const struct encoder *encoder, const char *text, size_t len,
                        int32_t *out_ids, size_t n_max);

enum status encoder_scratch_new(const struct encoder *encoder, struct encoder_scratch **out,
                                struct error *err) MUST_USE;
void encoder_scratch_free(struct encoder_scratch *scratch); /* NULL is fine */

/* A micro-batch is what goes through the layers together. It takes texts while they have at most
 * so many tokens, and always one; no result depends on it. A new scratch has
 * ENCODER_BATCH_TOKENS. */
#define ENCODER_BATCH_TOKENS ((size_t)512)
enum status encoder_scratch_resize(struct encoder_scratch *scratch, size_t n_tokens,
                                   struct error *err) MUST_USE;
/* The most memory that a scratch takes which was never larger than n_tokens. */
size_t encoder_scratch_bytes(const struct encoder *encoder, size_t n_tokens);

struct encoder_text {
    const char *text; /* borrowed during the call */
    size_t len;
};

/* Calls with this scratch end with CANCELLED between two micro-batches; borrowed, NULL: never. */
void encoder_scratch_watch(struct encoder_scratch *scratch, const struct cancel *cancel);

/* out[i * dim ..] = vector of texts[i], of unit length unless the model's files leave that out.
 * Texts of any length and mix, truncated at n_tokens_max; the result for a text does not depend on
 * its neighbours. On failure (NOMEM, CANCELLED) `out` holds nothing of use. */
enum status encoder_encode(const struct encoder *encoder, struct encoder_scratch *scratch,
                           const struct encoder_text *texts, size_t n_texts, float *out,
                           struct error *err) MUST_USE;

/* How many tokens the last call of encoder_encode() read, special ones too. */
size_t encoder_scratch_n_tokens(const struct encoder_scratch *scratch);

#include "nn/cross_encoder.h" /* the part of this door that ranks passages */

#endif
