#include "nn/nn.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "nn/encoder_internal.h"
#include "nn/forward.h"
#include "nn/kernel.h"
#include "nn/model_config.h"
#include "nn/safetensors.h"
#include "nn/tokenizer.h"
#include "nn/weights.h"

#define BATCH_TOKENS ((size_t)512) /* a micro-batch: weights are read once for so many tokens */

struct encoder {
    struct model_config config;
    struct tokenizer tokenizer;
    struct safetensors file;
    struct weights weights;
    const struct kernel *kernel;
    char fingerprint[80];
};

struct encoder_scratch {
    const struct encoder *encoder;
    struct activations activations;
    size_t n_tokens_max; /* of a micro-batch */
    int32_t *ids;        /* [n_tokens_max] */
    size_t *lengths;     /* [n_tokens_max]: a sequence has at least one token */
};

/* Chained over what decides the vectors but is small: the header, all biases and norms (no two
 * trainings agree in them), the vocabulary and the pooling. The large tensors are not read. */
static void set_fingerprint(struct encoder *e)
{
    struct hash128 hash = hash128_of(e->file.header.bytes, e->file.header.len);
    for (size_t i = 0; i < e->file.n_tensors; i++) {
        const struct tensor *t = &e->file.tensors[i];
        if (t->n_dims == 1)
            hash = hash128_of_pair(hash.bytes, sizeof hash.bytes, t->data.bytes, t->data.len);
    }
    hash = hash128_of_pair(hash.bytes, sizeof hash.bytes, e->tokenizer.file.bytes,
                           e->tokenizer.file.len);
    char rest[96];
    const struct model_config *c = &e->config;
    int len = snprintf(rest, sizeof rest, "%d %zu", (int)c->pooling, c->n_tokens_max);
    if (c->casing != CASING_UNCASED || c->position_offset || !c->is_normalised)
        len = snprintf(rest, sizeof rest, "%d %zu %d %zu %d", (int)c->pooling, c->n_tokens_max,
                       (int)c->casing, c->position_offset, c->is_normalised);
    hash = hash128_of_pair(hash.bytes, sizeof hash.bytes, rest, (size_t)len);
    snprintf(e->fingerprint, sizeof e->fingerprint, "%s:%02x%02x%02x%02x:fp32", e->config.name,
             hash.bytes[0], hash.bytes[1], hash.bytes[2], hash.bytes[3]);
}

/* Word rows are touched here and there, the layers from end to end. */
static void advise_pages(const struct encoder *e)
{
    for (size_t i = 0; i < e->file.n_tensors; i++) {
        const struct tensor *t = &e->file.tensors[i];
        bool is_words = t->data.bytes == (const void *)e->weights.words;
        file_map_advise(t->data, is_words ? FILE_ADVICE_RANDOM : FILE_ADVICE_SOON);
    }
}

static enum status open_weights(struct encoder *e, const char *folder, struct error *err)
{
    char *path = path_join(folder, "model.safetensors");
    if (!path)
        return error_nomem(err);
    enum status status = safetensors_open(path, &e->file, err);
    if (!status)
        status = safetensors_widen(&e->file, err);
    if (!status) {
        status = weights_bind(&e->file, &e->config, &e->weights, err);
        if (status)
            error_context(err, status, "\"%s\"", path);
    }
    mem_free(path);
    return status;
}

enum status encoder_open(const struct encoder_options *options, struct encoder **out,
                         struct error *err)
{
    struct encoder *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return error_nomem(err);
    enum status status = kernel_find(options->kernel, &e->kernel, err);
    if (!status)
        status = model_config_read(options->folder, &e->config, err);
    if (!status)
        status = open_weights(e, options->folder, err);
    if (!status)
        status = tokenizer_open(options->folder, &e->config, &e->tokenizer, err);
    if (status) {
        encoder_close(e);
        return status;
    }
    advise_pages(e);
    set_fingerprint(e);
    *out = e;
    return STATUS_OK;
}

