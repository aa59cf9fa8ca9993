#include "nn/nn.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/trace.h"
#include "nn/encoder_internal.h"
#include "nn/forward.h"
#include "nn/kernel.h"
#include "nn/model_config.h"
#include "nn/panel_cache.h"
#include "nn/panels.h"
#include "nn/safetensors.h"
#include "nn/tokenizer.h"
#include "nn/weights.h"

#define COPY_BYTES ((size_t)2 << 20)

struct encoder {
    struct model_config config;
    struct tokenizer tokenizer;
    struct safetensors file;
    struct weights weights;
    struct model_panels panels;
    struct span cache;   /* the mapped file that panels are in, or ... */
    void *packed_memory; /* ... the memory, owned */
    const struct kernel *kernel;
    struct hash128 identity; /* of the model, whatever the precision */
    char fingerprint[80];
};

struct encoder_scratch {
    const struct encoder *encoder;
    struct activations activations;
    size_t n_tokens_max; /* of a micro-batch of more than one text */
    int32_t *ids;        /* [n_ids_max()]: of a micro-batch and of the text that was too much */
    size_t *lengths;     /* [n_tokens_max]: a sequence has at least one token */
    size_t n_tokens;     /* of the last call */
    const struct cancel *cancel;
};

/* Chained over what decides the vectors but is small: the header, all biases and norms (no two
 * trainings agree in them), the vocabulary and the pooling. The large tensors are not read. */
static struct hash128 identify(const struct encoder *e)
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
    return hash128_of_pair(hash.bytes, sizeof hash.bytes, rest, (size_t)len);
}

static void set_fingerprint(struct encoder *e)
{
    const unsigned char *hash = e->identity.bytes;
    snprintf(e->fingerprint, sizeof e->fingerprint, "%s:%02x%02x%02x%02x:%s", e->config.name,
             hash[0], hash[1], hash[2], hash[3], precision_name(e->kernel->precision));
}

static bool is_mapped(const struct safetensors *file, const struct tensor *t)
{
    const char *map = file->file.bytes, *data = t->data.bytes;
    return data >= map && data < map + file->file.len;
}

/* Word rows are touched here and there; of the rest next to nothing once it is packed. */
static void advise_pages(const struct encoder *e, enum file_advice advice)
{
    for (size_t i = 0; i < e->file.n_tensors; i++) {
        const struct tensor *t = &e->file.tensors[i];
        if (!is_mapped(&e->file, t))
            continue;
        if (t->data.bytes == (const void *)e->weights.words)
            file_map_advise(t->data, FILE_ADVICE_RANDOM);
        else if (t->n_dims == 2)
            file_map_advise(t->data, advice);
    }
}

/* Panels in memory of our own. */
static enum status take_memory(struct encoder *e, struct error *err)
{
    e->packed_memory = mem_aligned(panels_bytes(&e->config, e->kernel->precision), 1);
    if (!e->packed_memory)
        return error_nomem(err);
    return panels_bind(&e->config, e->kernel->precision, e->packed_memory, &e->panels, err);
}

static enum status pack_weights(struct encoder *e, struct error *err)
{
    enum status status = take_memory(e, err);
    if (status)
        return status;
    advise_pages(e, FILE_ADVICE_SOON);
    panels_pack(&e->config, &e->weights, e->kernel, &e->panels);
    advise_pages(e, FILE_ADVICE_DONE);
    return STATUS_OK;
}

/* What the packed weights depend on: the tensors too, by size and time of their file. */
static enum status panels_identify(const struct encoder *e, const char *folder, struct hash128 *out,
                                   struct error *err)
{
    char *path = path_join(folder, "model.safetensors");
    if (!path)
        return error_nomem(err);
    struct file_info info;
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    mem_free(path);
    if (status)
        return status;
    char rest[128];
    int len = snprintf(rest, sizeof rest, "%zu %zu %zu %zu %" PRIu64 " %" PRId64,
                       e->config.n_layers, e->config.dim, e->config.n_heads, e->config.n_inner,
                       info.size_bytes, info.mtime_ns);
    *out = hash128_of_pair(e->identity.bytes, sizeof e->identity.bytes, rest, (size_t)len);
    return STATUS_OK;
}

/* Piece by piece, so that no more than a piece is there twice. */
static void copy_panels(char *to, const char *from, size_t n_bytes)
{
    for (size_t at = 0, n; at < n_bytes; at += n) {
        n = size_min(COPY_BYTES, n_bytes - at);
        memcpy(to + at, from + at, n);
        file_map_advise((struct span){from + at, n}, FILE_ADVICE_DONE);
    }
}

static enum status use_cached(struct encoder *e, const void *panels, bool is_lasting,
                              struct error *err)
{
    advise_pages(e, FILE_ADVICE_RANDOM);
    if (!is_lasting)
        return panels_bind(&e->config, e->kernel->precision, panels, &e->panels, err);
    enum status status = take_memory(e, err);
    if (!status)
        copy_panels(e->packed_memory, panels, e->panels.n_bytes);
    file_unmap(&e->cache);
    return status;
}

