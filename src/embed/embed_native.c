#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "embed/embed_prefix.h"
#include "embed/embedder_internal.h"
#include "embed/shared_tuner.h"
#include "nn/nn.h"

#define N_SPECIAL_TOKENS 2 /* [CLS] and [SEP] */
#define N_BATCH_MAX 32     /* texts in one go */
#define UNIT_TOLERANCE 1e-4

struct native {
    struct encoder *encoder;
    struct embed_prefixes prefixes;
    struct shared_tuner tuner;
    bool has_tuner;
};

struct native_work {
    struct encoder_scratch *scratch;
    size_t n_batch_tokens; /* of scratch */
    struct buf texts;      /* of a batch, with their prefixes */
};

static size_t count_tokens(const void *encoder, const char *text, size_t len)
{
    return encoder_count_tokens(encoder, text, len);
}

/* Packed weights are kept beside the model: whoever can fetch it can write there. */
static enum status open_folder(const char *folder, const char *model,
                               const struct embedder_options *from, struct native *native,
                               struct error *err)
{
    const struct encoder_options options = {.folder = folder,
                                            .kernel = from->kernel,
                                            .precision = from->precision,
                                            .cache_folder = from->is_uncached ? NULL : folder,
                                            .is_lasting = from->is_lasting};
    enum status status = encoder_open(&options, &native->encoder, err);
    if (!status)
        status = embed_prefixes_read(folder, model, &native->prefixes, err);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "ragged model pull %s", model);
    else if (status == STATUS_FORMAT)
        error_hint(err, "ragged model verify %s tells which file is damaged", model);
    return status;
}

/* The longest text beside the longer prefix. */
static enum status set_limit(const struct native *native, struct embedder *embedder,
                             struct error *err)
{
    const struct embed_prefixes *p = &native->prefixes;
    size_t n_query = encoder_count_tokens(native->encoder, p->query, strlen(p->query));
    size_t n_passage = encoder_count_tokens(native->encoder, p->passage, strlen(p->passage));
    size_t n_taken = size_max(n_query, n_passage) + N_SPECIAL_TOKENS;
    size_t n_max = encoder_n_tokens_max(native->encoder);
    if (n_taken >= n_max)
        return error_set(err, STATUS_INVALID,
                         "the model reads %zu tokens, of which its prefix would take %zu", n_max,
                         n_taken);
    embedder->n_tokens_max = n_max - n_taken;
    return STATUS_OK;
}

