#include "nn/forward.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

/* Rows whose feed-forward part is alive at a time: as many as the second-level cache holds. */
#define BLOCK_ROWS ((size_t)72)

/* Converted rows: a block of the inner dimension after the other. */
struct operand {
    char *values;  /* [n_blocks][n_rows][n_inner] elements */
    float *scales; /* [n_blocks][n_rows] */
};

/* The parts of one micro-batch's memory; T tokens, D dim with padding. */
struct parts {
    float *x;              /* [T][D], the hidden states */
    float *context;        /* [T][D], attention before its output layer */
    float *head;           /* [T][3 * head columns]: query, key and value of one head */
    float *hidden;         /* [BLOCK_ROWS][n_inner of a block]: a part of the inner layer */
    struct operand tokens; /* T rows of D */
    struct operand block;  /* BLOCK_ROWS rows of D */
    struct operand inner;  /* BLOCK_ROWS rows of one block of the inner layer */
    void *scratch;         /* of attention */
    size_t stride;         /* D */
};

void activations_clear(struct activations *activations)
{
    mem_free(activations->memory);
    *activations = (struct activations){0};
}

static size_t longest(const struct token_batch *batch)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->n_sequences; i++)
        n = size_max(n, batch->lengths[i]);
    return n;
}

/* Counts, and hands out when there is memory. */
struct cutter {
    char *memory;
    size_t at, element_bytes;
};

static void *cut(struct cutter *c, size_t n, size_t size_bytes)
{
    void *piece = c->memory ? c->memory + c->at : NULL;
    c->at += (n * size_bytes + 63) / 64 * 64;
    return piece;
}

static struct operand cut_operand(struct cutter *c, size_t n_rows, struct blocks blocks)
{
    struct operand operand;
    operand.values = cut(c, n_rows * blocks_padded(blocks), c->element_bytes);
    operand.scales = cut(c, n_rows * blocks.n_blocks, sizeof(float));
    return operand;
}

static void cut_parts(const struct forward *f, size_t n, size_t n_longest, struct cutter *c,
                      struct parts *out)
{
    struct blocks dim = blocks_of(f->config->dim), inner = blocks_of(f->config->n_inner);
    size_t n_head = panels_head_columns(f->config);
    out->stride = blocks_padded(dim);
    out->x = cut(c, n * out->stride, sizeof(float));
    out->context = cut(c, n * out->stride, sizeof(float));
    out->head = cut(c, n * 3 * n_head, sizeof(float));
    out->hidden = cut(c, BLOCK_ROWS * inner.n_inner, sizeof(float));
    out->tokens = cut_operand(c, n, dim);
    out->block = cut_operand(c, BLOCK_ROWS, dim);
    out->inner = cut_operand(c, BLOCK_ROWS, (struct blocks){1, inner.n_inner});
    out->scratch = cut(c, kernel_scratch_bytes(n_longest, n_head), 1);
}

static struct cutter counter_of(const struct forward *f)
{
    return (struct cutter){.element_bytes = precision_element_bytes(f->kernel->precision)};
}

size_t forward_bytes(const struct forward *forward, size_t n_tokens, size_t n_longest)
{
    struct parts parts;
    struct cutter c = counter_of(forward);
    cut_parts(forward, n_tokens, n_longest, &c, &parts);
    return c.at;
}

/* The configuration bounds every factor far below what could overflow. The old memory goes before
 * the new comes, so that the larger of them is the peak. */
static enum status take_parts(const struct forward *f, struct activations *activations,
                              const struct token_batch *batch, struct parts *out, struct error *err)
{
    size_t n_longest = longest(batch), n_bytes = forward_bytes(f, batch->n_tokens, n_longest);
    if (n_bytes > activations->n_bytes) {
        activations_clear(activations);
        activations->memory = mem_aligned(n_bytes, 1);
        if (!activations->memory)
            return error_nomem(err);
        activations->n_bytes = n_bytes;
    }
    struct cutter c = counter_of(f);
    c.memory = activations->memory;
    cut_parts(f, batch->n_tokens, n_longest, &c, out);
    return STATUS_OK;
}

