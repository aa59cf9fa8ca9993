/* One document: from a path (or ready blocks) to chunks with terms and the list of missing vectors.
 */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/ingest.h"
#include "engine/metadata.h"
#include "engine/parts.h"
#include "vector/vector.h"

#define HEADING_TOKENS_MAX 48
#define OVERLAP_TOKENS 32

enum status ingest_worker_init(struct ingest_worker *worker, const struct ingest_context *context,
                               struct error *err)
{
    const struct engine_options *options = &context->engine->options;
    *worker = (struct ingest_worker){0};
    worker->floats = mem_array(INGEST_SLICE * context->dim, sizeof(float));
    if (!worker->floats)
        return error_nomem(err);
    enum status status = load_worker_new(
        &(struct load_options){.limit_bytes = options->file_limit_bytes}, &worker->loader, err);
    if (!status)
        status = analyzer_new(options->language, &worker->analyzer, err);
    if (!status && !context->is_deferred)
        status = embedder_work_new(context->embedder, &worker->embed_work, err);
    if (!status)
        status = store_open(options->data_folder, STORE_OPEN_READ, &worker->reader, err);
    return status;
}

void ingest_worker_clear(struct ingest_worker *worker)
{
    store_close(worker->reader);
    embedder_work_free(worker->embed_work);
    analyzer_free(worker->analyzer);
    load_worker_free(worker->loader);
    mem_free(worker->floats);
    *worker = (struct ingest_worker){0};
}

/* Failures that say nothing about the file: a good earlier version in the library is kept. */
static bool is_passing(enum status status)
{
    return status == STATUS_NOMEM || status == STATUS_IO || status == STATUS_BUSY ||
           status == STATUS_CANCELLED || status == STATUS_REMOTE;
}

/* The path stands beside every reason that is shown; it need not stand in it too. */
static void drop_own_path(const char *path, char *message)
{
    size_t len = strlen(path);
    if (message[0] == '"' && strncmp(message + 1, path, len) == 0 &&
        strncmp(message + 1 + len, "\": ", 3) == 0)
        memmove(message, message + len + 4, strlen(message + len + 4) + 1);
}

void ingest_fail(struct ingest_job *job, enum status status)
{
    drop_own_path(job->path, job->error.message);
    job->result = ENGINE_FILE_FAILED;
    job->error.status = status;
    job->change = is_passing(status) ? INGEST_CHANGE_NONE : INGEST_CHANGE_DOCUMENT;
    job->document.state = STORE_DOCUMENT_FAILED;
    job->document.error = job->error.message;
    job->document.warning = job->error.hint;
    job->chunks = NULL;
    job->n_chunks = job->n_needed = job->n_deferred = 0;
}

static bool is_same_file(const struct ingest_known *known, const struct file_info *info)
{
    return known && known->is_ready && known->size_bytes == info->size_bytes &&
           known->inode == info->inode && known->mtime_ns == info->mtime_ns;
}

static void set_stat(struct store_document *document, const struct file_info *info)
{
    document->size_bytes = info->size_bytes;
    document->inode = info->inode;
    document->mtime_ns = info->mtime_ns;
}

static enum status chunk_blocks(const struct ingest_context *context, const char *title,
                                const struct text_block *blocks, size_t n_blocks,
                                struct arena *arena, struct text_chunk **out, size_t *out_n,
                                struct error *err)
{
    const struct engine_options *options = &context->engine->options;
    size_t n_model = embedder_n_tokens_max(context->embedder), n_max = options->chunk_tokens;
    if (n_max == 0 || n_max > n_model)
        n_max = n_model;
    size_t n_overlap = options->chunk_overlap ? options->chunk_overlap : OVERLAP_TOKENS;
    struct text_chunk_options chunking = {
        .counter = embedder_counter(context->embedder),
        .n_tokens_max = n_max,
        .n_tokens_overlap = n_overlap < n_max / 3 ? n_overlap : n_max / 3,
        .n_heading_max = HEADING_TOKENS_MAX < n_max / 3 ? HEADING_TOKENS_MAX : n_max / 3,
        .title = title,
    };
    return text_chunk_document(blocks, n_blocks, &chunking, arena, out, out_n, err);
}

