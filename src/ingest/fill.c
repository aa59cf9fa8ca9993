/* The vectors that are missing: sixteen bytes for INGEST_SLICE passages, because the library may be
 * any size. */
#include "base/mem.h"
#include "ingest/ingest_job.h"

static enum status add_passage(void *ctx, int64_t chunk_id, struct error *err)
{
    struct ingest_fill *fill = ctx;
    if (fill->n_passages % INGEST_SLICE == 0) {
        if (is_cancelled(fill->cancel))
            return error_set(err, STATUS_CANCELLED, "stopped");
        void *jobs = fill->jobs;
        enum status status =
            mem_reserve(&jobs, &fill->n_jobs_max, fill->n_jobs + 1, sizeof *fill->jobs, err);
        fill->jobs = jobs;
        if (status)
            return status;
        fill->jobs[fill->n_jobs++].after = chunk_id - 1;
    }
    fill->jobs[fill->n_jobs - 1].until = chunk_id;
    fill->n_passages++;
    fill->last_id = chunk_id;
    return STATUS_OK;
}

enum status ingest_fill_init(struct ingest_fill *fill, struct store *store,
                             const struct cancel *cancel, struct error *err)
{
    struct ingest_fill found = {.cancel = cancel};
    enum status status = store_each_missing_id(store, add_passage, &found, err);
    if (status)
        ingest_fill_clear(&found);
    else
        *fill = found;
    return status;
}

void ingest_fill_clear(struct ingest_fill *fill)
{
    mem_free(fill->jobs);
    *fill = (struct ingest_fill){0};
}

static void get_slice(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes)
{
    const struct ingest_fill *fill = ctx;
    bool is_last = i + 1 == fill->n_jobs;
    job->missing = &fill->jobs[i];
    *out_bytes = is_last ? fill->n_passages - i * INGEST_SLICE : INGEST_SLICE;
}

struct ingest_source ingest_fill_source(struct ingest_fill *fill)
{
    return (struct ingest_source){
        .n = fill->n_jobs, .n_bytes = fill->n_passages, .get = get_slice, .ctx = fill};
}
