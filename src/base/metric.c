#include "base/metric.h"

#include "base/board.h"

#define BITS 3 /* of the buckets of one power of two */

#define QUERIES_ROW(outcome)                                                                 \
    {                                                                                        \
        "ragged_queries_total", "outcome=\"" outcome "\"", "searches, by what came of them", \
            METRIC_COUNTER                                                                   \
    }
#define TOKENS_ROW(direction)                                                                  \
    {                                                                                          \
        "ragged_llm_tokens_total", "direction=\"" direction "\"", "tokens of language models", \
            METRIC_COUNTER                                                                     \
    }
#define FILES_ROW(result)                                                                 \
    {                                                                                     \
        "ragged_ingest_files_total", "result=\"" result "\"", "files that add came upon", \
            METRIC_COUNTER                                                                \
    }

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
    [METRIC_QUERIES_ANSWERED] = QUERIES_ROW("answered"),
    [METRIC_QUERIES_ABSTAINED] = QUERIES_ROW("abstained"),
    [METRIC_QUERIES_EMPTY] = QUERIES_ROW("empty"),
    [METRIC_QUERIES_FAILED] = QUERIES_ROW("error"),
    [METRIC_LLM_TOKENS_IN] = TOKENS_ROW("prompt"),
    [METRIC_LLM_TOKENS_OUT] = TOKENS_ROW("answer"),
    [METRIC_INGEST_ADDED] = FILES_ROW("added"),
    [METRIC_INGEST_UPDATED] = FILES_ROW("updated"),
    [METRIC_INGEST_UNCHANGED] = FILES_ROW("unchanged"),
    [METRIC_INGEST_FAILED] = FILES_ROW("failed"),
    [METRIC_INGEST_SKIPPED] = FILES_ROW("skipped"),
    [METRIC_INGEST_CHUNKS] = {"ragged_ingest_chunks_total", "", "passages that were written",
                              METRIC_COUNTER},
    [METRIC_INGEST_VECTORS] = {"ragged_ingest_vectors_total", "", "vectors that were computed",
                               METRIC_COUNTER},
    [METRIC_BOARD_FAILURES] = {"ragged_unshared_processes_total", "",
                               "processes that counted for themselves", METRIC_COUNTER},
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
    [METRIC_CACHE_ANSWER_MISSES] = {"ragged_cache_misses_total", "cache=\"answer\"",
                                    "look-ups that a cache did not answer", METRIC_COUNTER},
};

#define QUERY_ROW(stage)                                                             \
    {                                                                                \
        "ragged_query_seconds", "stage=\"" stage "\"", "time of a search, by stage", \
            METRIC_COUNTER                                                           \
    }

static const struct metric_row histogram_rows[HISTOGRAM_COUNT] = {
    [HISTOGRAM_QUERY_EMBED] = QUERY_ROW("embed"),
    [HISTOGRAM_QUERY_SCAN] = QUERY_ROW("scan"),
    [HISTOGRAM_QUERY_FUSE] = QUERY_ROW("fuse"),
    [HISTOGRAM_QUERY_FETCH] = QUERY_ROW("fetch"),
    [HISTOGRAM_QUERY_RERANK] = QUERY_ROW("rerank"),
    [HISTOGRAM_QUERY_TOTAL] = QUERY_ROW("total"),
    [HISTOGRAM_GENERATE] = {"ragged_llm_seconds", "", "time that a model wrote an answer",
                            METRIC_COUNTER},
};

const struct metric_row *metric_row(enum metric metric)
{
    return &rows[metric];
}

const struct metric_row *histogram_row(enum histogram histogram)
{
    return &histogram_rows[histogram];
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
    atomic_fetch_add_explicit(&board_get()->values[metric], n, memory_order_relaxed);
}

void metric_set(enum metric metric, uint64_t value)
{
    atomic_store_explicit(&board_get()->values[metric], value, memory_order_relaxed);
}

uint64_t metric_get(enum metric metric)
{
    return atomic_load_explicit(&board_get()->values[metric], memory_order_relaxed);
}

/* The first 2^BITS values have a bucket each, then the top BITS + 1 bits choose. */
static size_t bucket_of(uint64_t value)
{
    if (value < 1u << BITS)
        return (size_t)value;
    unsigned n_bits = 63u - (unsigned)__builtin_clzll(value);
    size_t bucket = ((size_t)(n_bits - BITS) << BITS) + (size_t)(value >> (n_bits - BITS));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bound(size_t bucket)
{
    size_t next = bucket + 1;
    if (next <= 1u << BITS)
        return next;
    size_t shift = (next >> BITS) - 1;
    return (uint64_t)((next & ((1u << BITS) - 1)) | 1u << BITS) << shift;
}

void histogram_add(enum histogram histogram, uint64_t value_us)
{
    struct board_histogram *h = &board_get()->histograms[histogram];
    atomic_fetch_add_explicit(&h->sum, value_us, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->buckets[bucket_of(value_us)], 1, memory_order_relaxed);
}

void histogram_get(enum histogram histogram, struct histogram_counts *out)
{
    struct board_histogram *h = &board_get()->histograms[histogram];
    *out = (struct histogram_counts){.sum_us = atomic_load_explicit(&h->sum, memory_order_relaxed)};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        out->buckets[i] = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        out->n += out->buckets[i];
    }
}

uint64_t histogram_quantile(const struct histogram_counts *counts, double share)
{
    double wanted = share * (double)counts->n;
    uint64_t n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        n += counts->buckets[i];
        if (counts->buckets[i] && (double)n >= wanted)
            return histogram_bound(i) - 1;
    }
    return 0;
}
