/* base/metric.h - what is counted. One row for each number in metric.c; names and labels as
 * Prometheus wants them. Labels are fixed words: nothing of the user's can get into them. Any
 * thread, wait-free; where the numbers are kept: base/board.h. */
#ifndef RAGGED_BASE_METRIC_H
#define RAGGED_BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum metric {
    METRIC_CACHE_RESULT_HITS,
    METRIC_CACHE_RESULT_MISSES,
    METRIC_CACHE_VECTOR_HITS,
    METRIC_CACHE_VECTOR_MISSES,
    METRIC_QUERIES_ANSWERED,
    METRIC_QUERIES_ABSTAINED,
    METRIC_QUERIES_EMPTY,
    METRIC_QUERIES_FAILED,
    METRIC_LLM_TOKENS_IN,
    METRIC_LLM_TOKENS_OUT,
    METRIC_INGEST_ADDED,
    METRIC_INGEST_UPDATED,
    METRIC_INGEST_UNCHANGED,
    METRIC_INGEST_FAILED,
    METRIC_INGEST_SKIPPED,
    METRIC_INGEST_CHUNKS,
    METRIC_INGEST_VECTORS,
    METRIC_BOARD_FAILURES,
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
    METRIC_CACHE_ANSWER_HITS,
    METRIC_CACHE_ANSWER_MISSES,
    METRIC_COUNT
};

/* Durations in microseconds. */
enum histogram {
    HISTOGRAM_QUERY_EMBED,
    HISTOGRAM_QUERY_SCAN,
    HISTOGRAM_QUERY_FUSE,
    HISTOGRAM_QUERY_FETCH,
    HISTOGRAM_QUERY_RERANK,
    HISTOGRAM_QUERY_TOTAL,
    HISTOGRAM_GENERATE,
    HISTOGRAM_COUNT
};
/* Eight buckets for each power of two: what is read off is at most an eighth above the truth. */
enum { HISTOGRAM_BUCKETS = 320 };

struct metric_row {
    const char *name, *label; /* label: "cache=\"result\"", "" when it has none */
    const char *help;
};
const struct metric_row *metric_row(enum metric metric);
const struct metric_row *histogram_row(enum histogram histogram);

/* The counter of failures of that class; METRIC_COUNT: it is none. */
enum metric metric_of_class(enum error_class error_class);

void metric_add(enum metric metric, uint64_t n);
uint64_t metric_get(enum metric metric);

void histogram_add(enum histogram histogram, uint64_t value_us);

/* A copy; counts of all processes that share a board. Two of them add up bucket by bucket. */
struct histogram_counts {
    uint64_t sum_us, n;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};
void histogram_get(enum histogram histogram, struct histogram_counts *out);
/* First value of the next bucket: all of `bucket` is below. */
uint64_t histogram_bound(size_t bucket);
/* The value that a share of 0..1 of all is below, up to the width of a bucket; 0 of none. */
uint64_t histogram_quantile(const struct histogram_counts *counts, double share);

#endif
