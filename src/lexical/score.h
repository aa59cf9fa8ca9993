/* lexical/score.h - what one term adds to a row's score. Private to lexical/.
 *
 * Multiply, add, divide, round to nearest even, each in fp32 and in this order: every kernel does
 * the same, so every row of the kernel table gives the same number. */
#ifndef RAGGED_LEXICAL_SCORE_H
#define RAGGED_LEXICAL_SCORE_H

#include <math.h>
#include <stdint.h>

#include "lexical/lexical.h"

#define TF_MAX 65535

static inline uint32_t length_clamp(uint64_t n_terms)
{
    return n_terms < LEXICAL_LENGTH_MAX ? (uint32_t)n_terms : LEXICAL_LENGTH_MAX;
}

static inline uint32_t tf_clamp(uint64_t tf)
{
    return tf < TF_MAX ? (uint32_t)tf : TF_MAX;
}

struct score_weights {
    float factor, base, slope;
};

static inline struct score_weights score_weights_of(const struct lexical_query *query,
                                                    size_t i_term)
{
    return (struct score_weights){query->terms[i_term].factor, query->length_base,
                                  query->length_slope};
}

/* At least 1: a row that has the term is a hit, however common the term is. */
static inline int32_t score_of(struct score_weights weights, uint32_t tf, uint32_t length)
{
    float fraction =
        weights.factor * (float)tf / ((float)tf + (weights.base + weights.slope * (float)length));
    int32_t score = (int32_t)lrintf(fraction);
    return score < 1 ? 1 : score;
}

#endif
