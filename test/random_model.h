/* Models of other shapes than the real one, with random weights, written as a model folder. */
#ifndef RAGGED_TEST_RANDOM_MODEL_H
#define RAGGED_TEST_RANDOM_MODEL_H

#include "testing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#define N_VOCABULARY 40
#define N_POSITIONS 24
#define N_TYPES 2
#define N_TENSORS_MAX 256
#define EPSILON 1e-5

enum shape_flags {
    SHAPE_PLAIN = 0,
    SHAPE_ROBERTA = 1,    /* positions begin at 2, one token type */
    SHAPE_RAW = 2,        /* vectors are not scaled */
    SHAPE_CLASSIFIER = 4, /* a head of one label */
    SHAPE_HALVES = 8      /* weights are the upper halves of floats */
};

struct shape {
    const char *pooling; /* "mean_tokens" or "cls_token" */
    const char *prefix;  /* of the tensor names */
    size_t n_layers, dim, n_heads, n_inner;
    unsigned flags; /* enum shape_flags */
};

struct model {
    const struct shape *shape;
    char folder[64];
    char names[N_TENSORS_MAX][80];
    const float *tensors[N_TENSORS_MAX]; /* in `data` */
    size_t n_tensors, n_floats, n_floats_max;
    float *data;
    struct buf header;
    uint64_t random;
};

static inline void write_file(const struct model *m, const char *name, const void *bytes,
                              size_t len)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", m->folder, name);
    assert_ok(file_replace(path, bytes, len, 0600, &err));
}

static inline float random_float(struct model *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (float)(m->random >> 40) / 8388608.0f - 1;
}

static inline size_t width_of(const struct shape *shape)
{
    return (shape->flags & SHAPE_HALVES) ? 2 : sizeof(float);
}

/* What a file of that width can hold: the low bytes go. */
static inline void make_storable(const struct shape *shape, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        memset(&x[i], 0, sizeof x[i] - width_of(shape));
}

