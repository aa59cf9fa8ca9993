/* base/metric.h - what the process counts. One row for each number in metric.c; names as Prometheus
 * wants them. Any thread, wait-free. */
#ifndef RAGGED_BASE_METRIC_H
#define RAGGED_BASE_METRIC_H

#include <stdint.h>

#include "base/status.h"

enum metric {
    METRIC_CACHE_RESULT_HITS,
    METRIC_CACHE_RESULT_MISSES,
    METRIC_CACHE_VECTOR_HITS,
    METRIC_CACHE_VECTOR_MISSES,
    METRIC_REQUESTS_OK,
    METRIC_REQUESTS_FAILED,
    METRIC_REQUESTS_THROTTLED,
    METRIC_REQUESTS_REFUSED,
    METRIC_REQUESTS_CANCELLED,
    METRIC_RETRIES,
    METRIC_BREAKER_OPENED,
    METRIC_BREAKER_FAST_FAILURES,
    METRIC_ERRORS_TRANSIENT,
    METRIC_ERRORS_THROTTLED,
    METRIC_ERRORS_PERMANENT,
    METRIC_ERRORS_INPUT,
    METRIC_ERRORS_RESOURCE,
    METRIC_ERRORS_CORRUPT,
    METRIC_ERRORS_CANCELLED,
    METRIC_ERRORS_BUG,
    METRIC_DEGRADED_EMBEDDER,
    METRIC_DEGRADED_VECTORS,
    METRIC_DEGRADED_WORDS,
    METRIC_DEGRADED_RERANKER,
    METRIC_DEGRADED_GENERATOR,
    METRIC_DEGRADED_UNFINISHED,
    METRIC_DEGRADED_WRITES,
    METRIC_COUNT
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_row {
    const char *name, *label; /* label: "cache=\"result\"", "" when it has none */
    const char *help;
    enum metric_kind kind;
};
const struct metric_row *metric_row(enum metric metric);

/* The counter of failures of that class; METRIC_COUNT: it is none. */
enum metric metric_of_class(enum error_class error_class);

void metric_add(enum metric metric, uint64_t n);
void metric_set(enum metric metric, uint64_t value);
uint64_t metric_get(enum metric metric);

#endif
