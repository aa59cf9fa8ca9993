#include "base/checked.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metric.h"
#include "ingest/ingest.h"
#include "ingest/parts.h"
#include "ingest/scan.h"

const char *engine_file_result_name(enum engine_file_result result)
{
    static const char *const names[ENGINE_FILE_RESULT_COUNT] = {
        [ENGINE_FILE_ADDED] = "added",         [ENGINE_FILE_UPDATED] = "updated",
        [ENGINE_FILE_UNCHANGED] = "unchanged", [ENGINE_FILE_FAILED] = "failed",
        [ENGINE_FILE_SKIPPED] = "skipped",
    };
    return result < ENGINE_FILE_RESULT_COUNT ? names[result] : "unknown";
}

static void get_file(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes)
{
    const struct scan *scan = ctx;
    const struct scan_file *file = scan->jobs[i].file;
    job->path = file->path;
    job->problem = file->problem;
    job->parts = file->parts;
    job->i_part = scan->jobs[i].i_part;
    *out_bytes = file->size_bytes;
    if (job->parts)
        *out_bytes = size_min(job->parts->part_bytes,
                              file->size_bytes - job->i_part * job->parts->part_bytes);
}

#define PART_BYTES RAGGED_MIB /* its passages are a transaction of the usual size */
#define PARTS_MIN 16          /* a smaller file is read as one, ... */
#define PARTS_LEAST 2         /* ... or this one, when there is not memory enough for it */

static struct scan_sizes sizes_of(const struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    struct scan_sizes sizes = {.part_bytes =
                                   options->part_bytes ? options->part_bytes : PART_BYTES};
    uint64_t affordable = ingest_largest_text(governor_share(engine->governor, GOVERNOR_INGEST));
    sizes.large_bytes = size_max(PARTS_LEAST * sizes.part_bytes,
                                 size_min(PARTS_MIN * sizes.part_bytes, affordable));
    if (options->file_limit_bytes)
        sizes.large_bytes = size_min(sizes.large_bytes, options->file_limit_bytes);
    return sizes;
}

_Static_assert(METRIC_INGEST_SKIPPED - METRIC_INGEST_ADDED + 1 == ENGINE_FILE_RESULT_COUNT,
               "a counter for each result, in their order");

static void count(const struct engine_add_result *result)
{
    for (int i = 0; i < ENGINE_FILE_RESULT_COUNT; i++)
        metric_add((enum metric)(METRIC_INGEST_ADDED + i), result->n[i]);
    metric_add(METRIC_INGEST_CHUNKS, result->n_chunks);
    metric_add(METRIC_INGEST_VECTORS, result->n_vectors_computed + result->n_vectors_filled);
    size_t n_added = result->n[ENGINE_FILE_ADDED] + result->n[ENGINE_FILE_UPDATED];
    LOG(LOG_EVENT_ADDED, {LOG_KEY_ADDED, (int64_t)n_added},
        {LOG_KEY_FAILED, (int64_t)result->n[ENGINE_FILE_FAILED]},
        {LOG_KEY_CHUNKS, (int64_t)result->n_chunks},
        {LOG_KEY_VECTORS, (int64_t)(result->n_vectors_computed + result->n_vectors_filled)},
        {LOG_KEY_TAIL, (int64_t)result->n_tail}, {LOG_KEY_TOOK_US, result->elapsed_ms * 1000});
}

enum status engine_add(struct engine *engine, const struct engine_add_options *options,
                       struct engine_add_result *out, struct error *err)
{
    struct scan scan = {0};
    const struct scan_sizes sizes = sizes_of(engine);
    enum status status = scan_paths(options, &sizes, &scan, err);
    if (status)
        return status;
    struct ingest_source source = {.n = scan.n_jobs,
                                   .n_silent = scan.n_jobs - scan.n_files,
                                   .n_bytes = scan.n_bytes,
                                   .get = get_file,
                                   .ctx = &scan};
    struct engine_add_result result = {0};
    status = ingest_run(engine, &source, options, &result, err);
    if (!status || status == STATUS_CANCELLED) {
        result.n[ENGINE_FILE_SKIPPED] += scan.n_skipped;
        count(&result);
        *out = result;
    }
    scan_clear(&scan);
    return status;
}
