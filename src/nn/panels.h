/* nn/panels.h - the linear layers of a model as right sides of products (see kernel.h), in one
 * piece of memory whose layout follows from the configuration and the precision alone: so it can be
 * packed from the weights or mapped from a file. */
#ifndef RAGGED_NN_PANELS_H
#define RAGGED_NN_PANELS_H

#include <stddef.h>

#include "base/span.h"
#include "base/status.h"
#include "nn/kernel.h"
#include "nn/model_config.h"
#include "nn/weights.h"

/* How a dimension is cut into blocks: n_blocks * n_inner is what it takes with padding. */
struct blocks {
    size_t n_blocks, n_inner; /* n_inner: a multiple of KERNEL_PANEL, at most KERNEL_INNER_MAX */
};
struct blocks blocks_of(size_t n);

static inline size_t blocks_padded(struct blocks blocks)
{
    return blocks.n_blocks * blocks.n_inner;
}

/* One linear layer; borrowed from the memory of the model. */
struct panels {
    const char *values;  /* [n_blocks] of panels of n_columns x n_inner elements */
    const float *scales; /* [n_blocks][n_columns] */
    const float *bias;   /* [n_columns], zeros where there is no column: of the first block */
    const float *zeros;  /* [n_columns], of the others */
    size_t n_columns;    /* padded */
    struct blocks blocks;
};

struct panel_layer {
    /* Columns by head: query, key, value, each padded to whole panels. */
    struct panels attention;
    struct panels output, inner, outer;
};

struct model_panels {
    struct panel_layer *layers; /* [n_layers], owned */
    size_t n_bytes;             /* of the memory */
};

/* Columns of query, key or value of one head, padded. */
size_t panels_head_columns(const struct model_config *config);

size_t panels_bytes(const struct model_config *config, enum precision precision);

/* The layers over `memory`, which has panels_bytes(), is aligned to 64 bytes, is borrowed and may
 * be empty still. NOMEM. */
enum status panels_bind(const struct model_config *config, enum precision precision,
                        const void *memory, struct model_panels *out, struct error *err) MUST_USE;
void panels_clear(struct model_panels *panels);

/* Fills the memory that `panels` was bound to. */
void panels_pack(const struct model_config *config, const struct weights *weights,
                 const struct kernel *kernel, const struct model_panels *panels);

#endif