static void normalise(const struct forward *f, const struct parts *p, const struct norm *norm,
                      size_t first, size_t n_rows)
{
    f->kernel->normalise(p->x + first * p->stride, p->stride, n_rows, f->config->dim, norm->gamma,
                         norm->beta, f->config->norm_epsilon);
}

static void embed_tokens(const struct forward *f, const struct token_batch *batch,
                         const struct parts *p)
{
    const struct weights *w = f->weights;
    size_t dim = f->config->dim;
    const int32_t *id = batch->ids;
    const uint8_t *types = batch->types;
    float *x = p->x;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        for (size_t at = 0; at < batch->lengths[s]; at++, id++, x += p->stride) {
            const float *word = w->words + (size_t)*id * dim, *position = w->positions + at * dim;
            const float *type = w->types + (types ? *types++ : 0) * dim;
            for (size_t i = 0; i < dim; i++)
                x[i] = word[i] + position[i] + type[i];
            memset(x + dim, 0, (p->stride - dim) * sizeof *x);
        }
    }
    normalise(f, p, &w->norm, 0, batch->n_tokens);
}

static void convert(const struct forward *f, const float *x, size_t stride, size_t n_rows,
                    struct blocks blocks, struct operand *out)
{
    size_t block_bytes = n_rows * blocks.n_inner * precision_element_bytes(f->kernel->precision);
    for (size_t b = 0; b < blocks.n_blocks; b++)
        f->kernel->convert(&(struct rows){x + b * blocks.n_inner, stride, n_rows, blocks.n_inner},
                           blocks.n_inner, out->values + b * block_bytes, out->scales + b * n_rows);
}

/* Where columns first .. first + n of a linear layer go; is_added: to what is there. */
struct target {
    float *out;
    size_t stride, n_rows, first, n;
    bool is_added, has_gelu;
};

/* `a` has n_blocks blocks, which meet those of the layer from i_block on. */
static void apply(const struct forward *f, const struct panels *panels, size_t i_block,
                  size_t n_blocks, const struct operand *a, const struct target *t)
{
    size_t element_bytes = precision_element_bytes(f->kernel->precision);
    size_t n_inner = panels->blocks.n_inner;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t layer_block = i_block + b, column = layer_block * panels->n_columns + t->first;
        bool is_last = b + 1 == n_blocks;
        f->kernel->multiply(&(struct product){
            .a = a->values + b * t->n_rows * n_inner * element_bytes,
            .a_scales = a->scales + b * t->n_rows,
            .b = panels->values + column * n_inner * element_bytes,
            .b_scales = panels->scales + column,
            .bias = layer_block == 0 ? panels->bias + t->first : panels->zeros,
            .out = t->out,
            .a_stride = n_inner,
            .out_stride = t->stride,
            .n_rows = t->n_rows,
            .n_columns = t->n,
            .n_inner = n_inner,
            .is_added = t->is_added || b > 0,
            .has_gelu = t->has_gelu && is_last,
        });
    }
}

static void run_head(const struct forward *f, const struct panels *panels, size_t h,
                     const struct token_batch *batch, const struct parts *p)
{
    size_t d = f->config->dim / f->config->n_heads, n_columns = panels_head_columns(f->config);
    size_t stride = 3 * n_columns;
    apply(f, panels, 0, panels->blocks.n_blocks, &p->tokens,
          &(struct target){.out = p->head,
                           .stride = stride,
                           .n_rows = batch->n_tokens,
                           .first = h * stride,
                           .n = stride});
    const float *head = p->head;
    float *out = p->context + h * d;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        f->kernel->attend(&(struct attention){
            .query = head,
            .key = head + n_columns,
            .value = head + 2 * n_columns,
            .stride = stride,
            .n = batch->lengths[s],
            .n_inner = n_columns,
            .scale = 1 / sqrtf((float)d),
            .out = out,
            .out_stride = p->stride,
            .n_out = d,
            .scratch = p->scratch,
        });
        head += batch->lengths[s] * stride;
        out += batch->lengths[s] * p->stride;
    }
}

