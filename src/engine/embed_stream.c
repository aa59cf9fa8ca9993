/* A stream of texts becomes a stream of vectors: the calling thread fills batches and hands out
 * finished ones in their order, workers embed. The ring of batches is all the memory there is. */
#include <pthread.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "engine/engine_parts.h"
#include "engine/peers.h"

enum {
    BATCH_TEXTS = 32,
    BATCH_BYTES = 8 * 1024, /* about half a second of one thread: how long a stop may take */
    BATCHES_A_THREAD = 3,   /* one in work, one waiting, one being written */
    WAIT_MS = 100,          /* between two looks at the cancel flag */
    STARVED_MS = 2          /* between two looks at the source while vectors are under way */
};

struct engine_embedder {
    struct net_peers *peers;   /* owned; NULL: none */
    struct embedder *embedder; /* owned */
    unsigned n_threads;
    bool is_native;
};

struct item {
    size_t start, len; /* in batch.bytes */
    struct engine_vector vector;
};

/* Filled by the calling thread, then a worker's, then the calling thread's again. */
struct batch {
    struct buf bytes;
    struct item items[BATCH_TEXTS];
    size_t n;
    float *values; /* [BATCH_TEXTS][dim] */
    bool is_done;  /* by the stream's mutex */
    enum status failed;
    struct error error;
};

struct stream {
    const struct engine_embedder *shared;
    const struct engine_embed_options *options;
    size_t dim;
    struct thread *threads; /* [n_threads_max] */
    unsigned n_threads_max;
    unsigned n_threads; /* running; the calling thread's */
    size_t n_texts;     /* seen so far; the calling thread's */
    bool is_at_end;     /* of the source; the calling thread's */

    pthread_mutex_t mutex;
    pthread_cond_t batch_ready, batch_done;
    /* by mutex; batch i is ring[i % n_ring] */
    struct batch *ring;
    size_t n_ring;
    size_t next_fill, next_take, next_write;
    bool is_stopping;
};

enum status engine_embedder_open(const struct engine_options *options, struct engine_embedder **out,
                                 struct error *err)
{
    struct engine_options chosen = *options;
    if (!chosen.embedding_backend || !*chosen.embedding_backend)
        chosen.embedding_backend = engine_options_default().embedding_backend;
    struct engine_embedder *embedder = mem_zalloc(1, sizeof *embedder);
    if (!embedder)
        return error_nomem(err);
    enum status status = peers_open(&chosen, &embedder->peers, err);
    if (!status)
        status = engine_open_embedder(&chosen, embedder->peers, &embedder->embedder, err);
    if (status) {
        net_peers_free(embedder->peers);
        mem_free(embedder);
        return status;
    }
    embedder->n_threads = chosen.n_threads ? chosen.n_threads : thread_count_usable();
    embedder->is_native = engine_is_native(&chosen);
    *out = embedder;
    return STATUS_OK;
}

void engine_embedder_close(struct engine_embedder *embedder)
{
    if (!embedder)
        return;
    embedder_close(embedder->embedder);
    net_peers_free(embedder->peers);
    mem_free(embedder);
}

static struct engine_embedder_info describe(const struct embedder *embedder, unsigned n_threads)
{
    struct embedder_tuning tuning = embedder_tuning(embedder);
    struct engine_embedder_info info = {
        .fingerprint = embedder_fingerprint(embedder),
        .kernel = embedder_kernel(embedder),
        .dim = embedder_dim(embedder),
        .n_tokens_max = embedder_n_tokens_max(embedder),
        .n_batch_tokens = tuning.n_batch_tokens,
        .bytes_a_thread = tuning.bytes_a_thread,
        .tokens_per_second = tuning.tokens_per_second,
        .n_threads = n_threads,
    };
    memcpy(info.since, tuning.since, sizeof info.since);
    return info;
}

struct engine_embedder_info engine_embedder_info(const struct engine_embedder *embedder)
{
    return describe(embedder->embedder, embedder->n_threads);
}

enum status engine_get_embedder_info(struct engine *engine, struct engine_embedder_info *out,
                                     struct error *err)
{
    struct embedder *embedder;
    enum status status = engine_get_embedder(engine, &embedder, err);
    if (!status)
        *out = describe(embedder, engine_n_threads(engine));
    return status;
}

/* ---- a worker: one batch after the other ---- */

/* The longest beginning that counts at most `n_max` tokens. */
static size_t fitting_len(struct text_counter counter, const char *text, size_t len, size_t n_max)
{
    size_t fits = 0, too_long = len + 1;
    while (too_long - fits > 1) {
        size_t middle = fits + (too_long - fits) / 2;
        if (counter.count(counter.model, text, middle) <= n_max)
            fits = middle;
        else
            too_long = middle;
    }
    return utf8_floor(text, len, fits);
}

