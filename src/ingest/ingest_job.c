/* One document: from a path (or ready blocks) to chunks with terms. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace.h"
#include "ingest/ingest.h"
#include "ingest/ingest_job.h"
#include "ingest/parts.h"
#include "query/metadata.h"

#define HEADING_TOKENS_MAX 48
#define OVERLAP_TOKENS 32

enum status ingest_worker_init(struct ingest_worker *worker, const struct ingest_context *context,
                               struct error *err)
{
    const struct engine_options *options = &context->engine->options;
    *worker = (struct ingest_worker){0};
    enum status status = store_open(options->data_folder, STORE_OPEN_READ, &worker->reader, err);
    if (status)
        return status;
    if (context->pass == INGEST_PASS_VECTORS)
        return ingest_slice_init(worker, context, err);
    status = load_worker_new(&(struct load_options){.limit_bytes = options->file_limit_bytes},
                             &worker->loader, err);
    return status ? status : analyzer_new(options->language, &worker->analyzer, err);
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
           status == STATUS_CANCELLED || status == STATUS_DAMAGED || status == STATUS_CRASHED ||
           status_is_of_peer(status);
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
    job->n_chunks = job->n_missing = 0;
}

bool ingest_may_skip(const struct ingest_context *context, const struct ingest_job *job)
{
    return !job->is_given_changed &&
           feature_is_on(&context->engine->options.features, FEATURE_INCREMENTAL_INDEXING);
}

static bool is_same_file(const struct ingest_known *known, const struct file_info *info)
{
    return known && known->is_ready && known->size_bytes == info->size_bytes &&
           known->inode == info->inode && known->mtime_ns == info->mtime_ns;
}

void ingest_set_stat(struct store_document *document, const struct file_info *info)
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
        .cancel = context->cancel,
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
    job->n_tokens += from->n_tokens;
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

/* In one snapshot: to begin one costs as much as many looks. */
static enum status count_missing(struct store *reader, struct ingest_job *job, struct error *err)
{
    enum status status = store_read_begin(reader, err);
    if (status)
        return status;
    for (size_t i = 0; i < job->n_chunks && !status; i++) {
        bool has_vector = false;
        status = store_has_vector(reader, job->chunks[i].hash, &has_vector, err);
        job->n_missing += !has_vector;
    }
    store_read_end(reader);
    return status;
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
    struct trace_span terms = trace_begin(TRACE_STAGE_TERMS);
    for (size_t i = 0; i < n_chunks && !status; i++)
        status = is_cancelled(context->cancel)
                     ? error_set(err, STATUS_CANCELLED, "stopped")
                     : make_chunk(worker, &chunks[i], job, &job->chunks[i], err);
    trace_end(&terms);
    job->n_chunks = n_chunks;
    return status ? status : count_missing(worker->reader, job, err);
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
    load_worker_allow(worker->loader, ingest_allow_parser(context, job));
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
    ingest_set_stat(&job->document, &before);
    status = hash_sha256_fd(fd, job->path, context->cancel, job->hash, err);
    if (status)
        return status;
    if (ingest_may_skip(context, job) && job->known && job->known->is_ready &&
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
    if (ingest_may_skip(context, job) && is_same_file(job->known, &info)) {
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
    if (ingest_may_skip(context, job) && job->known && strcmp(job->known->hash, job->hash) == 0) {
        job->result = ENGINE_FILE_UNCHANGED;
        return STATUS_OK;
    }
    job->document.kind = "record";
    job->document.title = job->record_title;
    job->result = job->known ? ENGINE_FILE_UPDATED : ENGINE_FILE_ADDED;
    job->change = INGEST_CHANGE_DOCUMENT;
    return index_all(worker, context, job->record, job->n_record, job, err);
}

void ingest_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                    struct ingest_job *job)
{
    enum status status;
    bool is_whole = true;
    if (job->missing) {
        ingest_slice_prepare(worker, context, job);
        return;
    }
    TRACE(TRACE_STAGE_FILE);
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