static enum status set_terms(struct ingest_worker *worker, const struct text_chunk *from,
                             struct arena *arena, struct store_chunk *to, struct error *err)
{
    struct buf blob = {0};
    const char *texts[2] = {from->heading, from->text};
    size_t lens[2] = {from->heading_len, from->len};
    enum status status =
        lexical_terms_encode(worker->analyzer, texts, lens, 2, &blob, &to->n_terms, err);
    if (!status) {
        to->terms = arena_text(arena, buf_text(&blob), blob.len);
        to->terms_len = blob.len;
        if (!to->terms)
            status = error_nomem(err);
    }
    buf_clear(&blob);
    return status;
}

static enum status make_chunk(struct ingest_worker *worker, const struct text_chunk *from,
                              struct ingest_job *job, struct store_chunk *to, struct error *err)
{
    *to = (struct store_chunk){
        .page = from->page,
        .page_end = from->page_end,
        .line = from->line,
        .line_end = from->line_end,
        .byte_start = from->byte_start,
        .byte_end = from->byte_end,
        .heading = from->heading,
        .text = from->text,
        .hash = hash128_of_pair(from->heading, from->heading_len, from->text, from->len),
    };
    return set_terms(worker, from, &job->arena, to, err);
}

static bool was_seen(const struct ingest_job *job, struct hash128 hash)
{
    for (size_t i = 0; i < job->n_needed; i++)
        if (memcmp(&job->chunks[job->needed[i]].hash, &hash, sizeof hash) == 0)
            return true;
    return false;
}

/* Which chunks have no stored vector yet; repeated ones inside the document are computed once. */
static enum status find_needed(struct ingest_worker *worker, const struct ingest_context *context,
                               struct ingest_job *job, struct error *err)
{
    job->needed = arena_zalloc(&job->arena, job->n_chunks, sizeof *job->needed);
    if (!job->needed)
        return error_nomem(err);
    job->n_needed = 0;
    for (size_t i = 0; i < job->n_chunks; i++) {
        bool has_vector = false;
        enum status status =
            store_has_vector(worker->reader, job->chunks[i].hash, &has_vector, err);
        if (status)
            return status;
        if (!has_vector && !(job->n_chunks < 2000 && was_seen(job, job->chunks[i].hash)))
            job->needed[job->n_needed++] = i;
    }
    if (context->is_deferred) {
        job->n_deferred = job->n_needed;
        job->n_needed = 0;
    }
    if (job->n_needed == 0)
        return STATUS_OK;
    job->vectors = arena_zalloc(&job->arena, job->n_needed * context->dim, sizeof(uint16_t));
    if (!job->vectors)
        return error_nomem(err);
    for (size_t i = 0; i < job->n_needed; i++) {
        job->chunks[job->needed[i]].vector = job->vectors + i * context->dim;
        job->chunks[job->needed[i]].vector_bytes = context->dim * sizeof(uint16_t);
    }
    return STATUS_OK;
}

enum status ingest_index_blocks(struct ingest_worker *worker, const struct ingest_context *context,
                                const struct text_block *blocks, size_t n_blocks,
                                struct ingest_job *job, struct error *err)
{
    struct text_chunk *chunks = NULL;
    size_t n_chunks = 0;
    enum status status = chunk_blocks(context, job->document.title, blocks, n_blocks, &job->arena,
                                      &chunks, &n_chunks, err);
    if (status)
        return status;
    job->chunks = arena_zalloc(&job->arena, n_chunks, sizeof *job->chunks);
    if (!job->chunks)
        return error_nomem(err);
    for (size_t i = 0; i < n_chunks && !status; i++)
        status = make_chunk(worker, &chunks[i], job, &job->chunks[i], err);
    job->n_chunks = n_chunks;
    return status ? status : find_needed(worker, context, job, err);
}

static enum status index_all(struct ingest_worker *worker, const struct ingest_context *context,
                             const struct text_block *blocks, size_t n_blocks,
                             struct ingest_job *job, struct error *err)
{
    enum status status = ingest_index_blocks(worker, context, blocks, n_blocks, job, err);
    if (!status && job->n_chunks == 0)
        return error_set(err, STATUS_INVALID, "there is no text in it");
    return status;
}

