#include "nn/cross_encoder.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/mem.h"
#include "nn/forward.h"
#include "nn/kernel.h"
#include "nn/model_config.h"
#include "nn/safetensors.h"
#include "nn/tokenizer.h"
#include "nn/weights.h"

#define BATCH_TOKENS ((size_t)512)

struct cross_encoder {
    struct model_config config; /* pooled like the classifier wants it: the first token, unscaled */
    struct tokenizer tokenizer;
    struct safetensors file;
    struct weights weights;
    struct head head;
    const struct kernel *kernel;
};

struct cross_encoder_scratch {
    const struct cross_encoder *encoder;
    struct activations activations;
    size_t n_tokens_max; /* of a micro-batch */
    int32_t *ids;        /* [n_tokens_max] */
    uint8_t *types;      /* [n_tokens_max] */
    size_t *lengths;     /* [n_tokens_max] */
    float *vectors; /* [n_tokens_max][dim] of the first tokens: a pair has at least one token */
    float *pooled;  /* [dim] */
};

static enum status check_config(const struct model_config *config, struct error *err)
{
    if (config->n_labels == 0)
        return error_set(err, STATUS_INVALID,
                         "config.json: \"architectures\" names no classifier: the model ranks no "
                         "passages");
    if (config->n_labels != 1)
        return error_set(err, STATUS_INVALID,
                         "config.json: %zu labels; only a classifier of one is supported",
                         config->n_labels);
    if (config->n_types < 2)
        return error_set(err, STATUS_INVALID,
                         "config.json: field \"type_vocab_size\" is %zu; a pair has two types",
                         config->n_types);
    if (config->n_tokens_max < TOKENIZER_PAIR_MIN)
        return error_set(err, STATUS_INVALID, "the model reads %zu tokens, too few for a pair",
                         config->n_tokens_max);
    return STATUS_OK;
}

static enum status open_weights(struct cross_encoder *e, const char *folder, struct error *err)
{
    char *path = path_join(folder, "model.safetensors");
    if (!path)
        return error_nomem(err);
    enum status status = safetensors_open(path, &e->file, err);
    if (!status)
        status = safetensors_widen(&e->file, err);
    if (!status) {
        status = weights_bind(&e->file, &e->config, &e->weights, err);
        if (!status)
            status = weights_bind_head(&e->file, &e->config, &e->head, err);
        if (status)
            error_context(err, status, "\"%s\"", path);
    }
    mem_free(path);
    return status;
}

enum status cross_encoder_open(const struct encoder_options *options, struct cross_encoder **out,
                               struct error *err)
{
    struct cross_encoder *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return error_nomem(err);
    enum status status = kernel_find(options->kernel, &e->kernel, err);
    if (!status)
        status = model_config_read(options->folder, &e->config, err);
    if (!status)
        status = check_config(&e->config, err);
    e->config.pooling = POOLING_CLS;
    e->config.is_normalised = false;
    if (!status)
        status = open_weights(e, options->folder, err);
    if (!status)
        status = tokenizer_open(options->folder, &e->config, &e->tokenizer, err);
    if (status) {
        cross_encoder_close(e);
        return status;
    }
    *out = e;
    return STATUS_OK;
}

void cross_encoder_close(struct cross_encoder *encoder)
{
    if (!encoder)
        return;
    weights_clear(&encoder->weights);
    safetensors_close(&encoder->file);
    tokenizer_close(&encoder->tokenizer);
    mem_free(encoder);
}

size_t cross_encoder_n_tokens_max(const struct cross_encoder *encoder)
{
    return encoder->config.n_tokens_max;
}

