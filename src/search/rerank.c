#include "search/rerank.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

#define THREADS_MAX ((size_t)64)

struct reading {
    const struct rerank_request *request;
    struct encoder_text *passages; /* [n] */
    float *logits;                 /* [n] */
    size_t n;
    atomic_size_t n_taken; /* all below it are or will be read; may pass n */
};

struct reader {
    struct reading *reading;
    struct cross_encoder_scratch *scratch;
    struct thread thread;
    enum status status;
    struct error err;
};

static int64_t now_us(const struct rerank_request *request)
{
    return request->now_us ? request->now_us(request->ctx) : clock_monotonic_us();
}

/* Whoever is out of time takes nothing: what was taken is a beginning of the hits without gaps. */
static enum status read_passages(struct reader *reader)
{
    struct reading *reading = reader->reading;
    const struct rerank_request *request = reading->request;
    const struct encoder_text query = {request->query, strlen(request->query)};
    int64_t longest_us = 0, start_us = now_us(request);
    while (!is_cancelled(request->cancel) &&
           (!request->deadline_us || start_us + longest_us < request->deadline_us)) {
        size_t i = atomic_fetch_add(&reading->n_taken, 1);
        if (i >= reading->n)
            break;
        enum status status =
            cross_encoder_score(request->encoder, reader->scratch, &query, &reading->passages[i], 1,
                                &reading->logits[i], &reader->err);
        if (status)
            return status;
        int64_t end_us = now_us(request);
        longest_us = end_us - start_us > longest_us ? end_us - start_us : longest_us;
        start_us = end_us;
    }
    return STATUS_OK;
}

static void *run_reader(void *arg)
{
    struct reader *reader = arg;
    reader->status = read_passages(reader);
    return NULL;
}

/* The calling thread is the first reader; a thread that can't be started is not missed. */
static enum status run_readers(struct reading *reading, struct reader *readers, size_t n,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++) {
        readers[i].reading = reading;
        status = cross_encoder_scratch_new(reading->request->encoder, &readers[i].scratch, err);
    }
    for (size_t i = 1; i < n && !status; i++)
        if (thread_start(&readers[i].thread, run_reader, &readers[i], NULL))
            break;
    if (!status)
        run_reader(&readers[0]);
    for (size_t i = 0; i < n; i++) {
        thread_join(&readers[i].thread);
        cross_encoder_scratch_free(readers[i].scratch);
    }
    for (size_t i = 0; i < n && !status; i++) {
        status = readers[i].status;
        if (status && err)
            *err = readers[i].err;
    }
    if (!status && is_cancelled(reading->request->cancel))
        status = error_set(err, STATUS_CANCELLED, "stopped");
    return status;
}

/* What the embedder reads: the heading path stands before the text. */
static enum status join_texts(const struct engine_hit *hits, struct reading *reading,
                              struct arena *arena, struct error *err)
{
    for (size_t i = 0; i < reading->n; i++) {
        const char *heading = hits[i].heading ? hits[i].heading : "";
        const char *text =
            *heading ? arena_printf(arena, "%s\n%s", heading, hits[i].text) : hits[i].text;
        if (!text)
            return error_nomem(err);
        reading->passages[i] = (struct encoder_text){text, strlen(text)};
    }
    return STATUS_OK;
}

static enum status read_hits(const struct rerank_request *request, const struct engine_hit *hits,
                             struct reading *reading, struct arena *arena, struct error *err)
{
    size_t n_readers = size_max(1, size_min(size_min(request->n_threads, THREADS_MAX), reading->n));
    struct reader *readers = arena_zalloc(arena, n_readers, sizeof *readers);
    reading->passages = arena_zalloc(arena, reading->n, sizeof *reading->passages);
    reading->logits = arena_zalloc(arena, reading->n, sizeof *reading->logits);
    if (!readers || !reading->passages || !reading->logits)
        return error_nomem(err);
    enum status status = join_texts(hits, reading, arena, err);
    return status ? status : run_readers(reading, readers, n_readers, err);
}

static int compare_reranked(const void *a, const void *b)
{
    const struct engine_hit *x = a, *y = b;
    if (x->rerank_score != y->rerank_score)
        return x->rerank_score > y->rerank_score ? -1 : 1;
    if (x->fused_score != y->fused_score)
        return x->fused_score > y->fused_score ? -1 : 1;
    return x->chunk_id < y->chunk_id ? -1 : x->chunk_id > y->chunk_id;
}

static void reorder(struct engine_hit *hits, size_t n_hits, const float *logits, size_t n_read)
{
    for (size_t i = 0; i < n_read; i++) {
        hits[i].is_reranked = true;
        hits[i].score = hits[i].rerank_score = 1 / (1 + exp(-(double)logits[i]));
    }
    qsort(hits, n_read, sizeof *hits, compare_reranked);
    for (size_t i = n_read; i < n_hits; i++)
        hits[i].score = hits[i].fused_score * hits[n_read - 1].score;
}

enum status rerank_hits(const struct rerank_request *request, struct engine_hit *hits,
                        size_t n_hits, struct rerank_outcome *out, struct error *err)
{
    struct reading reading = {.request = request, .n = size_min(request->n_candidates, n_hits)};
    struct rerank_outcome outcome = {.n_wanted = reading.n};
    struct arena arena = {0};
    enum status status =
        reading.n > 0 ? read_hits(request, hits, &reading, &arena, err) : STATUS_OK;
    if (!status) {
        outcome.n_read = size_min(atomic_load(&reading.n_taken), reading.n);
        outcome.is_reordered =
            outcome.n_read > 0 && outcome.n_read >= size_min(request->n_top, reading.n);
        if (outcome.is_reordered)
            reorder(hits, n_hits, reading.logits, outcome.n_read);
        *out = outcome;
    }
    arena_clear(&arena);
    return status;
}