/* Servers refuse what their model can not read whole; then less of it is tried. */
static enum status embed_or_cut(struct stream *stream, struct embedder_work *work,
                                enum embed_kind kind, struct embed_text text, struct item *item,
                                float *out, struct error *err)
{
    const struct embedder *embedder = stream->shared->embedder;
    size_t n_max = embedder_n_tokens_max(embedder);
    for (;;) {
        enum status status =
            embedder_embed(work, kind, &text, 1, stream->options->cancel, out, err);
        if (status != STATUS_LIMIT || n_max == 0)
            return status;
        text.len = fitting_len(embedder_counter(embedder), text.text, text.len, n_max);
        item->vector.is_cut = true;
        item->vector.n_tokens = size_min(item->vector.n_tokens, n_max);
        n_max /= 2;
    }
}

static void measure(const struct engine_embedder *shared, const char *text, struct item *item)
{
    struct text_counter counter = embedder_counter(shared->embedder);
    size_t n_max = embedder_n_tokens_max(shared->embedder);
    item->vector.n_tokens = counter.count(counter.model, text, item->len);
    if (shared->is_native && item->vector.n_tokens > n_max) {
        item->vector.n_tokens = n_max;
        item->vector.is_cut = true;
    }
}

static enum status embed_batch(struct stream *stream, struct embedder_work *work,
                               struct batch *batch, struct error *err)
{
    enum embed_kind kind = stream->options->kind == ENGINE_TEXT_QUERY ? EMBED_QUERY : EMBED_PASSAGE;
    struct embed_text texts[BATCH_TEXTS];
    struct item *items[BATCH_TEXTS];
    size_t n = 0;
    for (size_t i = 0; i < batch->n; i++) {
        struct item *item = &batch->items[i];
        const char *text = buf_text(&batch->bytes) + item->start;
        measure(stream->shared, text, item);
        if (item->vector.n_tokens == 0)
            continue;
        item->vector.values = batch->values + n * stream->dim;
        texts[n] = (struct embed_text){.text = text, .len = item->len};
        items[n++] = item;
    }
    enum status status =
        embedder_embed(work, kind, texts, n, stream->options->cancel, batch->values, err);
    if (status != STATUS_LIMIT)
        return status;
    status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = embed_or_cut(stream, work, kind, texts[i], items[i],
                              batch->values + i * stream->dim, err);
    return status;
}

static struct batch *take_batch(struct stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    while (!stream->is_stopping && stream->next_take == stream->next_fill)
        pthread_cond_wait(&stream->batch_ready, &stream->mutex);
    struct batch *batch = NULL;
    if (!stream->is_stopping)
        batch = &stream->ring[stream->next_take++ % stream->n_ring];
    pthread_mutex_unlock(&stream->mutex);
    return batch;
}

static void *work_on_batches(void *arg)
{
    struct stream *stream = arg;
    struct embedder_work *work = NULL;
    struct batch *batch;
    while ((batch = take_batch(stream))) {
        batch->failed =
            work ? STATUS_OK : embedder_work_new(stream->shared->embedder, &work, &batch->error);
        if (!batch->failed)
            batch->failed = embed_batch(stream, work, batch, &batch->error);
        pthread_mutex_lock(&stream->mutex);
        batch->is_done = true;
        pthread_cond_signal(&stream->batch_done);
        pthread_mutex_unlock(&stream->mutex);
    }
    embedder_work_free(work);
    return NULL;
}

/* ---- the calling thread ---- */

static size_t n_under_way(const struct stream *stream)
{
    return stream->next_fill - stream->next_write;
}

static void append_repaired(struct buf *bytes, const char *text, size_t len)
{
    while (len > 0) {
        uint32_t codepoint;
        size_t n = utf8_decode(text, len, &codepoint);
        buf_append_codepoint(bytes, codepoint);
        text += n;
        len -= n;
    }
}

static enum status add_text(struct stream *stream, struct batch *batch,
                            const struct engine_text *text, struct error *err)
{
    struct item *item = &batch->items[batch->n++];
    bool is_repaired = !utf8_is_valid(text->text, text->len);
    *item = (struct item){
        .start = batch->bytes.len,
        .vector = {.index = stream->n_texts++, .is_cut = text->is_cut, .is_repaired = is_repaired},
    };
    if (is_repaired)
        append_repaired(&batch->bytes, text->text, text->len);
    else
        buf_append(&batch->bytes, text->text, text->len);
    item->len = batch->bytes.len - item->start;
    return buf_status(&batch->bytes, err);
}

/* Threads are started when there is work for them: one text needs one. */
static enum status publish(struct stream *stream, struct error *err)
{
    pthread_mutex_lock(&stream->mutex);
    stream->next_fill++;
    size_t n_batches = n_under_way(stream);
    pthread_cond_signal(&stream->batch_ready);
    pthread_mutex_unlock(&stream->mutex);
    if (stream->n_threads == stream->n_threads_max || stream->n_threads >= n_batches)
        return STATUS_OK;
    enum status status =
        thread_start(&stream->threads[stream->n_threads], work_on_batches, stream, err);
    if (!status)
        stream->n_threads++;
    return status && stream->n_threads > 0 ? STATUS_OK : status;
}