/* The prefix of passages is part of what a stored vector means. */
static enum status set_fingerprint(const struct native *native, struct embedder *embedder,
                                   struct error *err)
{
    const char *passage = native->prefixes.passage;
    struct hash128 hash = hash128_of(passage, strlen(passage));
    struct buf name = {0};
    buf_append_text(&name, encoder_fingerprint(native->encoder));
    if (*passage)
        buf_printf(&name, ":%02x%02x", hash.bytes[0], hash.bytes[1]);
    embedder->fingerprint = name.failed ? NULL : buf_take(&name, NULL);
    buf_clear(&name);
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

static enum status open_native(const char *folder, const char *name,
                               const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    struct native *native = mem_zalloc(1, sizeof *native);
    if (!native)
        return error_nomem(err);
    embedder->state = native;
    enum status status = open_folder(folder, name, options, native, err);
    if (!status)
        status = set_limit(native, embedder, err);
    if (!status)
        status = set_fingerprint(native, embedder, err);
    if (!status) {
        native->has_tuner = true;
        enum shared_tuner_mode mode = options->is_untuned   ? SHARED_TUNER_OFF
                                      : options->is_lasting ? SHARED_TUNER_FIND
                                                            : SHARED_TUNER_USE;
        status = shared_tuner_init(&native->tuner, native->encoder, folder, mode, err);
    }
    if (status)
        return status;
    embedder->kernel = encoder_kernel(native->encoder);
    embedder->dim = encoder_dim(native->encoder);
    embedder->counter = (struct text_counter){.count = count_tokens, .model = native->encoder};
    return STATUS_OK;
}

static enum status native_open(const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    const struct embed_model *model =
        options->model && *options->model ? embed_model_find(options->model) : embed_models(NULL);
    if (!model && !options->model_folder) {
        enum status status =
            error_set(err, STATUS_NOT_FOUND, "unknown native model \"%s\"", options->model);
        error_hint(err, "`ragged model list` shows the known ones");
        return status;
    }
    if (model && model->kind != EMBED_MODEL_ENCODER)
        return error_set(err, STATUS_INVALID, "\"%s\" ranks passages, it makes no vectors",
                         model->name);
    const char *name = model ? model->name : options->model;
    char *own = options->model_folder ? NULL : embed_model_folder(name);
    const char *folder = options->model_folder ? options->model_folder : own;
    enum status status =
        folder ? open_native(folder, name, options, embedder, err) : error_nomem(err);
    mem_free(own);
    return status;
}

static void native_close(struct embedder *embedder)
{
    struct native *native = embedder->state;
    if (!native)
        return;
    if (native->has_tuner)
        shared_tuner_clear(&native->tuner);
    encoder_close(native->encoder);
    embed_prefixes_clear(&native->prefixes);
    mem_free(native);
}

static void native_work_free(void *scratch)
{
    struct native_work *work = scratch;
    if (!work)
        return;
    encoder_scratch_free(work->scratch);
    buf_clear(&work->texts);
    mem_free(work);
}

static enum status native_work_new(const struct embedder *embedder, void **out, struct error *err)
{
    const struct native *native = embedder->state;
    struct native_work *work = mem_zalloc(1, sizeof *work);
    if (!work)
        return error_nomem(err);
    work->n_batch_tokens = ENCODER_BATCH_TOKENS;
    enum status status = encoder_scratch_new(native->encoder, &work->scratch, err);
    if (status)
        native_work_free(work);
    else
        *out = work;
    return status;
}

/* batch[i] = prefix + texts[i], in work's memory. */
static enum status add_prefixes(struct native_work *work, const char *prefix,
                                const struct embed_text *texts, size_t n_texts,
                                struct encoder_text *batch, struct error *err)
{
    size_t n_prefix = strlen(prefix), at = 0;
    buf_reset(&work->texts);
    for (size_t i = 0; i < n_texts; i++) {
        buf_append(&work->texts, prefix, n_prefix);
        buf_append(&work->texts, texts[i].text, texts[i].len);
    }
    enum status status = buf_status(&work->texts, err);
    for (size_t i = 0; i < n_texts && !status; i++) {
        batch[i] = (struct encoder_text){work->texts.data + at, n_prefix + texts[i].len};
        at += batch[i].len;
    }
    return status;
}

/* Some models leave it to their users; here vectors are always of norm 1. */
static void scale_to_unit(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    if (!(squares > 0) || fabs(squares - 1) < UNIT_TOLERANCE)
        return;
    float factor = (float)(1 / sqrt(squares));
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

/* Timed by the thread's own clock: what else the machine does must not decide. */
static enum status encode(struct native *native, struct native_work *work,
                          const struct encoder_text *texts, size_t n_texts, float *out,
                          struct error *err)
{
    size_t n_batch_tokens = shared_tuner_n_tokens(&native->tuner);
    if (n_batch_tokens != work->n_batch_tokens) {
        enum status status = encoder_scratch_resize(work->scratch, n_batch_tokens, err);
        if (status)
            return status;
        work->n_batch_tokens = n_batch_tokens;
    }
    int64_t start_ns = clock_thread_ns();
    enum status status = encoder_encode(native->encoder, work->scratch, texts, n_texts, out, err);
    if (!status)
        shared_tuner_tell(&native->tuner, (struct tuner_event){
                                              .n_batch_tokens = n_batch_tokens,
                                              .n_tokens = encoder_scratch_n_tokens(work->scratch),
                                              .took_ns = clock_thread_ns() - start_ns,
                                          });
    return status;
}

static enum status native_embed(const struct embedder *embedder, void *scratch,
                                enum embed_kind kind, const struct embed_text *texts,
                                size_t n_texts, const struct cancel *cancel, float *out,
                                struct error *err)
{
    struct native *native = embedder->state;
    struct native_work *work = scratch;
    const char *prefix = kind == EMBED_QUERY ? native->prefixes.query : native->prefixes.passage;
    struct encoder_text batch[N_BATCH_MAX] = {{0}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_texts; i++)
        batch[i] = (struct encoder_text){.text = texts[i].text, .len = texts[i].len};
    if (*prefix)
        status = add_prefixes(work, prefix, texts, n_texts, batch, err);
    encoder_scratch_watch(work->scratch, cancel);
    if (!status)
        status = encode(native, work, batch, n_texts, out, err);
    for (size_t i = 0; i < n_texts && !status; i++)
        scale_to_unit(out + i * embedder->dim, embedder->dim);
    return status;
}

static struct embedder_tuning native_tuning(const struct embedder *embedder)
{
    struct native *native = embedder->state;
    return shared_tuner_get(&native->tuner, native->encoder);
}

extern const struct embedder_row embedder_native;
const struct embedder_row embedder_native = {
    .name = "native",
    .open = native_open,
    .close = native_close,
    .work_new = native_work_new,
    .work_free = native_work_free,
    .n_batch_max = N_BATCH_MAX,
    .embed = native_embed,
    .tuning = native_tuning,
};
