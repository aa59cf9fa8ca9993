/* What a job is going to need, before anything of it is read. */
#include <strings.h>

#include "base/checked.h"
#include "base/file.h"
#include "ingest/ingest_job.h"

/* In multiples of the file's size: text, chunks, terms and vectors of the job; and its parser. */
struct growth {
    const char *extension;
    size_t job, parser;
};
static const struct growth growths[] = {
    {".html", 4, 32},
    {".htm", 4, 32},
    {".xhtml", 4, 32},
    {".pdf", 2, 4},
};
static const struct growth growth_of_others = {"", 6, 3};

#define JOB_BYTES_MIN ((size_t)128 * 1024)
#define MISSING_BYTES ((size_t)64 * 1024) /* the passages of a slice */

static const struct growth *growth_of(const char *path)
{
    const char *extension = path_extension(path);
    for (size_t i = 0; i < sizeof growths / sizeof growths[0]; i++)
        if (strcasecmp(extension, growths[i].extension) == 0)
            return &growths[i];
    return &growth_of_others;
}

size_t ingest_estimate_parser(const char *path, uint64_t n_bytes)
{
    return (size_t)n_bytes * growth_of(path)->parser;
}

size_t ingest_estimate(const struct ingest_job *job, uint64_t n_bytes)
{
    if (job->missing)
        return MISSING_BYTES;
    if (!job->path || job->record)
        return JOB_BYTES_MIN + (size_t)n_bytes * growth_of_others.job;
    return JOB_BYTES_MIN + (size_t)n_bytes * growth_of(job->path)->job +
           ingest_estimate_parser(job->path, n_bytes);
}

uint64_t ingest_largest_text(size_t n_bytes)
{
    size_t n_most = size_max(n_bytes, JOB_BYTES_MIN) - JOB_BYTES_MIN;
    return n_most / (growth_of_others.job + growth_of_others.parser);
}

size_t ingest_allow_parser(const struct ingest_context *context, const struct ingest_job *job)
{
    size_t part = ingest_estimate_parser(job->path, job->document.size_bytes);
    return governor_thread_share(context->engine->governor, context->n_threads) +
           size_min(part, job->n_taken);
}
