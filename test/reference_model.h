/* The forward pass of a random model (random_model.h), plain and in double precision. */
#ifndef RAGGED_TEST_REFERENCE_MODEL_H
#define RAGGED_TEST_REFERENCE_MODEL_H

#include "random_model.h"

/* The reference: one sequence, every sum in double. */

static inline const float *tensor(const struct model *m, const char *prefix, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (size_t i = 0; i < m->n_tensors; i++) {
        if (strcmp(m->names[i], full) == 0)
            return m->tensors[i];
    }
    fail_msg("no tensor %s", full);
    return NULL;
}

static inline void reference_linear(const float *w, const float *b, const double *x, size_t n,
                                    size_t n_in, size_t n_out, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_out; j++) {
            double sum = (double)b[j];
            for (size_t k = 0; k < n_in; k++)
                sum += x[i * n_in + k] * (double)w[j * n_in + k];
            out[i * n_out + j] = sum;
        }
    }
}

static inline void reference_norm(const float *gamma, const float *beta, double *x, size_t n,
                                  size_t dim)
{
    for (size_t i = 0; i < n; i++, x += dim) {
        double mean = 0, variance = 0;
        for (size_t k = 0; k < dim; k++)
            mean += x[k] / (double)dim;
        for (size_t k = 0; k < dim; k++)
            variance += (x[k] - mean) * (x[k] - mean) / (double)dim;
        for (size_t k = 0; k < dim; k++)
            x[k] = (x[k] - mean) / sqrt(variance + EPSILON) * (double)gamma[k] + (double)beta[k];
    }
}

static inline void reference_attention(const double *q, const double *k, const double *v, size_t n,
                                       size_t dim, size_t n_heads, double *out)
{
    size_t d = dim / n_heads;
    for (size_t i = 0; i < n; i++) {
        for (size_t h = 0; h < n_heads; h++) {
            double weights[N_POSITIONS], sum = 0;
            for (size_t j = 0; j < n; j++) {
                double score = 0;
                for (size_t c = h * d; c < (h + 1) * d; c++)
                    score += q[i * dim + c] * k[j * dim + c];
                sum += weights[j] = exp(score / sqrt((double)d));
            }
            for (size_t c = h * d; c < (h + 1) * d; c++) {
                out[i * dim + c] = 0;
                for (size_t j = 0; j < n; j++)
                    out[i * dim + c] += weights[j] / sum * v[j * dim + c];
            }
        }
    }
}

#define WIDTH_MAX ((size_t)100) /* of any shape above */

static inline void reference_layer(const struct model *m, size_t l, double *x, size_t n)
{
    static double q[N_POSITIONS * WIDTH_MAX], k[N_POSITIONS * WIDTH_MAX],
        v[N_POSITIONS * WIDTH_MAX], y[N_POSITIONS * WIDTH_MAX];
    size_t dim = m->shape->dim, n_inner = m->shape->n_inner;
    char p[48];
    snprintf(p, sizeof p, "encoder.layer.%zu.", l);
    reference_linear(tensor(m, p, "attention.self.query.weight"),
                     tensor(m, p, "attention.self.query.bias"), x, n, dim, dim, q);
    reference_linear(tensor(m, p, "attention.self.key.weight"),
                     tensor(m, p, "attention.self.key.bias"), x, n, dim, dim, k);
    reference_linear(tensor(m, p, "attention.self.value.weight"),
                     tensor(m, p, "attention.self.value.bias"), x, n, dim, dim, v);
    reference_attention(q, k, v, n, dim, m->shape->n_heads, y);
    reference_linear(tensor(m, p, "attention.output.dense.weight"),
                     tensor(m, p, "attention.output.dense.bias"), y, n, dim, dim, q);
    for (size_t i = 0; i < n * dim; i++)
        x[i] += q[i];
    reference_norm(tensor(m, p, "attention.output.LayerNorm.weight"),
                   tensor(m, p, "attention.output.LayerNorm.bias"), x, n, dim);
    reference_linear(tensor(m, p, "intermediate.dense.weight"),
                     tensor(m, p, "intermediate.dense.bias"), x, n, dim, n_inner, k);
    for (size_t i = 0; i < n * n_inner; i++)
        k[i] *= 0.5 * erfc(-k[i] / sqrt(2));
    reference_linear(tensor(m, p, "output.dense.weight"), tensor(m, p, "output.dense.bias"), k, n,
                     n_inner, dim, y);
    for (size_t i = 0; i < n * dim; i++)
        x[i] += y[i];
    reference_norm(tensor(m, p, "output.LayerNorm.weight"), tensor(m, p, "output.LayerNorm.bias"),
                   x, n, dim);
}

/* The hidden states of the last layer; types NULL: all 0. */
static inline void reference_hidden(const struct model *m, const int32_t *ids, const uint8_t *types,
                                    size_t n, double *x)
{
    size_t dim = m->shape->dim, first = first_position(m->shape);
    const float *words = tensor(m, "embeddings.", "word_embeddings.weight");
    const float *positions = tensor(m, "embeddings.", "position_embeddings.weight");
    const float *type_rows = tensor(m, "embeddings.", "token_type_embeddings.weight");
    for (size_t i = 0; i < n; i++) {
        size_t type = types ? types[i] : 0;
        for (size_t c = 0; c < dim; c++)
            x[i * dim + c] = (double)words[(size_t)ids[i] * dim + c] +
                             (double)positions[(first + i) * dim + c] +
                             (double)type_rows[type * dim + c];
    }
    reference_norm(tensor(m, "embeddings.", "LayerNorm.weight"),
                   tensor(m, "embeddings.", "LayerNorm.bias"), x, n, dim);
    for (size_t l = 0; l < m->shape->n_layers; l++)
        reference_layer(m, l, x, n);
}

static inline void reference_run(const struct model *m, const int32_t *ids, size_t n, double *out)
{
    static double x[N_POSITIONS * WIDTH_MAX];
    size_t dim = m->shape->dim;
    reference_hidden(m, ids, NULL, n, x);
    double squares = 0;
    size_t n_pooled = strcmp(m->shape->pooling, "cls_token") == 0 ? 1 : n;
    for (size_t c = 0; c < dim; c++) {
        out[c] = 0;
        for (size_t i = 0; i < n_pooled; i++)
            out[c] += x[i * dim + c] / (double)n_pooled;
        squares += out[c] * out[c];
    }
    for (size_t c = 0; c < dim && !(m->shape->flags & SHAPE_RAW); c++)
        out[c] /= sqrt(squares);
}

/* The logit of a pair, of a model with SHAPE_CLASSIFIER. */
static inline double reference_score(const struct model *m, const int32_t *ids,
                                     const uint8_t *types, size_t n)
{
    static double x[N_POSITIONS * WIDTH_MAX];
    double pooled[WIDTH_MAX], score;
    size_t dim = m->shape->dim;
    reference_hidden(m, ids, types, n, x);
    reference_linear(tensor(m, "pooler.", "dense.weight"), tensor(m, "pooler.", "dense.bias"), x, 1,
                     dim, dim, pooled);
    for (size_t i = 0; i < dim; i++)
        pooled[i] = tanh(pooled[i]);
    reference_linear(tensor(m, "classifier.", "weight"), tensor(m, "classifier.", "bias"), pooled,
                     1, dim, 1, &score);
    return score;
}

#endif
