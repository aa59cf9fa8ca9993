#include "nn/cross_encoder.h"

#include <math.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/trace.h"
#include "nn/encoder_internal.h"
#include "nn/weights.h"

#define BATCH_TOKENS ((size_t)512)

struct cross_encoder {
    struct encoder *encoder; /* owned */
    struct encoder_parts parts;
    struct head head; /* borrowed from the encoder's file */
};

struct cross_encoder_scratch {
    const struct cross_encoder *encoder;
    struct encoder_scratch *inner; /* owned */
    size_t n_tokens_max;           /* of a micro-batch */
    int32_t *ids;                  /* [n_tokens_max] */
    uint8_t *types;                /* [n_tokens_max] */
    size_t *lengths;               /* [n_tokens_max] */
    float *vectors; /* [n_tokens_max][dim] of the first tokens: a pair has at least one token */
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

static enum status add_head(struct cross_encoder *e, const char *folder, struct error *err)
{
    e->parts = encoder_parts(e->encoder);
    enum status status = check_config(e->parts.config, err);
    if (!status)
        status = weights_bind_head(e->parts.file, e->parts.config, &e->head, err);
    return status ? error_context(err, status, "model folder \"%s\"", folder) : STATUS_OK;
}

enum status cross_encoder_open(const struct encoder_options *options, struct cross_encoder **out,
                               struct error *err)
{
    TRACE(TRACE_STAGE_OPEN_MODEL);
    struct cross_encoder *e = mem_zalloc(1, sizeof *e);
    if (!e)
        return error_nomem(err);
    enum status status = encoder_open(options, &e->encoder, err);
    if (!status)
        status = add_head(e, options->folder, err);
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
    encoder_close(encoder->encoder);
    mem_free(encoder);
}

size_t cross_encoder_n_tokens_max(const struct cross_encoder *encoder)
{
    return encoder->parts.config->n_tokens_max;
}

static enum status take_memory(struct cross_encoder_scratch *s, struct error *err)
{
    size_t n_floats;
    s->ids = mem_array(s->n_tokens_max, sizeof *s->ids);
    s->types = mem_array(s->n_tokens_max, sizeof *s->types);
    s->lengths = mem_array(s->n_tokens_max, sizeof *s->lengths);
    if (size_mul(s->n_tokens_max, s->encoder->parts.config->dim, &n_floats))
        s->vectors = mem_array(n_floats, sizeof *s->vectors);
    return s->ids && s->types && s->lengths && s->vectors ? STATUS_OK : error_nomem(err);
}

enum status cross_encoder_scratch_new(const struct cross_encoder *encoder,
                                      struct cross_encoder_scratch **out, struct error *err)
{
    struct cross_encoder_scratch *s = mem_zalloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->encoder = encoder;
    s->n_tokens_max = size_max(BATCH_TOKENS, encoder->parts.config->n_tokens_max);
    enum status status = take_memory(s, err);
    if (!status)
        status = encoder_scratch_new(encoder->encoder, &s->inner, err);
    if (status) {
        cross_encoder_scratch_free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void cross_encoder_scratch_free(struct cross_encoder_scratch *scratch)
{
    if (!scratch)
        return;
    encoder_scratch_free(scratch->inner);
    mem_free(scratch->ids);
    mem_free(scratch->types);
    mem_free(scratch->lengths);
    mem_free(scratch->vectors);
    mem_free(scratch);
}

/* As many pairs as fit one micro-batch, each counted with its longest possible length. */
static size_t fill_batch(struct cross_encoder_scratch *s, const struct encoder_text *query,
                         const struct encoder_text *passages, size_t n_passages,
                         struct token_batch *out)
{
    const struct cross_encoder *e = s->encoder;
    size_t n = 0, n_tokens = 0, n_max = e->parts.config->n_tokens_max;
    while (n < n_passages && n_tokens + n_max <= s->n_tokens_max) {
        const struct tokenizer_pair pair = {
            .a = query->text, .a_len = query->len, .b = passages[n].text, .b_len = passages[n].len};
        s->lengths[n] = tokenizer_encode_pair(e->parts.tokenizer, &pair, s->ids + n_tokens,
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

/* A row of a linear layer; in double: the head is little beside the layers below it. */
static double row_of(const struct linear *linear, size_t row, const float *x, size_t n)
{
    double sum = (double)linear->b[row];
    for (size_t i = 0; i < n; i++)
        sum += (double)linear->w[row * n + i] * (double)x[i];
    return sum;
}

/* classifier(tanh(pooler(x))): every value of the pooler is used once, as it comes. */
static float classify(const struct cross_encoder *e, const float *first)
{
    size_t dim = e->parts.config->dim;
    double score = (double)e->head.classifier.b[0];
    for (size_t i = 0; i < dim; i++)
        score += (double)e->head.classifier.w[i] * tanh(row_of(&e->head.pooler, i, first, dim));
    return (float)score;
}

enum status cross_encoder_score(const struct cross_encoder *encoder,
                                struct cross_encoder_scratch *scratch,
                                const struct encoder_text *query,
                                const struct encoder_text *passages, size_t n_passages, float *out,
                                struct error *err)
{
    for (size_t i = 0; i < n_passages;) {
        struct token_batch batch;
        size_t n = fill_batch(scratch, query, passages + i, n_passages - i, &batch);
        enum status status =
            encoder_run(encoder->encoder, scratch->inner, &batch, scratch->vectors, err);
        if (status)
            return status;
        for (size_t k = 0; k < n; k++)
            out[i + k] = classify(encoder, scratch->vectors + k * encoder->parts.config->dim);
        i += n;
    }
    return STATUS_OK;
}
