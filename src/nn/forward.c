#include "nn/forward.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

#define BLOCK_ROWS ((size_t)48) /* rows whose inner layer or attention is alive at a time */

/* The parts of one micro-batch's memory; T tokens, S the longest sequence. */
struct parts {
    float *x;                   /* [T][dim], the hidden states */
    float *context;             /* [T][dim], attention before its output layer */
    float *query, *key, *value; /* [T][head_dim] of one head */
    float *block;               /* [BLOCK_ROWS][max(S, n_inner)] */
    float *sum;                 /* [BLOCK_ROWS][dim] */
};

static size_t head_dim(const struct model_config *config)
{
    return config->dim / config->n_heads;
}

static size_t longest(const struct token_batch *batch)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->n_sequences; i++)
        n = size_max(n, batch->lengths[i]);
    return n;
}

/* The configuration bounds every factor far below what could overflow. */
static enum status take_parts(const struct forward *f, struct activations *activations,
                              const struct token_batch *batch, struct parts *out, struct error *err)
{
    const struct model_config *c = f->config;
    size_t n = batch->n_tokens, n_head = n * head_dim(c);
    size_t n_block = BLOCK_ROWS * size_max(longest(batch), c->n_inner);
    size_t n_floats = 2 * n * c->dim + 3 * n_head + n_block + BLOCK_ROWS * c->dim;
    if (n_floats > activations->n_floats_max) {
        float *larger = mem_aligned(n_floats, sizeof *larger);
        if (!larger)
            return error_nomem(err);
        mem_free(activations->floats);
        activations->floats = larger;
        activations->n_floats_max = n_floats;
    }
    out->x = activations->floats;
    out->context = out->x + n * c->dim;
    out->query = out->context + n * c->dim;
    out->key = out->query + n_head;
    out->value = out->key + n_head;
    out->block = out->value + n_head;
    out->sum = out->block + n_block;
    return STATUS_OK;
}

void activations_clear(struct activations *activations)
{
    mem_free(activations->floats);
    *activations = (struct activations){0};
}

static void add_to(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void embed_tokens(const struct forward *f, const struct token_batch *batch, float *x)
{
    const struct weights *w = f->weights;
    size_t dim = f->config->dim;
    const int32_t *id = batch->ids;
    const uint8_t *types = batch->types;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        for (size_t at = 0; at < batch->lengths[s]; at++, id++, x += dim) {
            memcpy(x, w->words + (size_t)*id * dim, dim * sizeof *x);
            add_to(x, w->positions + at * dim, dim);
            add_to(x, w->types + (types ? *types++ : 0) * dim, dim);
            f->kernel->normalise(x, dim, &w->norm, f->config->norm_epsilon);
        }
    }
}

/* n_out rows of a linear layer, from row `first`. */
static void apply_linear(const struct forward *f, const struct linear *linear, size_t first,
                         size_t n_out, size_t n_in, const float *x, size_t n_rows, float *out)
{
    f->kernel->multiply(&(struct product){
        .a = x,
        .a_stride = n_in,
        .b = linear->w + first * n_in,
        .b_stride = n_in,
        .bias = linear->b + first,
        .out = out,
        .out_stride = n_out,
        .n_rows = n_rows,
        .n_columns = n_out,
        .n_inner = n_in,
    });
}

/* One head of one sequence: rows first .. first + n of the parts, columns at `context`. */
static void attend(const struct forward *f, const struct parts *p, size_t first, size_t n,
                   float *context)
{
    size_t d = head_dim(f->config), dim = f->config->dim;
    float scale = 1 / sqrtf((float)d);
    for (size_t begin = 0; begin < n; begin += BLOCK_ROWS) {
        size_t n_rows = size_min(BLOCK_ROWS, n - begin);
        f->kernel->multiply(&(struct product){
            .a = p->query + (first + begin) * d,
            .a_stride = d,
            .b = p->key + first * d,
            .b_stride = d,
            .out = p->block,
            .out_stride = n,
            .n_rows = n_rows,
            .n_columns = n,
            .n_inner = d,
        });
        for (size_t i = 0; i < n_rows; i++)
            f->kernel->softmax(p->block + i * n, n, scale);
        f->kernel->mix(&(struct product){
            .a = p->block,
            .a_stride = n,
            .b = p->value + first * d,
            .b_stride = d,
            .out = context + (first + begin) * dim,
            .out_stride = dim,
            .n_rows = n_rows,
            .n_columns = d,
            .n_inner = n,
        });
    }
}

