/* The native encoder. Bulk work finds the size of its micro-batches with the tuner and leaves it
 * for the next process; other work takes what was found. */
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "embed/embedder_internal.h"
#include "embed/tuner.h"
#include "embed/tuning.h"
#include "nn/nn.h"

#define N_SPECIAL_TOKENS 2 /* [CLS] and [SEP] */
#define N_BATCH_MAX 32     /* how much is encoded between two looks at the cancel flag */
#define SCRATCH_BYTES_MAX ((size_t)12 << 20) /* what a thread may take */

struct native {
    struct encoder *encoder;
    char *folder;   /* owned */
    struct buf key; /* of tuning.json */
    bool is_tuning; /* bulk work, and nothing was known */
    pthread_mutex_t mutex;
    struct tuner tuner; /* by mutex */
    char since[32];     /* by mutex */
};

struct native_work {
    struct encoder_scratch *scratch;
    size_t n_batch_tokens; /* of scratch */
};

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

/* Candidates are the sizes whose scratch a thread may take, at least the smallest. */
static void start_tuner(struct native *native, bool is_lasting)
{
    static const size_t sizes[] = {128, 256, 512, 1024};
    size_t n = 1;
    while (n < sizeof sizes / sizeof sizes[0] &&
           encoder_scratch_bytes(native->encoder, sizes[n]) <= SCRATCH_BYTES_MAX)
        n++;
    tuner_init(&native->tuner, sizes, n, ENCODER_BATCH_TOKENS);
    struct tuning known;
    if (tuning_read(native->folder, buf_text(&native->key), &known) &&
        tuner_settle(&native->tuner, known.n_tokens, known.rate))
        snprintf(native->since, sizeof native->since, "%s", known.since);
    native->is_tuning = is_lasting && !native->tuner.is_settled;
}

static enum status open_state(const char *folder, const char *model,
                              const struct embedder_options *options, struct embedder *embedder,
                              struct error *err)
{
    struct native *native = mem_zalloc(1, sizeof *native);
    if (!native)
        return error_nomem(err);
    embedder->state = native;
    pthread_mutex_init(&native->mutex, NULL);
    native->folder = mem_text(folder);
    if (!native->folder)
        return error_nomem(err);
    enum status status = open_folder(folder, model, options, &native->encoder, err);
    if (status)
        return status;
    buf_printf(&native->key, "%s %u %s", encoder_kernel(native->encoder), thread_count_usable(),
               encoder_fingerprint(native->encoder));
    status = buf_status(&native->key, err);
    if (!status)
        start_tuner(native, options->is_lasting);
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
    enum status status =
        folder ? open_state(folder, name, options, embedder, err) : error_nomem(err);
    mem_free(own);
    if (status)
        return status;
    const struct native *native = embedder->state;
    const struct encoder *encoder = native->encoder;
    embedder->kernel = encoder_kernel(encoder);
    embedder->dim = encoder_dim(encoder);
    embedder->n_tokens_max = encoder_n_tokens_max(encoder) - N_SPECIAL_TOKENS;
    embedder->counter = (struct text_counter){.count = count_tokens, .model = encoder};
    embedder->fingerprint = mem_text(encoder_fingerprint(encoder));
    return embedder->fingerprint ? STATUS_OK : error_nomem(err);
}

static void remember(const struct native *native)
{
    struct tuning found = {.n_tokens = native->tuner.n_tokens, .rate = native->tuner.rate};
    snprintf(found.since, sizeof found.since, "%s", native->since);
    tuning_write(native->folder, buf_text(&native->key), &found);
}

static void native_close(struct embedder *embedder)
{
    struct native *native = embedder->state;
    if (!native)
        return;
    if (native->is_tuning && native->tuner.is_settled)
        remember(native);
    encoder_close(native->encoder);
    buf_clear(&native->key);
    mem_free(native->folder);
    pthread_mutex_destroy(&native->mutex);
    mem_free(native);
}

static void native_work_free(void *opened)
{
    struct native_work *work = opened;
    encoder_scratch_free(work->scratch);
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
    if (status) {
        native_work_free(work);
        return status;
    }
    *out = work;
    return STATUS_OK;
}

static enum status take_size(struct native *native, struct native_work *work, struct error *err)
{
    pthread_mutex_lock(&native->mutex);
    size_t n_tokens = native->tuner.n_tokens;
    pthread_mutex_unlock(&native->mutex);
    if (n_tokens == work->n_batch_tokens)
        return STATUS_OK;
    enum status status = encoder_scratch_resize(work->scratch, n_tokens, err);
    if (!status)
        work->n_batch_tokens = n_tokens;
    return status;
}

static void tell_tuner(struct native *native, struct tuner_event event)
{
    pthread_mutex_lock(&native->mutex);
    if (tuner_step(&native->tuner, event))
        clock_format_utc(clock_wall_ms(), native->since);
    pthread_mutex_unlock(&native->mutex);
}

/* The thread's own time: what else the machine does must not decide. */
static enum status native_embed(const struct embedder *embedder, void *opened, enum embed_kind kind,
                                const struct embed_text *texts, size_t n_texts,
                                const struct cancel *cancel, float *out, struct error *err)
{
    (void)kind; /* the known models want no prefix */
    (void)cancel;
    struct native *native = embedder->state;
    struct native_work *work = opened;
    struct encoder_text batch[N_BATCH_MAX];
    for (size_t i = 0; i < n_texts; i++)
        batch[i] = (struct encoder_text){.text = texts[i].text, .len = texts[i].len};
    enum status status = take_size(native, work, err);
    if (status)
        return status;
    int64_t start_ns = clock_thread_ns();
    status = encoder_encode(native->encoder, work->scratch, batch, n_texts, out, err);
    if (!status && native->is_tuning)
        tell_tuner(native, (struct tuner_event){
                               .n_batch_tokens = work->n_batch_tokens,
                               .n_tokens = encoder_scratch_n_tokens(work->scratch),
                               .took_ns = clock_thread_ns() - start_ns,
                           });
    return status;
}

static struct embedder_tuning native_tuning(const struct embedder *embedder)
{
    struct native *native = embedder->state;
    struct embedder_tuning tuning = {0};
    pthread_mutex_lock(&native->mutex);
    tuning.n_batch_tokens = native->tuner.n_tokens;
    tuning.tokens_per_second = native->tuner.rate;
    snprintf(tuning.since, sizeof tuning.since, "%s", native->since);
    pthread_mutex_unlock(&native->mutex);
    tuning.bytes_a_thread = encoder_scratch_bytes(native->encoder, tuning.n_batch_tokens);
    return tuning;
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
