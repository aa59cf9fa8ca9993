#include "ingest/parts.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "query/metadata.h"

static bool is_same_version(const struct file_info *a, const struct file_info *b)
{
    return a->size_bytes == b->size_bytes && a->inode == b->inode && a->mtime_ns == b->mtime_ns;
}

static enum status fail_changed(struct ingest_job *job, struct error *err)
{
    job->is_changed = true;
    return error_set(err, STATUS_BUSY, "it changed while it was read");
}

static enum status plan_known(struct parts *parts, const struct ingest_context *context, int fd,
                              const struct ingest_job *job, struct error *err)
{
    const struct ingest_known *known = job->known;
    const struct file_info was = {
        .size_bytes = known->size_bytes, .inode = known->inode, .mtime_ns = known->mtime_ns};
    bool is_same = is_same_version(&was, &parts->seen);
    if (known->is_ready && is_same) {
        parts->plan = PARTS_UNCHANGED;
        return STATUS_OK;
    }
    if (known->part_bytes == parts->part_bytes && is_same && known->n_parts < parts->n)
        parts->first = (size_t)known->n_parts;
    if (!known->is_ready)
        return STATUS_OK;
    enum status status = hash_sha256_fd(fd, job->path, context->cancel, parts->hash, err);
    if (!status && strcmp(known->hash, parts->hash) == 0)
        parts->plan = PARTS_TOUCH;
    return status;
}

static enum status plan(struct parts *parts, const struct ingest_context *context, int fd,
                        struct ingest_job *job, struct error *err)
{
    bool has_parts = false;
    enum status status = file_stat_fd(fd, job->path, &parts->seen, err);
    if (!status && load_n_parts(parts->seen.size_bytes, parts->part_bytes) != parts->n)
        return fail_changed(job, err); /* since the folder was looked at */
    if (!status && job->known && ingest_may_skip(context, job))
        status = plan_known(parts, context, fd, job, err);
    if (!status && parts->plan == PARTS_READ)
        status = load_has_parts(fd, job->path, &has_parts, err);
    if (!status && parts->plan == PARTS_READ && !has_parts)
        parts->plan = PARTS_WHOLE;
    return status;
}

/* Whoever comes first decides for all of them; the others wait for it. fd -1: it could not be
 * opened, which is `why`. */
static void decide(struct parts *parts, const struct ingest_context *context, int fd,
                   const struct error *why, struct ingest_job *job)
{
    pthread_mutex_lock(&parts->mutex);
    if (!parts->is_decided) {
        parts->is_decided = true;
        parts->plan = PARTS_READ;
        parts->error = *why;
        if (fd < 0 || plan(parts, context, fd, job, &parts->error))
            parts->plan = PARTS_FAIL;
    }
    pthread_mutex_unlock(&parts->mutex);
}

static bool is_over(struct parts *parts)
{
    pthread_mutex_lock(&parts->mutex);
    bool is_it = parts->is_over;
    pthread_mutex_unlock(&parts->mutex);
    return is_it;
}

static enum status check_version(const struct parts *parts, int fd, struct ingest_job *job,
                                 struct error *err)
{
    struct file_info now;
    enum status status = file_stat_fd(fd, job->path, &now, err);
    return !status && !is_same_version(&now, &parts->seen) ? fail_changed(job, err) : status;
}

static enum status finish_hash(struct parts *parts, const struct ingest_context *context, int fd,
                               struct ingest_job *job, struct error *err)
{
    if (!job->part.is_last)
        return STATUS_OK;
    if (!*parts->hash) {
        enum status status = hash_sha256_fd(fd, job->path, context->cancel, parts->hash, err);
        if (status)
            return status;
    }
    memcpy(job->hash, parts->hash, sizeof job->hash);
    return STATUS_OK;
}

static enum status read_part(struct ingest_worker *worker, const struct ingest_context *context,
                             int fd, struct ingest_job *job, struct error *err)
{
    struct parts *parts = job->parts;
    struct load_document loaded = {0};
    const struct load_part part = {
        .i = job->i_part, .part_bytes = parts->part_bytes, .file_bytes = parts->seen.size_bytes};
    load_worker_allow(worker->loader, ingest_allow_parser(context, job));
    enum status status = load_parse_part(worker->loader, fd, job->path, &part, context->cancel,
                                         &job->arena, &loaded, err);
    if (status)
        return status;
    job->part = (struct store_part){
        .i = job->i_part,
        .part_bytes = parts->part_bytes,
        .n_lines = loaded.n_lines,
        .is_last = job->i_part + 1 == parts->n,
    };
    for (size_t i = 0; i < loaded.n_blocks; i++)
        job->part.n_bytes += loaded.blocks[i].len + 2;
    status = ingest_set_document(job, &loaded, err);
    if (!status)
        status = ingest_index_blocks(worker, context, loaded.blocks, loaded.n_blocks, job, err);
    if (!status)
        status = finish_hash(parts, context, fd, job, err);
    return status ? status : check_version(parts, fd, job, err);
}