/* Fills the next batch with what the source has; *out_is_starved: it had no more just now. */
static enum status fill(struct stream *stream, bool *out_is_starved, struct error *err)
{
    struct batch *batch = &stream->ring[stream->next_fill % stream->n_ring];
    enum engine_next next = ENGINE_NEXT_TEXT;
    enum status status = STATUS_OK;
    batch->n = 0;
    batch->is_done = false;
    buf_reset(&batch->bytes);
    while (!status && next == ENGINE_NEXT_TEXT && batch->n < BATCH_TEXTS &&
           batch->bytes.len < BATCH_BYTES) {
        bool is_idle = batch->n == 0 && n_under_way(stream) == 0;
        struct engine_text text;
        status =
            stream->options->next(stream->options->ctx, is_idle ? WAIT_MS : 0, &text, &next, err);
        if (!status && next == ENGINE_NEXT_TEXT)
            status = add_text(stream, batch, &text, err);
    }
    if (status)
        return status;
    stream->is_at_end = next == ENGINE_NEXT_END;
    *out_is_starved = next == ENGINE_NEXT_NOTHING_YET;
    return batch->n > 0 ? publish(stream, err) : STATUS_OK;
}

/* The oldest batch when it is done; else NULL, after a wait of at most timeout_ms. */
static struct batch *wait_for_batch(struct stream *stream, int timeout_ms)
{
    pthread_mutex_lock(&stream->mutex);
    struct batch *batch = &stream->ring[stream->next_write % stream->n_ring];
    if (timeout_ms > 0 && !batch->is_done)
        thread_wait(&stream->batch_done, &stream->mutex, timeout_ms);
    bool is_done = batch->is_done;
    pthread_mutex_unlock(&stream->mutex);
    return is_done ? batch : NULL;
}

static enum status write_batches(struct stream *stream, int timeout_ms, struct error *err)
{
    while (n_under_way(stream) > 0) {
        struct batch *batch = wait_for_batch(stream, timeout_ms);
        if (!batch)
            return STATUS_OK;
        if (batch->failed) {
            if (err)
                *err = batch->error;
            return batch->failed;
        }
        for (size_t i = 0; i < batch->n; i++) {
            enum status status =
                stream->options->each(stream->options->ctx, &batch->items[i].vector, err);
            if (status)
                return status;
        }
        stream->next_write++;
        timeout_ms = 0;
    }
    return STATUS_OK;
}

static enum status run(struct stream *stream, struct error *err)
{
    enum status status = STATUS_OK;
    while (!status && !(stream->is_at_end && n_under_way(stream) == 0)) {
        bool is_starved = false;
        bool has_room = !stream->is_at_end && n_under_way(stream) < stream->n_ring;
        if (is_cancelled(stream->options->cancel))
            status = error_set(err, STATUS_CANCELLED, "embedding was cancelled");
        else if (has_room)
            status = fill(stream, &is_starved, err);
        if (!status)
            status = write_batches(stream, is_starved ? STARVED_MS : has_room ? 0 : WAIT_MS, err);
    }
    return status;
}

static enum status stream_init(struct stream *stream, struct error *err)
{
    stream->dim = embedder_dim(stream->shared->embedder);
    stream->n_threads_max =
        stream->options->n_threads ? stream->options->n_threads : stream->shared->n_threads;
    stream->n_ring = BATCHES_A_THREAD * (size_t)stream->n_threads_max;
    stream->threads = mem_zalloc(stream->n_threads_max, sizeof *stream->threads);
    stream->ring = mem_zalloc(stream->n_ring, sizeof *stream->ring);
    if (!stream->threads || !stream->ring)
        return error_nomem(err);
    for (size_t i = 0; i < stream->n_ring; i++) {
        stream->ring[i].values = mem_array(BATCH_TEXTS * stream->dim, sizeof(float));
        if (!stream->ring[i].values)
            return error_nomem(err);
    }
    return STATUS_OK;
}

static void stream_clear(struct stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->is_stopping = true;
    pthread_cond_broadcast(&stream->batch_ready);
    pthread_mutex_unlock(&stream->mutex);
    for (unsigned i = 0; i < stream->n_threads; i++)
        thread_join(&stream->threads[i]);
    for (size_t i = 0; stream->ring && i < stream->n_ring; i++) {
        buf_clear(&stream->ring[i].bytes);
        mem_free(stream->ring[i].values);
    }
    mem_free(stream->ring);
    mem_free(stream->threads);
    pthread_cond_destroy(&stream->batch_ready);
    pthread_cond_destroy(&stream->batch_done);
    pthread_mutex_destroy(&stream->mutex);
}

enum status engine_embed(const struct engine_embedder *embedder,
                         const struct engine_embed_options *options, struct error *err)
{
    struct stream stream = {
        .shared = embedder,
        .options = options,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .batch_ready = PTHREAD_COND_INITIALIZER,
        .batch_done = PTHREAD_COND_INITIALIZER,
    };
    enum status status = stream_init(&stream, err);
    if (!status)
        status = run(&stream, err);
    stream_clear(&stream);
    return status;
}
