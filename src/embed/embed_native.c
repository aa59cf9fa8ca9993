#include "base/mem.h"
#include "embed/embedder_internal.h"
#include "nn/nn.h"

#define N_SPECIAL_TOKENS 2 /* [CLS] and [SEP] */
#define N_BATCH_MAX 32     /* how much is encoded between two looks at the cancel flag */

static size_t count_tokens(const void *encoder, const char *text, size_t len)
{
    return encoder_count_tokens(encoder, text, len);
}

/* Packed weights are kept beside the model: whoever can fetch it can write there. */
static enum status open_folder(const char *folder, const char *model,
                               const struct embedder_options *from, struct encoder **out,
                               struct error *err)
{
    const struct encoder_options options = {.folder = folder,
                                            .kernel = from->kernel,
                                            .precision = from->precision,
                                            .cache_folder = folder,
                                            .is_lasting = from->is_lasting};
    enum status status = encoder_open(&options, out, err);
    if (status == STATUS_NOT_FOUND)
        error_hint(err, "ragged model pull %s", model);
    else if (status == STATUS_FORMAT)
        error_hint(err, "ragged model verify %s tells which file is damaged", model);
    return status;
}

static enum status native_open(const struct embedder_options *options, struct embedder *embedder,
                               struct error *err)
{
    const struct embed_model *model =
        options->model && *options->model ? embed_model_find(options->model) : embed_models(NULL);
    if (!model && !options->model_folder) {
        enum status status =
            error_set(err, STATUS_NOT_FOUND, "unknown native model \"%s\"", options->model);
        error_hint(err, "known is: %s", embed_models(NULL)->name);
        return status;
    }
    const char *name = model ? model->name : options->model;
    char *own = options->model_folder ? NULL : embed_model_folder(name);
    const char *folder = options->model_folder ? options->model_folder : own;
    struct encoder *encoder = NULL;
    enum status status =
        folder ? open_folder(folder, name, options, &encoder, err) : error_nomem(err);
    mem_free(own);
    if (status)
        return status;
    embedder->state = encoder;
    embedder->kernel = encoder_kernel(encoder);
    embedder->dim = encoder_dim(encoder);
    embedder->n_tokens_max = encoder_n_tokens_max(encoder) - N_SPECIAL_TOKENS;
    embedder->counter = (struct text_counter){.count = count_tokens, .model = encoder};
    embedder->fingerprint = mem_text(encoder_fingerprint(encoder));
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

static void native_close(struct embedder *embedder)
{
    encoder_close(embedder->state);
}

static enum status native_work_new(const struct embedder *embedder, void **out, struct error *err)
{
    struct encoder_scratch *scratch;
    enum status status = encoder_scratch_new(embedder->state, &scratch, err);
    if (!status)
        *out = scratch;
    return status;
}

static void native_work_free(void *scratch)
{
    encoder_scratch_free(scratch);
}

static enum status native_embed(const struct embedder *embedder, void *scratch,
                                enum embed_kind kind, const struct embed_text *texts,
                                size_t n_texts, const struct cancel *cancel, float *out,
                                struct error *err)
{
    (void)kind; /* the known models want no prefix */
    (void)cancel;
    struct encoder_text batch[N_BATCH_MAX];
    for (size_t i = 0; i < n_texts; i++)
        batch[i] = (struct encoder_text){.text = texts[i].text, .len = texts[i].len};
    return encoder_encode(embedder->state, scratch, batch, n_texts, out, err);
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
};