static enum status read_planned(struct ingest_worker *worker, const struct ingest_context *context,
                                int fd, struct ingest_job *job, struct error *err)
{
    if (job->i_part < job->parts->first || is_over(job->parts))
        return STATUS_OK;
    job->change = INGEST_CHANGE_PART;
    job->result = job->known && !job->known->part_bytes ? ENGINE_FILE_UPDATED : ENGINE_FILE_ADDED;
    enum status status = fd < 0 ? err->status : read_part(worker, context, fd, job, err);
    job->is_silent = !status && !job->part.is_last;
    return status;
}

/* One job of each file is told of: the last one, or the one that fails. */
static enum status prepare_planned(struct ingest_worker *worker,
                                   const struct ingest_context *context, int fd,
                                   struct ingest_job *job, bool *out_is_whole, struct error *err)
{
    struct parts *parts = job->parts;
    bool is_last = job->i_part + 1 == parts->n;
    ingest_set_stat(&job->document, &parts->seen);
    job->result = ENGINE_FILE_UNCHANGED;
    job->is_silent = true;
    switch (parts->plan) {
    case PARTS_TOUCH:
        job->change = is_last ? INGEST_CHANGE_STAT : INGEST_CHANGE_NONE;
        /* fallthrough */
    case PARTS_UNCHANGED:
        job->is_silent = !is_last;
        break;
    case PARTS_WHOLE:
        job->is_silent = job->i_part > 0;
        *out_is_whole = job->i_part == 0;
        break;
    case PARTS_FAIL:
        job->is_silent = job->i_part > 0;
        *err = parts->error;
        return job->i_part > 0 ? STATUS_OK : parts->error.status;
    case PARTS_READ:
        return read_planned(worker, context, fd, job, err);
    }
    return STATUS_OK;
}

enum status parts_prepare(struct ingest_worker *worker, const struct ingest_context *context,
                          struct ingest_job *job, bool *out_is_whole, struct error *err)
{
    int fd = -1;
    bool is_whole = false;
    if (file_open(job->path, FILE_FOLLOW, &fd, err))
        fd = -1;
    decide(job->parts, context, fd, err, job);
    enum status status = prepare_planned(worker, context, fd, job, &is_whole, err);
    if (fd >= 0)
        close(fd);
    if (!status)
        *out_is_whole = is_whole;
    return status;
}

/* ---- the writer ---- */

static void set_over(struct parts *parts)
{
    pthread_mutex_lock(&parts->mutex);
    parts->is_over = true;
    pthread_mutex_unlock(&parts->mutex);
}

static void fail(struct ingest_job *job)
{
    set_over(job->parts);
    ingest_fail(job, job->error.status);
    job->is_silent = false;
}

/* A part behind one that failed. */
static void drop(struct ingest_job *job)
{
    job->change = INGEST_CHANGE_NONE;
    job->result = ENGINE_FILE_UNCHANGED;
    job->is_silent = true;
}

void parts_settle(struct ingest_job *job)
{
    struct parts *parts = job->parts;
    if (parts->plan != PARTS_READ)
        return;
    if (parts->is_over) {
        drop(job);
        return;
    }
    if (job->result == ENGINE_FILE_FAILED) {
        set_over(parts);
        job->is_silent = false;
        /* Of a version that is no more nothing stays; what else failed may be tried again. */
        if (job->is_changed && (parts->has_written || parts->first > 0))
            job->change = INGEST_CHANGE_DOCUMENT;
        return;
    }
    parts->n_chunks += job->n_chunks;
    bool has_text = parts->n_chunks > 0 || (parts->first > 0 && job->known->n_chunks > 0);
    if (job->change == INGEST_CHANGE_PART && job->part.is_last && !has_text) {
        error_set(&job->error, STATUS_INVALID, "there is no text in it");
        fail(job);
    }
}

enum status parts_put(struct store *store, struct ingest_job *job, struct store_place *out,
                      bool *out_is_put, struct error *err)
{
    bool is_next = false;
    if (job->parts->is_over) { /* since it was settled, by one of the same transaction */
        drop(job);
        *out_is_put = false;
        return STATUS_OK;
    }
    enum status status = store_put_part(store, &job->document, &job->part, job->chunks,
                                        job->n_chunks, out, &is_next, err);
    if (status)
        return status;
    job->parts->has_written |= is_next;
    if (!is_next) {
        error_set(&job->error, STATUS_BUSY, "another process adds or removes it too");
        fail(job);
    }
    *out_is_put = is_next;
    return STATUS_OK;
}