static inline void add_tensor(struct model *m, const char *name, size_t n_rows, size_t n_columns)
{
    size_t n = n_rows * (n_columns ? n_columns : 1), i = m->n_tensors++;
    assert_true(i < N_TENSORS_MAX && m->n_floats + n <= m->n_floats_max);
    snprintf(m->names[i], sizeof m->names[i], "%s", name);
    m->tensors[i] = m->data + m->n_floats;
    bool is_gamma = strstr(name, "LayerNorm.weight") != NULL;
    float scale = n_columns && !strstr(name, "embeddings") ? 2 / sqrtf((float)n_columns) : 1;
    for (size_t k = 0; k < n; k++)
        m->data[m->n_floats + k] = random_float(m) * scale + (is_gamma ? 1 : 0);
    make_storable(m->shape, m->data + m->n_floats, n);
    size_t width = width_of(m->shape);
    buf_printf(&m->header, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%zu", i ? "," : "{",
               m->shape->prefix, name, width == 2 ? "BF16" : "F32", n_rows);
    if (n_columns)
        buf_printf(&m->header, ",%zu", n_columns);
    buf_printf(&m->header, "],\"data_offsets\":[%zu,%zu]}", width * m->n_floats,
               width * (m->n_floats + n));
    m->n_floats += n;
}

static inline size_t n_types_of(const struct shape *shape)
{
    return (shape->flags & SHAPE_ROBERTA) ? 1 : N_TYPES;
}

static inline size_t first_position(const struct shape *shape)
{
    return (shape->flags & SHAPE_ROBERTA) ? 2 : 0;
}

static inline void add_layer(struct model *m, size_t l)
{
    size_t dim = m->shape->dim, n_inner = m->shape->n_inner;
    const struct {
        const char *name;
        size_t n_rows, n_columns;
    } parts[] = {
        {"attention.self.query", dim, dim},     {"attention.self.key", dim, dim},
        {"attention.self.value", dim, dim},     {"attention.output.dense", dim, dim},
        {"attention.output.LayerNorm", dim, 0}, {"intermediate.dense", n_inner, dim},
        {"output.dense", dim, n_inner},         {"output.LayerNorm", dim, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[80];
        snprintf(name, sizeof name, "encoder.layer.%zu.%s.weight", l, parts[i].name);
        add_tensor(m, name, parts[i].n_rows, parts[i].n_columns);
        snprintf(name, sizeof name, "encoder.layer.%zu.%s.bias", l, parts[i].name);
        add_tensor(m, name, parts[i].n_rows, 0);
    }
}

static inline void write_weights(struct model *m)
{
    size_t dim = m->shape->dim;
    add_tensor(m, "embeddings.word_embeddings.weight", N_VOCABULARY, dim);
    add_tensor(m, "embeddings.position_embeddings.weight", N_POSITIONS, dim);
    add_tensor(m, "embeddings.token_type_embeddings.weight", n_types_of(m->shape), dim);
    add_tensor(m, "embeddings.LayerNorm.weight", dim, 0);
    add_tensor(m, "embeddings.LayerNorm.bias", dim, 0);
    for (size_t l = 0; l < m->shape->n_layers; l++)
        add_layer(m, l);
    if ((m->shape->flags & SHAPE_CLASSIFIER)) {
        add_tensor(m, "pooler.dense.weight", dim, dim);
        add_tensor(m, "pooler.dense.bias", dim, 0);
        add_tensor(m, "classifier.weight", 1, dim);
        add_tensor(m, "classifier.bias", 1, 0);
    }
    buf_append_char(&m->header, '}');
    while (m->header.len % 8)
        buf_append_char(&m->header, ' ');
    struct buf file = {0};
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_append_char(&file, (char)((uint64_t)m->header.len >> shift));
    buf_append(&file, m->header.data, m->header.len);
    for (size_t i = 0; i < m->n_floats; i++) {
        size_t width = width_of(m->shape);
        buf_append(&file, (const char *)&m->data[i] + (sizeof(float) - width), width);
    }
    assert_int_equal(file.failed, STATUS_OK);
    write_file(m, "model.safetensors", file.data, file.len);
    buf_clear(&file);
}

static inline void write_config(const struct model *m)
{
    char text[640];
    int len = snprintf(text, sizeof text,
                       "{\"model_type\":\"%s\",\"hidden_act\":\"gelu\",\"num_hidden_layers\":%zu,"
                       "\"hidden_size\":%zu,\"num_attention_heads\":%zu,\"intermediate_size\":%zu,"
                       "\"vocab_size\":%d,\"max_position_embeddings\":%d,\"type_vocab_size\":%d,"
                       "\"layer_norm_eps\":1e-5%s}",
                       (m->shape->flags & SHAPE_ROBERTA) ? "xlm-roberta" : "bert",
                       m->shape->n_layers, m->shape->dim, m->shape->n_heads, m->shape->n_inner,
                       N_VOCABULARY, N_POSITIONS, (int)n_types_of(m->shape),
                       (m->shape->flags & SHAPE_CLASSIFIER)
                           ? ",\"architectures\":[\"BertForSequenceClassification\"],"
                             "\"id2label\":{\"0\":\"LABEL_0\"}"
                           : "");
    write_file(m, "config.json", text, (size_t)len);
    len = snprintf(text, sizeof text, "{\"pooling_mode_%s\":true}", m->shape->pooling);
    write_file(m, "1_Pooling/config.json", text, (size_t)len);
    static const char modules[] = "[{\"type\":\"sentence_transformers.models.Transformer\"},"
                                  "{\"type\":\"sentence_transformers.models.Pooling\"}]";
    if ((m->shape->flags & SHAPE_RAW))
        write_file(m, "modules.json", modules, sizeof modules - 1);
}

static inline void write_vocabulary(const struct model *m)
{
    struct buf text = {0};
    buf_append_text(&text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int c = 'a'; c <= 'z'; c++)
        buf_printf(&text, "%c\n", c);
    write_file(m, "vocab.txt", text.data, text.len);
    buf_clear(&text);
}

static inline void model_init(struct model *m, const struct shape *shape, uint64_t seed)
{
    struct error err;
    *m = (struct model){.shape = shape, .random = seed, .n_floats_max = 500000};
    m->data = mem_array(m->n_floats_max, sizeof *m->data);
    assert_non_null(m->data);
    snprintf(m->folder, sizeof m->folder, "/tmp/ragged-model-%ld", (long)getpid());
    char pooling[96];
    snprintf(pooling, sizeof pooling, "%s/1_Pooling", m->folder);
    assert_ok(folder_make(pooling, &err));
    write_weights(m);
    write_config(m);
    write_vocabulary(m);
}

static inline void model_clear(struct model *m)
{
    struct error err;
    assert_ok(folder_remove(m->folder, &err));
    mem_free(m->data);
    buf_clear(&m->header);
}

#endif