/* The file's name without its extension stands in for a title the document does not have. */
static const char *title_of(const struct load_document *document, struct ingest_job *job)
{
    if (document->title && *document->title)
        return document->title;
    const char *name = path_name(job->path), *dot = path_extension(job->path);
    size_t len = strlen(name) - strlen(dot);
    struct buf clean = {0};
    text_normalize(name, len, TEXT_SPACE_COLLAPSE, &clean);
    const char *title = clean.failed ? NULL : arena_text(&job->arena, buf_text(&clean), clean.len);
    buf_clear(&clean);
    return title ? title : "";
}

enum status ingest_set_document(struct ingest_job *job, const struct load_document *loaded,
                                struct error *err)
{
    job->document.kind = loaded->kind;
    job->document.title = title_of(loaded, job);
    job->document.warning = loaded->warning ? loaded->warning : "";
    job->document.n_pages = loaded->n_pages;
    return metadata_join(loaded->meta, job->given, &job->arena, &job->document.meta, err);
}

static enum status read_document(struct ingest_worker *worker, const struct ingest_context *context,
                                 int fd, struct ingest_job *job, struct error *err)
{
    struct load_document loaded = {0};
    enum status status =
        load_parse(worker->loader, fd, job->path, context->cancel, &job->arena, &loaded, err);
    if (status)
        return status;
    status = ingest_set_document(job, &loaded, err);
    return status ? status : index_all(worker, context, loaded.blocks, loaded.n_blocks, job, err);
}

/* The bytes must be the same before and after, or chunks of two versions would mix. */
static enum status read_steady(struct ingest_worker *worker, const struct ingest_context *context,
                               int fd, struct ingest_job *job, struct error *err)
{
    struct file_info before, after;
    enum status status = file_stat_fd(fd, job->path, &before, err);
    if (status)
        return status;
    set_stat(&job->document, &before);
    status = hash_sha256_fd(fd, job->path, context->cancel, job->hash, err);
    if (status)
        return status;
    if (job->known && job->known->is_ready && !job->is_given_changed &&
        strcmp(job->known->hash, job->hash) == 0) {
        job->change = INGEST_CHANGE_STAT;
        return STATUS_OK;
    }
    status = read_document(worker, context, fd, job, err);
    if (status)
        return status;
    status = file_stat_fd(fd, job->path, &after, err);
    if (!status && (after.size_bytes != before.size_bytes || after.mtime_ns != before.mtime_ns))
        status = error_set(err, STATUS_BUSY, "it changed while it was read");
    if (!status)
        job->change = INGEST_CHANGE_DOCUMENT;
    return status;
}

static enum status prepare_file(struct ingest_worker *worker, const struct ingest_context *context,
                                struct ingest_job *job, struct error *err)
{
    struct file_info info;
    enum status status = file_stat(job->path, FILE_FOLLOW, &info, err);
    if (status)
        return status;
    if (!job->is_given_changed && is_same_file(job->known, &info)) {
        job->result = ENGINE_FILE_UNCHANGED;
        return STATUS_OK;
    }
    int fd;
    status = file_open(job->path, FILE_FOLLOW, &fd, err);
    if (status)
        return status;
    status = read_steady(worker, context, fd, job, err);
    close(fd);
    if (!status)
        job->result = job->change == INGEST_CHANGE_STAT ? ENGINE_FILE_UNCHANGED
                      : job->known                      ? ENGINE_FILE_UPDATED
                                                        : ENGINE_FILE_ADDED;
    return status;
}

/* What the user gave before stays, also when the file can't be read now. */
static enum status join_given(const struct ingest_context *context, struct ingest_job *job,
                              struct error *err)
{
    enum status status = metadata_given_join(job->known ? job->known->given : "", context->given,
                                             &job->arena, &job->given, &job->is_given_changed, err);
    return status ? status : metadata_join("", job->given, &job->arena, &job->document.meta, err);
}

/* A document that came as blocks: its identity is its text. */
static enum status prepare_record(struct ingest_worker *worker,
                                  const struct ingest_context *context, struct ingest_job *job,
                                  struct error *err)
{
    struct buf text = {0};
    buf_append_text(&text, job->record_title);
    for (size_t i = 0; i < job->n_record; i++) {
        buf_append_char(&text, '\n');
        buf_append(&text, job->record[i].text, job->record[i].len);
    }
    enum status status = buf_status(&text, err);
    if (!status) {
        hash_sha256_hex(buf_text(&text), text.len, job->hash);
        job->document.size_bytes = text.len;
    }
    buf_clear(&text);
    if (status)
        return status;
    if (job->known && strcmp(job->known->hash, job->hash) == 0) {
        job->result = ENGINE_FILE_UNCHANGED;
        return STATUS_OK;
    }
    job->document.kind = "record";
    job->document.title = job->record_title;
    job->result = job->known ? ENGINE_FILE_UPDATED : ENGINE_FILE_ADDED;
    job->change = INGEST_CHANGE_DOCUMENT;
    return index_all(worker, context, job->record, job->n_record, job, err);
}

