#include "nn/weights.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Rows or columns of a tensor, as fields of the configuration. */
enum extent {
    EXTENT_NONE, /* the tensor has one dimension */
    EXTENT_DIM,
    EXTENT_INNER,
    EXTENT_VOCABULARY,
    EXTENT_POSITIONS,
    EXTENT_TYPES,
    EXTENT_LABELS
};

struct binding {
    const char *name;
    size_t at; /* offset of the pointer in struct weights, layer or head */
    enum extent n_rows, n_columns;
};

static const struct binding model_bindings[] = {
    {"embeddings.word_embeddings.weight", offsetof(struct weights, words), EXTENT_VOCABULARY,
     EXTENT_DIM},
    {"embeddings.position_embeddings.weight", offsetof(struct weights, positions), EXTENT_POSITIONS,
     EXTENT_DIM},
    {"embeddings.token_type_embeddings.weight", offsetof(struct weights, types), EXTENT_TYPES,
     EXTENT_DIM},
    {"embeddings.LayerNorm.weight", offsetof(struct weights, norm.gamma), EXTENT_DIM, EXTENT_NONE},
    {"embeddings.LayerNorm.bias", offsetof(struct weights, norm.beta), EXTENT_DIM, EXTENT_NONE},
};

static const struct binding layer_bindings[] = {
    {"attention.self.query.weight", offsetof(struct layer, query.w), EXTENT_DIM, EXTENT_DIM},
    {"attention.self.query.bias", offsetof(struct layer, query.b), EXTENT_DIM, EXTENT_NONE},
    {"attention.self.key.weight", offsetof(struct layer, key.w), EXTENT_DIM, EXTENT_DIM},
    {"attention.self.key.bias", offsetof(struct layer, key.b), EXTENT_DIM, EXTENT_NONE},
    {"attention.self.value.weight", offsetof(struct layer, value.w), EXTENT_DIM, EXTENT_DIM},
    {"attention.self.value.bias", offsetof(struct layer, value.b), EXTENT_DIM, EXTENT_NONE},
    {"attention.output.dense.weight", offsetof(struct layer, output.w), EXTENT_DIM, EXTENT_DIM},
    {"attention.output.dense.bias", offsetof(struct layer, output.b), EXTENT_DIM, EXTENT_NONE},
    {"attention.output.LayerNorm.weight", offsetof(struct layer, attention_norm.gamma), EXTENT_DIM,
     EXTENT_NONE},
    {"attention.output.LayerNorm.bias", offsetof(struct layer, attention_norm.beta), EXTENT_DIM,
     EXTENT_NONE},
    {"intermediate.dense.weight", offsetof(struct layer, inner.w), EXTENT_INNER, EXTENT_DIM},
    {"intermediate.dense.bias", offsetof(struct layer, inner.b), EXTENT_INNER, EXTENT_NONE},
    {"output.dense.weight", offsetof(struct layer, outer.w), EXTENT_DIM, EXTENT_INNER},
    {"output.dense.bias", offsetof(struct layer, outer.b), EXTENT_DIM, EXTENT_NONE},
    {"output.LayerNorm.weight", offsetof(struct layer, output_norm.gamma), EXTENT_DIM, EXTENT_NONE},
    {"output.LayerNorm.bias", offsetof(struct layer, output_norm.beta), EXTENT_DIM, EXTENT_NONE},
};

static const struct binding head_bindings[] = {
    {"pooler.dense.weight", offsetof(struct head, pooler.w), EXTENT_DIM, EXTENT_DIM},
    {"pooler.dense.bias", offsetof(struct head, pooler.b), EXTENT_DIM, EXTENT_NONE},
    {"classifier.weight", offsetof(struct head, classifier.w), EXTENT_LABELS, EXTENT_DIM},
    {"classifier.bias", offsetof(struct head, classifier.b), EXTENT_LABELS, EXTENT_NONE},
};