static void run_attention(const struct forward *f, const struct layer *layer,
                          const struct token_batch *batch, const struct parts *p)
{
    size_t dim = f->config->dim, d = head_dim(f->config), n = batch->n_tokens;
    for (size_t h = 0; h < f->config->n_heads; h++) {
        apply_linear(f, &layer->query, h * d, d, dim, p->x, n, p->query);
        apply_linear(f, &layer->key, h * d, d, dim, p->x, n, p->key);
        apply_linear(f, &layer->value, h * d, d, dim, p->x, n, p->value);
        size_t first = 0;
        for (size_t s = 0; s < batch->n_sequences; first += batch->lengths[s++])
            attend(f, p, first, batch->lengths[s], p->context + h * d);
    }
}

/* x += y, then layer norm, row by row. */
static void add_and_normalise(const struct forward *f, const struct norm *norm, float *x,
                              const float *y, size_t n_rows)
{
    size_t dim = f->config->dim;
    for (size_t i = 0; i < n_rows; i++) {
        add_to(x + i * dim, y + i * dim, dim);
        f->kernel->normalise(x + i * dim, dim, norm, f->config->norm_epsilon);
    }
}

static void run_layer(const struct forward *f, const struct layer *layer,
                      const struct token_batch *batch, const struct parts *p)
{
    size_t dim = f->config->dim, n_inner = f->config->n_inner;
    run_attention(f, layer, batch, p);
    for (size_t begin = 0; begin < batch->n_tokens; begin += BLOCK_ROWS) {
        size_t n = size_min(BLOCK_ROWS, batch->n_tokens - begin);
        float *x = p->x + begin * dim;
        apply_linear(f, &layer->output, 0, dim, dim, p->context + begin * dim, n, p->sum);
        add_and_normalise(f, &layer->attention_norm, x, p->sum, n);
        apply_linear(f, &layer->inner, 0, n_inner, dim, x, n, p->block);
        f->kernel->gelu(p->block, n * n_inner);
        apply_linear(f, &layer->outer, 0, dim, n_inner, p->block, n, p->sum);
        add_and_normalise(f, &layer->output_norm, x, p->sum, n);
    }
}

static void scale_to_unit(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    float factor = squares > 0 ? (float)(1 / sqrt(squares)) : 0;
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

/* Scaling to unit length makes the division of a mean needless. */
static void finish_vector(const struct model_config *config, size_t n_tokens, float *x)
{
    if (config->is_normalised) {
        scale_to_unit(x, config->dim);
        return;
    }
    float factor = config->pooling == POOLING_MEAN ? 1 / (float)n_tokens : 1;
    for (size_t i = 0; i < config->dim; i++)
        x[i] *= factor;
}

static void pool(const struct forward *f, const struct token_batch *batch, const float *x,
                 float *out)
{
    size_t dim = f->config->dim;
    for (size_t s = 0; s < batch->n_sequences; s++, out += dim) {
        memcpy(out, x, dim * sizeof *out);
        for (size_t i = 1; f->config->pooling == POOLING_MEAN && i < batch->lengths[s]; i++)
            add_to(out, x + i * dim, dim);
        finish_vector(f->config, batch->lengths[s], out);
        x += batch->lengths[s] * dim;
    }
}

enum status forward_run(const struct forward *forward, struct activations *activations,
                        const struct token_batch *batch, float *out, struct error *err)
{
    struct parts parts = {0};
    enum status status = take_parts(forward, activations, batch, &parts, err);
    if (status)
        return status;
    embed_tokens(forward, batch, parts.x);
    for (size_t l = 0; l < forward->config->n_layers; l++)
        run_layer(forward, &forward->weights->layers[l], batch, &parts);
    pool(forward, batch, parts.x, out);
    return STATUS_OK;
}
