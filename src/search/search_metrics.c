#include "search/search_metrics.h"

#include "base/log.h"
#include "base/metric.h"

void search_metrics_add(const struct engine_hits *hits)
{
    const struct {
        enum histogram histogram;
        int64_t took_us;
    } stages[] = {
        {HISTOGRAM_QUERY_EMBED, hits->took.embed_us},
        {HISTOGRAM_QUERY_SCAN, hits->took.scan_us},
        {HISTOGRAM_QUERY_FUSE, hits->took.fuse_us},
        {HISTOGRAM_QUERY_FETCH, hits->took.fetch_us},
        {HISTOGRAM_QUERY_RERANK, hits->took.rerank_us},
    };
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        if (stages[i].took_us > 0)
            histogram_add(stages[i].histogram, (uint64_t)stages[i].took_us);
    if (hits->took.total_us > 0)
        histogram_add(HISTOGRAM_QUERY_TOTAL, (uint64_t)hits->took.total_us);
    metric_add(hits->n == 0        ? METRIC_QUERIES_EMPTY
               : hits->is_relevant ? METRIC_QUERIES_ANSWERED
                                   : METRIC_QUERIES_ABSTAINED,
               1);
    LOG(LOG_EVENT_SEARCHED, {LOG_KEY_TOOK_US, hits->took.total_us}, {LOG_KEY_MODE, hits->mode},
        {LOG_KEY_COUNT_OF, (int64_t)hits->n}, {LOG_KEY_GENERATION, hits->generation},
        {LOG_KEY_DEGRADED, hits->degraded}, {LOG_KEY_CACHED, hits->is_cached});
}

void search_metrics_add_failure(enum status status)
{
    metric_add(METRIC_QUERIES_FAILED, 1);
    LOG(LOG_EVENT_SEARCH_FAILED, {LOG_KEY_STATUS, status});
}
