/* A slice of the library's passages: which of them need a vector, and the vectors. */
#include <string.h>

#include "base/mem.h"
#include "ingest/ingest.h"
#include "ingest/ingest_job.h"
#include "vector/vector.h"

enum status ingest_slice_init(struct ingest_worker *worker, const struct ingest_context *context,
                              struct error *err)
{
    worker->floats = mem_array(INGEST_SLICE * embedder_dim(context->embedder), sizeof(float));
    return worker->floats ? embedder_work_new(context->embedder, &worker->embed_work, err)
                          : error_nomem(err);
}

struct taking {
    const struct ingest_context *context;
    struct ingest_job *job;
    struct store *reader;
};

static bool was_taken(const struct ingest_job *job, struct hash128 hash)
{
    for (size_t i = 0; i < job->n_chunks; i++)
        if (memcmp(&job->chunks[i].hash, &hash, sizeof hash) == 0)
            return true;
    return false;
}

static enum status take(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                        struct error *err)
{
    struct taking *taking = ctx;
    struct ingest_job *job = taking->job;
    bool has_vector = false;
    if (chunk_id > job->missing->until)
        return STATUS_OK;
    job->linked[job->n_linked++] = chunk_id;
    if (was_taken(job, chunk->hash))
        return STATUS_OK;
    enum status status = store_has_vector(taking->reader, chunk->hash, &has_vector, err);
    if (status || has_vector)
        return status;
    struct store_chunk *taken = &job->chunks[job->n_chunks];
    *taken = (struct store_chunk){
        .heading = arena_text(&job->arena, chunk->heading, strlen(chunk->heading)),
        .text = arena_text(&job->arena, chunk->text, strlen(chunk->text)),
        .hash = chunk->hash,
    };
    if (!taken->heading || !taken->text)
        return error_nomem(err);
    job->n_chunks++;
    job->n_earlier += chunk_id <= taking->context->last_earlier_id;
    return STATUS_OK;
}

/* Some may have got their vector since they were counted: by their twins in another job, or by
 * another process. */
static enum status take_slice(struct ingest_worker *worker, const struct ingest_context *context,
                              struct ingest_job *job, struct error *err)
{
    struct taking taking = {.context = context, .job = job, .reader = worker->reader};
    job->chunks = arena_zalloc(&job->arena, INGEST_SLICE, sizeof *job->chunks);
    if (!job->chunks)
        return error_nomem(err);
    enum status status = store_read_begin(worker->reader, err);
    if (!status)
        status = store_each_missing_vector(worker->reader, job->missing->after, INGEST_SLICE, take,
                                           &taking, err);
    store_read_end(worker->reader);
    return status;
}

static enum status embed(struct ingest_worker *worker, const struct ingest_context *context,
                         struct ingest_job *job, struct error *err)
{
    size_t dim = embedder_dim(context->embedder), n = job->n_chunks;
    struct embed_text texts[INGEST_SLICE];
    job->vectors = arena_zalloc(&job->arena, n * dim, sizeof *job->vectors);
    if (!job->vectors)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++) {
        struct store_chunk *chunk = &job->chunks[i];
        const char *text = *chunk->heading
                               ? arena_printf(&job->arena, "%s\n%s", chunk->heading, chunk->text)
                               : chunk->text;
        if (!text)
            return error_nomem(err);
        texts[i] = (struct embed_text){.text = text, .len = strlen(text)};
        chunk->vector = job->vectors + i * dim;
        chunk->vector_bytes = dim * sizeof *job->vectors;
    }
    enum status status = embedder_embed(worker->embed_work, EMBED_PASSAGE, texts, n,
                                        context->cancel, worker->floats, err);
    if (!status)
        vector_to_fp16(worker->floats, n * dim, job->vectors);
    return status;
}

void ingest_slice_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                          struct ingest_job *job)
{
    enum status status = take_slice(worker, context, job, &job->error);
    if (!status && job->n_chunks > 0)
        status = embed(worker, context, job, &job->error);
    if (!status) {
        job->change = job->n_linked > 0 ? INGEST_CHANGE_VECTORS : INGEST_CHANGE_NONE;
        return;
    }
    job->result = ENGINE_FILE_FAILED;
    job->error.status = status;
    /* Nonsense may be about these texts; every other word of a server is about all of them. */
    job->is_fatal = status_is_of_peer(status) && status != STATUS_MALFORMED;
    job->n_chunks = 0;
}
