#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/trace.h"
#include "embed/embedder_internal.h"

#define NORM_TOLERANCE 1e-3

extern const struct embedder_row embedder_native, embedder_ollama, embedder_openai;

static const struct embedder_row *const rows[] = {
    &embedder_native,
    &embedder_ollama,
    &embedder_openai,
};
#define N_ROWS (sizeof rows / sizeof rows[0])

static const struct embedder_row *find_row(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i]->name, name) == 0)
            return rows[i];
    return NULL;
}

static enum status unknown_row(const char *name, struct error *err)
{
    struct buf names = {0};
    for (size_t i = 0; i < N_ROWS; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", rows[i]->name);
    enum status status = error_set(err, STATUS_INVALID, "unknown embedding backend \"%s\"", name);
    error_hint(err, "known are: %s", buf_text(&names));
    buf_clear(&names);
    return status;
}

enum status embedder_open(const struct embedder_options *options, struct embedder **out,
                          struct error *err)
{
    TRACE(TRACE_STAGE_OPEN_MODEL);
    const struct embedder_row *row = find_row(options->backend);
    if (!row)
        return unknown_row(options->backend, err);
    struct embedder *embedder = mem_zalloc(1, sizeof *embedder);
    if (!embedder)
        return error_nomem(err);
    embedder->row = row;
    enum status status = row->open(options, embedder, err);
    if (status) {
        embedder_close(embedder);
        return status;
    }
    *out = embedder;
    return STATUS_OK;
}

void embedder_close(struct embedder *embedder)
{
    if (!embedder)
        return;
    embedder->row->close(embedder);
    mem_free(embedder->fingerprint);
    mem_free(embedder);
}

size_t embedder_dim(const struct embedder *embedder)
{
    return embedder->dim;
}

size_t embedder_n_tokens_max(const struct embedder *embedder)
{
    return embedder->n_tokens_max;
}

const char *embedder_kernel(const struct embedder *embedder)
{
    return embedder->kernel ? embedder->kernel : "";
}

const char *embedder_fingerprint(const struct embedder *embedder)
{
    return embedder->fingerprint;
}

struct text_counter embedder_counter(const struct embedder *embedder)
{
    return embedder->counter;
}

struct embedder_tuning embedder_tuning(const struct embedder *embedder)
{
    return embedder->row->tuning ? embedder->row->tuning(embedder) : (struct embedder_tuning){0};
}

enum status embedder_work_new(const struct embedder *embedder, struct embedder_work **out,
                              struct error *err)
{
    struct embedder_work *work = mem_zalloc(1, sizeof *work);
    if (!work)
        return error_nomem(err);
    work->embedder = embedder;
    if (embedder->row->work_new) {
        enum status status = embedder->row->work_new(embedder, &work->scratch, err);
        if (status) {
            mem_free(work);
            return status;
        }
    }
    *out = work;
    return STATUS_OK;
}

void embedder_work_free(struct embedder_work *work)
{
    if (!work)
        return;
    if (work->embedder->row->work_free)
        work->embedder->row->work_free(work->scratch);
    mem_free(work);
}

static bool is_unit(const float *vector, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)vector[i] * (double)vector[i];
    return fabs(sqrt(sum) - 1) <= NORM_TOLERANCE; /* false for NaN too */
}

static enum status embed_batch(struct embedder_work *work, enum embed_kind kind,
                               const struct embed_text *texts, size_t n_texts,
                               const struct cancel *cancel, float *out, struct error *err)
{
    const struct embedder *embedder = work->embedder;
    if (is_cancelled(cancel))
        return error_set(err, STATUS_CANCELLED, "embedding was cancelled");
    enum status status =
        embedder->row->embed(embedder, work->scratch, kind, texts, n_texts, cancel, out, err);
    for (size_t i = 0; i < n_texts && !status; i++)
        if (!is_unit(out + i * embedder->dim, embedder->dim))
            status = error_set(err, STATUS_MALFORMED, "%s gave a vector that is not of norm 1",
                               embedder->row->name);
    return status;
}

enum status embedder_embed(struct embedder_work *work, enum embed_kind kind,
                           const struct embed_text *texts, size_t n_texts,
                           const struct cancel *cancel, float *out, struct error *err)
{
    TRACE(TRACE_STAGE_EMBED);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_texts && !status;) {
        size_t n = size_min(n_texts - i, work->embedder->row->n_batch_max);
        status = embed_batch(work, kind, texts + i, n, cancel, out + i * work->embedder->dim, err);
        i += n;
    }
    return status;
}