static enum status take_missing(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                                struct error *err)
{
    struct ingest_job *job = ctx;
    if (chunk_id > job->missing->until)
        return STATUS_OK;
    struct store_chunk *taken = &job->chunks[job->n_chunks];
    *taken = (struct store_chunk){
        .heading = arena_text(&job->arena, chunk->heading, strlen(chunk->heading)),
        .text = arena_text(&job->arena, chunk->text, strlen(chunk->text)),
        .hash = chunk->hash,
    };
    if (!taken->heading || !taken->text)
        return error_nomem(err);
    job->n_chunks++;
    return STATUS_OK;
}

/* Some may have got their vector since they were counted: by their twins in another job, or by
 * another process. */
static enum status prepare_missing(struct ingest_worker *worker,
                                   const struct ingest_context *context, struct ingest_job *job,
                                   struct error *err)
{
    job->chunks = arena_zalloc(&job->arena, INGEST_SLICE, sizeof *job->chunks);
    if (!job->chunks)
        return error_nomem(err);
    enum status status = store_each_missing_vector(worker->reader, job->missing->after,
                                                   INGEST_SLICE, take_missing, job, err);
    if (!status)
        status = find_needed(worker, context, job, err);
    if (!status && job->n_needed > 0)
        job->change = INGEST_CHANGE_VECTORS;
    return status;
}

/* Not a document's failure: nothing is recorded for it. */
static void fail_missing(struct ingest_job *job, enum status status)
{
    job->result = ENGINE_FILE_FAILED;
    job->error.status = status;
    job->n_needed = 0;
}

void ingest_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                    struct ingest_job *job)
{
    enum status status;
    bool is_whole = true;
    if (job->missing) {
        status = prepare_missing(worker, context, job, &job->error);
        if (status)
            fail_missing(job, status);
        return;
    }
    job->document = (struct store_document){
        .path = job->path,
        .title = "",
        .kind = "",
        .collection = context->collection,
        .added_ms = clock_wall_ms(),
        .hash = job->hash,
        .error = "",
        .warning = "",
    };
    if (job->problem) {
        status = error_set(&job->error, STATUS_IO, "%s", job->problem);
    } else if (job->record) {
        status = prepare_record(worker, context, job, &job->error);
    } else {
        status = join_given(context, job, &job->error);
        if (!status && job->parts)
            status = parts_prepare(worker, context, job, &is_whole, &job->error);
        if (!status && is_whole)
            status = prepare_file(worker, context, job, &job->error);
        if (status == STATUS_BUSY && is_whole && !job->parts)
            status = prepare_file(worker, context, job, &job->error);
    }
    if (status)
        ingest_fail(job, status);
}

enum status ingest_embed_slice(struct ingest_worker *worker, const struct ingest_context *context,
                               struct ingest_job *job, size_t i_slice, struct error *err)
{
    size_t first = i_slice * INGEST_SLICE, dim = context->dim;
    size_t n = job->n_needed - first < INGEST_SLICE ? job->n_needed - first : INGEST_SLICE;
    struct embed_text texts[INGEST_SLICE];
    struct arena arena = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        const struct store_chunk *chunk = &job->chunks[job->needed[first + i]];
        char *text = *chunk->heading ? arena_printf(&arena, "%s\n%s", chunk->heading, chunk->text)
                                     : arena_text(&arena, chunk->text, strlen(chunk->text));
        if (!text) {
            status = error_nomem(err);
            goto done;
        }
        texts[i] = (struct embed_text){.text = text, .len = strlen(text)};
    }
    status = embedder_embed(worker->embed_work, EMBED_PASSAGE, texts, n, context->cancel,
                            worker->floats, err);
    if (!status)
        vector_to_fp16(worker->floats, n * dim, job->vectors + first * dim);
done:
    arena_clear(&arena);
    return status;
}
