#include "nn/panels.h"

#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"

/* Equal blocks without padding where the dimension allows it. */
struct blocks blocks_of(size_t n)
{
    size_t n_least = (n + KERNEL_INNER_MAX - 1) / KERNEL_INNER_MAX;
    for (size_t n_blocks = n_least; n_blocks <= 2 * n_least; n_blocks++) {
        if (n % (n_blocks * KERNEL_PANEL) == 0)
            return (struct blocks){n_blocks, n / n_blocks};
    }
    return (struct blocks){n_least, kernel_round_up((n + n_least - 1) / n_least)};
}

size_t panels_head_columns(const struct model_config *config)
{
    return kernel_round_up(config->dim / config->n_heads);
}

/* Hands out the memory piece by piece; without memory it only counts. */
struct cutter {
    const char *memory;
    size_t at, element_bytes;
};

static const void *cut(struct cutter *c, size_t n_bytes)
{
    const char *piece = c->memory ? c->memory + c->at : NULL;
    c->at += n_bytes;
    return piece;
}

static void cut_panels(struct cutter *c, size_t n_columns, size_t n_in, struct panels *out)
{
    out->n_columns = n_columns;
    out->blocks = blocks_of(n_in);
    out->values = cut(c, n_columns * blocks_padded(out->blocks) * c->element_bytes);
    out->scales = cut(c, out->blocks.n_blocks * n_columns * sizeof(float));
    out->bias = cut(c, n_columns * sizeof(float));
    out->zeros = cut(c, n_columns * sizeof(float));
}

static void cut_layer(struct cutter *c, const struct model_config *config, struct panel_layer *out)
{
    size_t dim = config->dim, n_inner = config->n_inner;
    cut_panels(c, 3 * config->n_heads * panels_head_columns(config), dim, &out->attention);
    cut_panels(c, kernel_round_up(dim), dim, &out->output);
    cut_panels(c, blocks_padded(blocks_of(n_inner)), dim, &out->inner);
    cut_panels(c, kernel_round_up(dim), n_inner, &out->outer);
}

size_t panels_bytes(const struct model_config *config, enum precision precision)
{
    struct cutter c = {.element_bytes = precision_element_bytes(precision)};
    struct panel_layer layer;
    cut_layer(&c, config, &layer);
    return c.at * config->n_layers;
}

enum status panels_bind(const struct model_config *config, enum precision precision,
                        const void *memory, struct model_panels *out, struct error *err)
{
    struct cutter c = {.memory = memory, .element_bytes = precision_element_bytes(precision)};
    struct panel_layer *layers = mem_array(config->n_layers, sizeof *layers);
    if (!layers)
        return error_nomem(err);
    for (size_t l = 0; l < config->n_layers; l++)
        cut_layer(&c, config, &layers[l]);
    *out = (struct model_panels){.layers = layers, .n_bytes = c.at};
    return STATUS_OK;
}

void panels_clear(struct model_panels *panels)
{
    mem_free(panels->layers);
    *panels = (struct model_panels){0};
}

/* Columns first .. first + n (padded: zeros) from the rows of a linear layer. */
static void pack_columns(const struct kernel *kernel, const struct panels *p, size_t first,
                         const struct linear *linear, size_t i_row, size_t n, size_t n_in)
{
    size_t element_bytes = precision_element_bytes(kernel->precision);
    struct blocks blocks = p->blocks;
    for (size_t b = 0; b < blocks.n_blocks; b++) {
        size_t n_here = size_min(blocks.n_inner, n_in - size_min(n_in, b * blocks.n_inner));
        struct rows rows = {linear->w + i_row * n_in + b * blocks.n_inner, n_in, n, n_here};
        size_t at = (b * p->n_columns + first) * blocks.n_inner * element_bytes;
        kernel->pack(&rows, blocks.n_inner, (char *)(uintptr_t)p->values + at,
                     (float *)(uintptr_t)p->scales + b * p->n_columns + first);
    }
    float *bias = (float *)(uintptr_t)p->bias + first,
          *zeros = (float *)(uintptr_t)p->zeros + first;
    memset(bias, 0, kernel_round_up(n) * sizeof *bias);
    memset(zeros, 0, kernel_round_up(n) * sizeof *zeros);
    memcpy(bias, linear->b + i_row, n * sizeof *bias);
}

static void pack_attention(const struct kernel *kernel, const struct model_config *config,
                           const struct layer *layer, const struct panels *p)
{
    const struct linear *parts[] = {&layer->query, &layer->key, &layer->value};
    size_t n = config->dim / config->n_heads, n_columns = panels_head_columns(config);
    for (size_t h = 0; h < config->n_heads; h++)
        for (size_t i = 0; i < 3; i++)
            pack_columns(kernel, p, (3 * h + i) * n_columns, parts[i], h * n, n, config->dim);
}

void panels_pack(const struct model_config *config, const struct weights *weights,
                 const struct kernel *kernel, const struct model_panels *panels)
{
    for (size_t l = 0; l < config->n_layers; l++) {
        const struct layer *from = &weights->layers[l];
        const struct panel_layer *to = &panels->layers[l];
        pack_attention(kernel, config, from, &to->attention);
        pack_columns(kernel, &to->output, 0, &from->output, 0, config->dim, config->dim);
        pack_columns(kernel, &to->inner, 0, &from->inner, 0, config->n_inner, config->dim);
        pack_columns(kernel, &to->outer, 0, &from->outer, 0, config->dim, config->n_inner);
    }
}