void encoder_close(struct encoder *encoder)
{
    if (!encoder)
        return;
    weights_clear(&encoder->weights);
    safetensors_close(&encoder->file);
    tokenizer_close(&encoder->tokenizer);
    mem_free(encoder);
}

size_t encoder_dim(const struct encoder *encoder)
{
    return encoder->config.dim;
}

size_t encoder_n_tokens_max(const struct encoder *encoder)
{
    return encoder->config.n_tokens_max;
}

const char *encoder_kernel(const struct encoder *encoder)
{
    return encoder->kernel->name;
}

const char *encoder_fingerprint(const struct encoder *encoder)
{
    return encoder->fingerprint;
}

size_t encoder_count_tokens(const struct encoder *encoder, const char *text, size_t len)
{
    return tokenizer_encode(&encoder->tokenizer, text, len, NULL, SIZE_MAX);
}

size_t encoder_tokenize(const struct encoder *encoder, const char *text, size_t len,
                        int32_t *out_ids, size_t n_max)
{
    return tokenizer_encode_whole(&encoder->tokenizer, text, len, out_ids, n_max);
}

enum status encoder_scratch_new(const struct encoder *encoder, struct encoder_scratch **out,
                                struct error *err)
{
    struct encoder_scratch *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->encoder = encoder;
    s->n_tokens_max = size_max(BATCH_TOKENS, encoder->config.n_tokens_max);
    s->ids = mem_array(s->n_tokens_max, sizeof *s->ids);
    s->lengths = mem_array(s->n_tokens_max, sizeof *s->lengths);
    if (!s->ids || !s->lengths) {
        encoder_scratch_free(s);
        return error_nomem(err);
    }
    *out = s;
    return STATUS_OK;
}

void encoder_scratch_free(struct encoder_scratch *scratch)
{
    if (!scratch)
        return;
    activations_clear(&scratch->activations);
    mem_free(scratch->ids);
    mem_free(scratch->lengths);
    mem_free(scratch);
}

/* As many texts as fit one micro-batch; a text counts with its longest possible length until it is
 * tokenized, so that no id is ever written past the end. */
static size_t fill_batch(struct encoder_scratch *s, const struct encoder_text *texts,
                         size_t n_texts, struct token_batch *out)
{
    const struct encoder *e = s->encoder;
    size_t n = 0, n_tokens = 0;
    while (n < n_texts && n_tokens + e->config.n_tokens_max <= s->n_tokens_max) {
        s->lengths[n] = encoder_tokenize(e, texts[n].text, texts[n].len, s->ids + n_tokens,
                                         e->config.n_tokens_max);
        n_tokens += s->lengths[n++];
    }
    *out = (struct token_batch){
        .ids = s->ids, .lengths = s->lengths, .n_sequences = n, .n_tokens = n_tokens};
    return n;
}

struct encoder_parts encoder_parts(const struct encoder *encoder)
{
    return (struct encoder_parts){
        .config = &encoder->config, .tokenizer = &encoder->tokenizer, .file = &encoder->file};
}

enum status encoder_run(const struct encoder *encoder, struct encoder_scratch *scratch,
                        const struct token_batch *batch, float *out, struct error *err)
{
    const struct forward forward = {
        .config = &encoder->config, .weights = &encoder->weights, .kernel = encoder->kernel};
    return forward_run(&forward, &scratch->activations, batch, out, err);
}

enum status encoder_encode(const struct encoder *encoder, struct encoder_scratch *scratch,
                           const struct encoder_text *texts, size_t n_texts, float *out,
                           struct error *err)
{
    for (size_t i = 0; i < n_texts;) {
        struct token_batch batch;
        size_t n = fill_batch(scratch, texts + i, n_texts - i, &batch);
        enum status status =
            encoder_run(encoder, scratch, &batch, out + i * encoder->config.dim, err);
        if (status)
            return status;
        i += n;
    }
    return STATUS_OK;
}
