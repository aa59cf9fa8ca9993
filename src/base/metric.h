/* base/metric.h - what the process counts. One row for each number in metric.c; names as Prometheus
 * wants them. Any thread, wait-free. */
#ifndef RAGGED_BASE_METRIC_H
#define RAGGED_BASE_METRIC_H

#include <stdint.h>

enum metric {
    METRIC_CACHE_RESULT_HITS,
    METRIC_CACHE_RESULT_MISSES,
    METRIC_CACHE_VECTOR_HITS,
    METRIC_CACHE_VECTOR_MISSES,
    METRIC_CACHE_ANSWER_HITS,
    METRIC_CACHE_ANSWER_MISSES,
    METRIC_COUNT
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_row {
    const char *name, *label; /* label: "cache=\"result\"", "" when it has none */
    const char *help;
    enum metric_kind kind;
};
const struct metric_row *metric_row(enum metric metric);

void metric_add(enum metric metric, uint64_t n);
void metric_set(enum metric metric, uint64_t value);
uint64_t metric_get(enum metric metric);

#endif