enum status cross_encoder_scratch_new(const struct cross_encoder *encoder,
                                      struct cross_encoder_scratch **out, struct error *err)
{
    struct cross_encoder_scratch *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    size_t dim = encoder->config.dim, n_floats;
    s->encoder = encoder;
    s->n_tokens_max = size_max(BATCH_TOKENS, encoder->config.n_tokens_max);
    s->ids = mem_array(s->n_tokens_max, sizeof *s->ids);
    s->types = mem_array(s->n_tokens_max, sizeof *s->types);
    s->lengths = mem_array(s->n_tokens_max, sizeof *s->lengths);
    s->pooled = mem_array(dim, sizeof *s->pooled);
    if (size_mul(s->n_tokens_max, dim, &n_floats))
        s->vectors = mem_array(n_floats, sizeof *s->vectors);
    if (!s->ids || !s->types || !s->lengths || !s->pooled || !s->vectors) {
        cross_encoder_scratch_free(s);
        return error_nomem(err);
    }
    *out = s;
    return STATUS_OK;
}

void cross_encoder_scratch_free(struct cross_encoder_scratch *scratch)
{
    if (!scratch)
        return;
    activations_clear(&scratch->activations);
    mem_free(scratch->ids);
    mem_free(scratch->types);
    mem_free(scratch->lengths);
    mem_free(scratch->vectors);
    mem_free(scratch->pooled);
    mem_free(scratch);
}

/* As many pairs as fit one micro-batch, each counted with its longest possible length. */
static size_t fill_batch(struct cross_encoder_scratch *s, const struct encoder_text *query,
                         const struct encoder_text *passages, size_t n_passages,
                         struct token_batch *out)
{
    const struct cross_encoder *e = s->encoder;
    size_t n = 0, n_tokens = 0, n_max = e->config.n_tokens_max;
    while (n < n_passages && n_tokens + n_max <= s->n_tokens_max) {
        const struct tokenizer_pair pair = {
            .a = query->text, .a_len = query->len, .b = passages[n].text, .b_len = passages[n].len};
        s->lengths[n] = tokenizer_encode_pair(&e->tokenizer, &pair, s->ids + n_tokens,
                                              s->types + n_tokens, n_max);
        n_tokens += s->lengths[n++];
    }
    *out = (struct token_batch){.ids = s->ids,
                                .types = s->types,
                                .lengths = s->lengths,
                                .n_sequences = n,
                                .n_tokens = n_tokens};
    return n;
}

static void apply(const struct kernel *kernel, const struct linear *linear, const float *x,
                  size_t n_in, size_t n_out, float *out)
{
    kernel->multiply(&(struct product){
        .a = x,
        .a_stride = n_in,
        .b = linear->w,
        .b_stride = n_in,
        .bias = linear->b,
        .out = out,
        .out_stride = n_out,
        .n_rows = 1,
        .n_columns = n_out,
        .n_inner = n_in,
    });
}

static float classify(const struct cross_encoder *e, const float *first, float *pooled)
{
    float score;
    size_t dim = e->config.dim;
    apply(e->kernel, &e->head.pooler, first, dim, dim, pooled);
    for (size_t i = 0; i < dim; i++)
        pooled[i] = tanhf(pooled[i]);
    apply(e->kernel, &e->head.classifier, pooled, dim, 1, &score);
    return score;
}

enum status cross_encoder_score(const struct cross_encoder *encoder,
                                struct cross_encoder_scratch *scratch,
                                const struct encoder_text *query,
                                const struct encoder_text *passages, size_t n_passages, float *out,
                                struct error *err)
{
    const struct forward forward = {
        .config = &encoder->config, .weights = &encoder->weights, .kernel = encoder->kernel};
    for (size_t i = 0; i < n_passages;) {
        struct token_batch batch;
        size_t n = fill_batch(scratch, query, passages + i, n_passages - i, &batch);
        enum status status =
            forward_run(&forward, &scratch->activations, &batch, scratch->vectors, err);
        if (status)
            return status;
        for (size_t k = 0; k < n; k++)
            out[i + k] =
                classify(encoder, scratch->vectors + k * encoder->config.dim, scratch->pooled);
        i += n;
    }
    return STATUS_OK;
}
