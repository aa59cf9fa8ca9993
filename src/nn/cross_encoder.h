/* nn/cross_encoder.h - a model that reads a question and a passage together and scores how well
 * they fit: BERT with a pooler and a classifier of one label (ms-marco-MiniLM). Threads: an open
 * one is immutable and shared; a scratch belongs to one thread. */
#ifndef RAGGED_NN_CROSS_ENCODER_H
#define RAGGED_NN_CROSS_ENCODER_H

#include <stddef.h>

#include "base/status.h"
#include "nn/nn.h"

struct cross_encoder;
struct cross_encoder_scratch;

/* As encoder_open(); INVALID also when the model has no classifier, or one of several labels. */
enum status cross_encoder_open(const struct encoder_options *options, struct cross_encoder **out,
                               struct error *err) MUST_USE;
void cross_encoder_close(struct cross_encoder *encoder); /* NULL is fine */

size_t cross_encoder_n_tokens_max(const struct cross_encoder *encoder); /* of a pair, all in all */

enum status cross_encoder_scratch_new(const struct cross_encoder *encoder,
                                      struct cross_encoder_scratch **out,
                                      struct error *err) MUST_USE;
void cross_encoder_scratch_free(struct cross_encoder_scratch *scratch); /* NULL is fine */

/* out[i]: how well passages[i] fits the query, a logit (any finite number, more is better; the
 * logistic function makes it a probability). A passage is cut to what the model reads, a query to
 * half of that. A score does not depend on the other passages. On failure (NOMEM only) `out` holds
 * nothing of use. */
enum status cross_encoder_score(const struct cross_encoder *encoder,
                                struct cross_encoder_scratch *scratch,
                                const struct encoder_text *query,
                                const struct encoder_text *passages, size_t n_passages, float *out,
                                struct error *err) MUST_USE;

#endif
