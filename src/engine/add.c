#include "engine/ingest.h"
#include "engine/scan.h"

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
    job->path = scan->files[i].path;
    job->problem = scan->files[i].problem;
    *out_bytes = scan->files[i].size_bytes;
}

enum status engine_add(struct engine *engine, const struct engine_add_options *options,
                       struct engine_add_result *out, struct error *err)
{
    struct scan scan = {0};
    enum status status = scan_paths(options, &scan, err);
    if (status)
        return status;
    struct ingest_source source = {
        .n = scan.n_files, .n_bytes = scan.n_bytes, .get = get_file, .ctx = &scan};
    struct engine_add_result result = {0};
    status = ingest_run(engine, &source, options, &result, err);
    if (!status || status == STATUS_CANCELLED) {
        result.n[ENGINE_FILE_SKIPPED] += scan.n_skipped;
        *out = result;
    }
    scan_clear(&scan);
    return status;
}
