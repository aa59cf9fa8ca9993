/* The vectors that `add` left for later: their passages go through the pipeline of an ingest, a
 * slice of them as one job, in the order of their ids. */
#include "base/mem.h"
#include "engine/ingest.h"

/* Sixteen bytes for INGEST_SLICE passages: the library may be any size. */
struct fill {
    const struct engine_add_options *options;
    struct ingest_missing *jobs;
    size_t n_jobs, n_jobs_max;
    size_t n_passages;
    struct error first_failure;
    size_t n_failures; /* jobs */
};

static enum status add_passage(void *ctx, int64_t chunk_id, struct error *err)
{
    struct fill *fill = ctx;
    if (fill->n_passages % INGEST_SLICE == 0) {
        void *jobs = fill->jobs;
        enum status status =
            mem_reserve(&jobs, &fill->n_jobs_max, fill->n_jobs + 1, sizeof *fill->jobs, err);
        if (status)
            return status;
        fill->jobs = jobs;
        fill->jobs[fill->n_jobs++].after = chunk_id - 1;
    }
    fill->jobs[fill->n_jobs - 1].until = chunk_id;
    fill->n_passages++;
    return STATUS_OK;
}

static enum status find_missing(struct engine *engine, struct fill *fill, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(engine->options.data_folder, STORE_OPEN_READ, &store, err);
    if (!status)
        status = store_each_missing_id(store, add_passage, fill, err);
    store_close(store);
    return status;
}

/* What the pipeline counts as bytes are passages here. */
static void get_slice(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes)
{
    const struct fill *fill = ctx;
    bool is_last = i + 1 == fill->n_jobs;
    job->missing = &fill->jobs[i];
    *out_bytes = is_last ? fill->n_passages - i * INGEST_SLICE : INGEST_SLICE;
}

static void on_slice(void *ctx, const struct engine_file_report *report)
{
    struct fill *fill = ctx;
    if (report->result == ENGINE_FILE_FAILED && fill->n_failures++ == 0) {
        error_set(&fill->first_failure, STATUS_IO, "%s", report->reason);
        error_hint(&fill->first_failure, "%s", report->hint);
    }
}

static void on_progress(void *ctx, const struct engine_progress *update)
{
    const struct fill *fill = ctx;
    if (fill->options->on_progress)
        fill->options->on_progress(fill->options->ctx,
                                   &(struct engine_progress){
                                       .n_vectors_done = (size_t)update->n_bytes_done,
                                       .n_vectors_total = fill->n_passages,
                                       .elapsed_ms = update->elapsed_ms,
                                       .eta_ms = update->eta_ms,
                                       .pause = update->pause,
                                   });
}

static enum status run_fill(struct engine *engine, struct fill *fill,
                            struct engine_add_result *io_result, struct error *err)
{
    struct engine_add_options options = {
        .cancel = fill->options->cancel,
        .on_file = on_slice,
        .on_progress = on_progress,
        .ctx = fill,
    };
    struct ingest_source source = {
        .n = fill->n_jobs, .n_bytes = fill->n_passages, .get = get_slice, .ctx = fill};
    struct engine_add_result result = {0};
    enum status status = ingest_run(engine, &source, &options, &result, err);
    io_result->n_vectors_filled += result.n_vectors_filled;
    io_result->elapsed_ms += result.elapsed_ms;
    if (result.index_error.status)
        io_result->index_error = result.index_error;
    if (status == STATUS_CANCELLED)
        status = error_set(err, STATUS_CANCELLED, "stopped after %zu vectors for %zu passages",
                           result.n_vectors_filled, fill->n_passages);
    if (!status && fill->n_failures > 0) {
        status =
            error_set(err, fill->first_failure.status, "could not make all the missing vectors: %s",
                      fill->first_failure.message);
        error_hint(err, "%s", fill->first_failure.hint);
    }
    return status;
}

enum status ingest_fill(struct engine *engine, const struct engine_add_options *options,
                        struct engine_add_result *io_result, struct error *err)
{
    struct fill fill = {.options = options};
    enum status status = find_missing(engine, &fill, err);
    if (!status && fill.n_jobs > 0)
        status = run_fill(engine, &fill, io_result, err);
    mem_free(fill.jobs);
    return status;
}