/* A block of rows through the output layer of attention and the feed-forward part. The inner layer
 * is made and used one block at a time. */
static void run_rows(const struct forward *f, size_t l, size_t first, size_t n,
                     const struct parts *p)
{
    const struct panel_layer *panels = &f->panels->layers[l];
    const struct layer *layer = &f->weights->layers[l];
    struct operand block = p->block, inner = p->inner;
    struct blocks dim = panels->output.blocks, hidden = panels->outer.blocks;
    struct target sum = {.out = p->x + first * p->stride,
                         .stride = p->stride,
                         .n_rows = n,
                         .n = panels->output.n_columns,
                         .is_added = true};
    convert(f, p->context + first * p->stride, p->stride, n, dim, &block);
    apply(f, &panels->output, 0, dim.n_blocks, &block, &sum);
    normalise(f, p, &layer->attention_norm, first, n);
    convert(f, sum.out, p->stride, n, dim, &block);
    for (size_t b = 0; b < hidden.n_blocks; b++) {
        apply(f, &panels->inner, 0, dim.n_blocks, &block,
              &(struct target){.out = p->hidden,
                               .stride = hidden.n_inner,
                               .n_rows = n,
                               .first = b * hidden.n_inner,
                               .n = hidden.n_inner,
                               .has_gelu = true});
        convert(f, p->hidden, hidden.n_inner, n, (struct blocks){1, hidden.n_inner}, &inner);
        apply(f, &panels->outer, b, 1, &inner, &sum);
    }
    normalise(f, p, &layer->output_norm, first, n);
}

static void run_layer(const struct forward *f, size_t l, const struct token_batch *batch,
                      const struct parts *p)
{
    const struct panels *attention = &f->panels->layers[l].attention;
    struct operand tokens = p->tokens;
    convert(f, p->x, p->stride, batch->n_tokens, attention->blocks, &tokens);
    for (size_t h = 0; h < f->config->n_heads; h++)
        run_head(f, attention, h, batch, p);
    size_t n_blocks = (batch->n_tokens + BLOCK_ROWS - 1) / BLOCK_ROWS;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t first = batch->n_tokens * b / n_blocks;
        run_rows(f, l, first, batch->n_tokens * (b + 1) / n_blocks - first, p);
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

static void pool(const struct forward *f, const struct token_batch *batch, const struct parts *p,
                 float *out)
{
    size_t dim = f->config->dim;
    const float *x = p->x;
    for (size_t s = 0; s < batch->n_sequences; s++, out += dim) {
        memcpy(out, x, dim * sizeof *out);
        for (size_t i = 1; f->config->pooling == POOLING_MEAN && i < batch->lengths[s]; i++)
            for (size_t k = 0; k < dim; k++)
                out[k] += x[i * p->stride + k];
        finish_vector(f->config, batch->lengths[s], out);
        x += batch->lengths[s] * p->stride;
    }
}

enum status forward_run(const struct forward *forward, struct activations *activations,
                        const struct token_batch *batch, float *out, struct error *err)
{
    struct parts parts = {0};
    enum status status = take_parts(forward, activations, batch, &parts, err);
    if (status)
        return status;
    memset(parts.context, 0, batch->n_tokens * parts.stride * sizeof(float));
    embed_tokens(forward, batch, &parts);
    for (size_t l = 0; l < forward->config->n_layers; l++)
        run_layer(forward, l, batch, &parts);
    pool(forward, batch, &parts, out);
    return STATUS_OK;
}
