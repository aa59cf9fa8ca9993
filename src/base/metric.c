/* Counters are the process's own by nature: whoever counts has no handle to carry. */
#include "base/metric.h"

#include <stdatomic.h>

static const struct metric_row rows[METRIC_COUNT] = {
    [METRIC_CACHE_RESULT_HITS] = {"ragged_cache_hits_total", "cache=\"result\"",
                                  "look-ups that a cache answered", METRIC_COUNTER},
    [METRIC_CACHE_VECTOR_HITS] = {"ragged_cache_hits_total", "cache=\"vector\"",
                                  "look-ups that a cache answered", METRIC_COUNTER},
    [METRIC_CACHE_ANSWER_HITS] = {"ragged_cache_hits_total", "cache=\"answer\"",
                                  "look-ups that a cache answered", METRIC_COUNTER},
    [METRIC_CACHE_RESULT_MISSES] = {"ragged_cache_misses_total", "cache=\"result\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
    [METRIC_CACHE_VECTOR_MISSES] = {"ragged_cache_misses_total", "cache=\"vector\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
    [METRIC_CACHE_ANSWER_MISSES] = {"ragged_cache_misses_total", "cache=\"answer\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
};

static atomic_ullong values[METRIC_COUNT];

const struct metric_row *metric_row(enum metric metric)
{
    return &rows[metric];
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