/* A cache that cannot be read is made anew; one that cannot be written is done without. */
static enum status open_panels(struct encoder *e, const struct encoder_options *options,
                               struct error *err)
{
    if (!options->cache_folder)
        return pack_weights(e, err);
    struct buf path = {0};
    buf_printf(&path, "%s/panels-%s.cache", options->cache_folder,
               precision_name(e->kernel->precision));
    struct panel_cache cache = {.path = buf_text(&path),
                                .precision = e->kernel->precision,
                                .n_bytes = panels_bytes(&e->config, e->kernel->precision)};
    const void *memory;
    enum status status = buf_status(&path, err);
    if (!status)
        status = panels_identify(e, options->folder, &cache.identity, err);
    if (!status && panel_cache_open(&cache, &e->cache, &memory, NULL) == STATUS_OK) {
        status = use_cached(e, memory, options->is_lasting, err);
    } else if (!status) {
        status = pack_weights(e, err);
        if (!status)
            panel_cache_keep(&cache, e->packed_memory);
    }
    buf_clear(&path);
    return status;
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
    enum status status = kernel_find(options->kernel, options->precision, &e->kernel, err);
    if (!status)
        status = model_config_read(options->folder, &e->config, err);
    if (!status)
        status = open_weights(e, options->folder, err);
    if (!status)
        status = tokenizer_open(options->folder, &e->config, &e->tokenizer, err);
    if (!status) {
        e->identity = identify(e);
        status = open_panels(e, options, err);
    }
    if (status) {
        encoder_close(e);
        return status;
    }
    set_fingerprint(e);
    *out = e;
    return STATUS_OK;
}

void encoder_close(struct encoder *encoder)
{
    if (!encoder)
        return;
    panels_clear(&encoder->panels);
    file_unmap(&encoder->cache);
    mem_free(encoder->packed_memory);
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
    enum status status = encoder_scratch_resize(s, ENCODER_BATCH_TOKENS, err);
    if (status) {
        encoder_scratch_free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

static size_t n_ids_max(const struct encoder *e, size_t n_tokens)
{
    return size_max(n_tokens, e->config.n_tokens_max) + e->config.n_tokens_max;
}

enum status encoder_scratch_resize(struct encoder_scratch *scratch, size_t n_tokens,
                                   struct error *err)
{
    int32_t *ids = mem_array(n_ids_max(scratch->encoder, n_tokens), sizeof *ids);
    size_t *lengths = mem_array(n_tokens, sizeof *lengths);
    if (!ids || !lengths) {
        mem_free(ids);
        mem_free(lengths);
        return error_nomem(err);
    }
    mem_free(scratch->ids);
    mem_free(scratch->lengths);
    scratch->ids = ids;
    scratch->lengths = lengths;
    scratch->n_tokens_max = n_tokens;
    return STATUS_OK;
}

static struct forward forward_of(const struct encoder *e)
{
    return (struct forward){
        .config = &e->config, .weights = &e->weights, .panels = &e->panels, .kernel = e->kernel};
}

size_t encoder_scratch_bytes(const struct encoder *encoder, size_t n_tokens)
{
    const struct forward forward = forward_of(encoder);
    size_t n_longest = encoder->config.n_tokens_max;
    return sizeof(struct encoder_scratch) + n_ids_max(encoder, n_tokens) * sizeof(int32_t) +
           n_tokens * sizeof(size_t) +
           forward_bytes(&forward, size_max(n_tokens, n_longest), n_longest);
}

size_t encoder_scratch_n_tokens(const struct encoder_scratch *scratch)
{
    return scratch->n_tokens;
}

void encoder_scratch_watch(struct encoder_scratch *scratch, const struct cancel *cancel)
{
    scratch->cancel = cancel;
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

/* As many texts as fit one micro-batch. The ids of the first one that does not stay behind it:
 * *n_held, with which the next one begins. */
static size_t fill_batch(struct encoder_scratch *s, const struct encoder_text *texts,
                         size_t n_texts, size_t *n_held, struct token_batch *out)
{
    TRACE(TRACE_STAGE_TOKENIZE);
    const struct encoder *e = s->encoder;
    size_t n = 0, n_tokens = 0, length = *n_held;
    while (n < n_texts) {
        if (length == 0)
            length = encoder_tokenize(e, texts[n].text, texts[n].len, s->ids + n_tokens,
                                      e->config.n_tokens_max);
        if (n > 0 && n_tokens + length > s->n_tokens_max)
            break;
        s->lengths[n++] = length;
        n_tokens += length;
        length = 0;
    }
    *n_held = length;
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
    const struct forward forward = forward_of(encoder);
    return forward_run(&forward, &scratch->activations, batch, out, err);
}

enum status encoder_encode(const struct encoder *encoder, struct encoder_scratch *scratch,
                           const struct encoder_text *texts, size_t n_texts, float *out,
                           struct error *err)
{
    size_t n_held = 0;
    scratch->n_tokens = 0;
    for (size_t i = 0; i < n_texts;) {
        struct token_batch batch;
        if (is_cancelled(scratch->cancel))
            return error_set(err, STATUS_CANCELLED, "stopped");
        size_t n = fill_batch(scratch, texts + i, n_texts - i, &n_held, &batch);
        enum status status =
            encoder_run(encoder, scratch, &batch, out + i * encoder->config.dim, err);
        if (status)
            return status;
        memmove(scratch->ids, scratch->ids + batch.n_tokens, n_held * sizeof *scratch->ids);
        scratch->n_tokens += batch.n_tokens;
        i += n;
    }
    return STATUS_OK;
}