static size_t extent_size(const struct model_config *config, enum extent extent)
{
    switch (extent) {
    case EXTENT_DIM:
        return config->dim;
    case EXTENT_INNER:
        return config->n_inner;
    case EXTENT_VOCABULARY:
        return config->n_vocabulary;
    case EXTENT_POSITIONS:
        return config->n_positions;
    case EXTENT_TYPES:
        return config->n_types;
    case EXTENT_LABELS:
        return config->n_labels;
    case EXTENT_NONE:
        break;
    }
    return 1;
}

static enum status check_tensor(const struct tensor *t, const struct binding *binding,
                                const struct model_config *config, struct error *err)
{
    size_t n_rows = extent_size(config, binding->n_rows);
    size_t n_columns = extent_size(config, binding->n_columns);
    size_t n_dims = binding->n_columns == EXTENT_NONE ? 1 : 2;
    if (strcmp(t->dtype, "F32") != 0)
        return error_set(err, STATUS_INVALID,
                         "tensor \"%.200s\" is of type %s; only F32 is supported", t->name,
                         t->dtype);
    if (t->n_dims != n_dims || t->shape[0] != n_rows || (n_dims == 2 && t->shape[1] != n_columns))
        return error_set(err, STATUS_FORMAT,
                         "tensor \"%.200s\" at offset %zu: its shape is not the %zu x %zu of the "
                         "configuration",
                         t->name, t->offset, n_rows, n_columns);
    if ((uintptr_t)t->data.bytes % sizeof(float) != 0)
        return error_set(err, STATUS_FORMAT,
                         "tensor \"%.200s\" at offset %zu is not aligned to 4 bytes", t->name,
                         t->offset);
    return STATUS_OK;
}

/* Some files name the tensors of the encoder "bert.x", because they hold more than the encoder. */
static const struct tensor *find_tensor(const struct safetensors *file, const char *name)
{
    const struct tensor *t = safetensors_find(file, name);
    char prefixed[160];
    snprintf(prefixed, sizeof prefixed, "bert.%s", name);
    return t ? t : safetensors_find(file, prefixed);
}

static enum status bind_tensor(const struct safetensors *file, const struct model_config *config,
                               const char *prefix, const struct binding *binding, void *object,
                               struct error *err)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, binding->name);
    const struct tensor *t = find_tensor(file, name);
    if (!t)
        return error_set(err, STATUS_FORMAT, "tensor \"%s\" is missing", name);
    enum status status = check_tensor(t, binding, config, err);
    if (status)
        return status;
    const float *data = (const float *)t->data.bytes;
    memcpy((char *)object + binding->at, &data, sizeof data);
    return STATUS_OK;
}

static enum status bind_all(const struct safetensors *file, const struct model_config *config,
                            struct weights *weights, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < sizeof model_bindings / sizeof model_bindings[0]; i++)
        status = bind_tensor(file, config, "", &model_bindings[i], weights, err);
    for (size_t l = 0; !status && l < config->n_layers; l++) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "encoder.layer.%zu.", l);
        for (size_t i = 0; !status && i < sizeof layer_bindings / sizeof layer_bindings[0]; i++)
            status =
                bind_tensor(file, config, prefix, &layer_bindings[i], &weights->layers[l], err);
    }
    return status;
}

enum status weights_bind(const struct safetensors *file, const struct model_config *config,
                         struct weights *out, struct error *err)
{
    struct weights weights = {.layers = mem_zalloc(config->n_layers, sizeof *weights.layers)};
    if (!weights.layers)
        return error_nomem(err);
    enum status status = bind_all(file, config, &weights, err);
    if (status) {
        weights_clear(&weights);
        return status;
    }
    weights.positions += config->position_offset * config->dim;
    *out = weights;
    return STATUS_OK;
}

enum status weights_bind_head(const struct safetensors *file, const struct model_config *config,
                              struct head *out, struct error *err)
{
    struct head head = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < sizeof head_bindings / sizeof head_bindings[0]; i++)
        status = bind_tensor(file, config, "", &head_bindings[i], &head, err);
    if (!status)
        *out = head;
    return status;
}

void weights_clear(struct weights *weights)
{
    mem_free(weights->layers);
    *weights = (struct weights){0};
}
