/* Counters are the process's own by nature: whoever counts has no handle to carry. */
#include "base/metric.h"

#include <stdatomic.h>

static const struct metric_row rows[METRIC_COUNT] = {
    [METRIC_CACHE_RESULT_HITS] = {"ragged_cache_hits_total", "cache=\"result\"",
                                  "look-ups that a cache answered", METRIC_COUNTER},
    [METRIC_CACHE_VECTOR_HITS] = {"ragged_cache_hits_total", "cache=\"vector\"",
                                  "look-ups that a cache answered", METRIC_COUNTER},
    [METRIC_CACHE_RESULT_MISSES] = {"ragged_cache_misses_total", "cache=\"result\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
    [METRIC_CACHE_VECTOR_MISSES] = {"ragged_cache_misses_total", "cache=\"vector\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
    [METRIC_REQUESTS_OK] = {"ragged_requests_total", "outcome=\"ok\"", "requests to servers",
                            METRIC_COUNTER},
    [METRIC_REQUESTS_FAILED] = {"ragged_requests_total", "outcome=\"failed\"",
                                "requests to servers", METRIC_COUNTER},
    [METRIC_REQUESTS_THROTTLED] = {"ragged_requests_total", "outcome=\"throttled\"",
                                   "requests to servers", METRIC_COUNTER},
    [METRIC_REQUESTS_REFUSED] = {"ragged_requests_total", "outcome=\"refused\"",
                                 "requests to servers", METRIC_COUNTER},
    [METRIC_REQUESTS_CANCELLED] = {"ragged_requests_total", "outcome=\"cancelled\"",
                                   "requests to servers", METRIC_COUNTER},
    [METRIC_RETRIES] = {"ragged_retries_total", "", "requests that were made again",
                        METRIC_COUNTER},
    [METRIC_BREAKER_OPENED] = {"ragged_breaker_opened_total", "",
                               "times that a failing server was left alone", METRIC_COUNTER},
    [METRIC_BREAKER_FAST_FAILURES] = {"ragged_breaker_fast_failures_total", "",
                                      "requests that were not made because of that",
                                      METRIC_COUNTER},
    [METRIC_ERRORS_TRANSIENT] = {"ragged_errors_total", "class=\"transient\"",
                                 "commands that failed", METRIC_COUNTER},
    [METRIC_ERRORS_THROTTLED] = {"ragged_errors_total", "class=\"throttled\"",
                                 "commands that failed", METRIC_COUNTER},
    [METRIC_ERRORS_PERMANENT] = {"ragged_errors_total", "class=\"permanent\"",
                                 "commands that failed", METRIC_COUNTER},
    [METRIC_ERRORS_INPUT] = {"ragged_errors_total", "class=\"input\"", "commands that failed",
                             METRIC_COUNTER},
    [METRIC_ERRORS_RESOURCE] = {"ragged_errors_total", "class=\"resource\"", "commands that failed",
                                METRIC_COUNTER},
    [METRIC_ERRORS_CORRUPT] = {"ragged_errors_total", "class=\"corrupt\"", "commands that failed",
                               METRIC_COUNTER},
    [METRIC_ERRORS_CANCELLED] = {"ragged_errors_total", "class=\"cancelled\"",
                                 "commands that failed", METRIC_COUNTER},
    [METRIC_ERRORS_BUG] = {"ragged_errors_total", "class=\"bug\"", "commands that failed",
                           METRIC_COUNTER},
    [METRIC_DEGRADED_EMBEDDER] = {"ragged_degraded_total", "reason=\"embedder\"",
                                  "searches and answers that were worked without a part",
                                  METRIC_COUNTER},
    [METRIC_DEGRADED_VECTORS] = {"ragged_degraded_total", "reason=\"vectors\"",
                                 "searches and answers that were worked without a part",
                                 METRIC_COUNTER},
    [METRIC_DEGRADED_WORDS] = {"ragged_degraded_total", "reason=\"words\"",
                               "searches and answers that were worked without a part",
                               METRIC_COUNTER},
    [METRIC_DEGRADED_RERANKER] = {"ragged_degraded_total", "reason=\"reranker\"",
                                  "searches and answers that were worked without a part",
                                  METRIC_COUNTER},
    [METRIC_DEGRADED_GENERATOR] = {"ragged_degraded_total", "reason=\"generator\"",
                                   "searches and answers that were worked without a part",
                                   METRIC_COUNTER},
    [METRIC_DEGRADED_UNFINISHED] = {"ragged_degraded_total", "reason=\"unfinished\"",
                                    "searches and answers that were worked without a part",
                                    METRIC_COUNTER},
    [METRIC_DEGRADED_WRITES] = {"ragged_degraded_total", "reason=\"writes\"",
                                "searches and answers that were worked without a part",
                                METRIC_COUNTER},
};

static atomic_ullong values[METRIC_COUNT];

const struct metric_row *metric_row(enum metric metric)
{
    return &rows[metric];
}

enum metric metric_of_class(enum error_class error_class)
{
    static const enum metric metrics[ERROR_CLASS_COUNT] = {
        [ERROR_CLASS_NONE] = METRIC_COUNT,
        [ERROR_CLASS_TRANSIENT] = METRIC_ERRORS_TRANSIENT,
        [ERROR_CLASS_THROTTLED] = METRIC_ERRORS_THROTTLED,
        [ERROR_CLASS_PERMANENT] = METRIC_ERRORS_PERMANENT,
        [ERROR_CLASS_INPUT] = METRIC_ERRORS_INPUT,
        [ERROR_CLASS_RESOURCE] = METRIC_ERRORS_RESOURCE,
        [ERROR_CLASS_CORRUPT] = METRIC_ERRORS_CORRUPT,
        [ERROR_CLASS_CANCELLED] = METRIC_ERRORS_CANCELLED,
        [ERROR_CLASS_BUG] = METRIC_ERRORS_BUG,
    };
    return metrics[error_class];
}

void metric_add(enum metric metric, uint64_t n)
{
    atomic_fetch_add_explicit(&values[metric], n, memory_order_relaxed);
}

void metric_set(enum metric metric, uint64_t value)
{
    atomic_store_explicit(&values[metric], value, memory_order_relaxed);
}

uint64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}
