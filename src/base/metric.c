#include "base/metric.h"

#include "base/board.h"

#define BITS 3 /* of the buckets of one power of two */

/* A label of one key; `value` is a literal. */
#define LABEL(key, value) key "=\"" value "\""
#define COUNTER(name, label, help) \
    {                              \
        name, label, help          \
    }
#define HITS(cache) \
    COUNTER("ragged_cache_hits_total", LABEL("cache", cache), "look-ups that a cache answered")
#define MISSES(cache)                                           \
    COUNTER("ragged_cache_misses_total", LABEL("cache", cache), \
            "look-ups that a cache did not answer")
#define QUERIES(outcome) \
    COUNTER("ragged_queries_total", LABEL("outcome", outcome), "searches, by what came of them")
#define TOKENS(direction) \
    COUNTER("ragged_llm_tokens_total", LABEL("direction", direction), "tokens of language models")
#define FILES(result) \
    COUNTER("ragged_ingest_files_total", LABEL("result", result), "files that add came upon")
#define REQUESTS(outcome) \
    COUNTER("ragged_requests_total", LABEL("outcome", outcome), "requests to servers")
#define ERRORS(class) COUNTER("ragged_errors_total", LABEL("class", class), "commands that failed")
#define DEGRADED(reason)                                      \
    COUNTER("ragged_degraded_total", LABEL("reason", reason), \
            "searches and answers that were worked without a part")

static const struct metric_row rows[METRIC_COUNT] = {
    [METRIC_CACHE_RESULT_HITS] = HITS("result"),
    [METRIC_CACHE_VECTOR_HITS] = HITS("vector"),
    [METRIC_CACHE_ANSWER_HITS] = HITS("answer"),
    [METRIC_CACHE_RESULT_MISSES] = MISSES("result"),
    [METRIC_CACHE_VECTOR_MISSES] = MISSES("vector"),
    [METRIC_CACHE_ANSWER_MISSES] = MISSES("answer"),
    [METRIC_QUERIES_ANSWERED] = QUERIES("answered"),
    [METRIC_QUERIES_ABSTAINED] = QUERIES("abstained"),
    [METRIC_QUERIES_EMPTY] = QUERIES("empty"),
    [METRIC_QUERIES_FAILED] = QUERIES("error"),
    [METRIC_LLM_TOKENS_IN] = TOKENS("prompt"),
    [METRIC_LLM_TOKENS_OUT] = TOKENS("answer"),
    [METRIC_INGEST_ADDED] = FILES("added"),
    [METRIC_INGEST_UPDATED] = FILES("updated"),
    [METRIC_INGEST_UNCHANGED] = FILES("unchanged"),
    [METRIC_INGEST_FAILED] = FILES("failed"),
    [METRIC_INGEST_SKIPPED] = FILES("skipped"),
    [METRIC_INGEST_CHUNKS] =
        COUNTER("ragged_ingest_chunks_total", "", "passages that were written"),
    [METRIC_INGEST_VECTORS] =
        COUNTER("ragged_ingest_vectors_total", "", "vectors that were computed"),
    [METRIC_BOARD_FAILURES] =
        COUNTER("ragged_unshared_processes_total", "", "processes that counted for themselves"),
    [METRIC_REQUESTS_OK] = REQUESTS("ok"),
    [METRIC_REQUESTS_FAILED] = REQUESTS("failed"),
    [METRIC_REQUESTS_THROTTLED] = REQUESTS("throttled"),
    [METRIC_REQUESTS_REFUSED] = REQUESTS("refused"),
    [METRIC_REQUESTS_CANCELLED] = REQUESTS("cancelled"),
    [METRIC_RETRIES] = COUNTER("ragged_retries_total", "", "requests that were made again"),
    [METRIC_BREAKER_OPENED] =
        COUNTER("ragged_breaker_opened_total", "", "times that a failing server was left alone"),
    [METRIC_BREAKER_FAST_FAILURES] = COUNTER("ragged_breaker_fast_failures_total", "",
                                             "requests that were not made because of that"),
    [METRIC_ERRORS_TRANSIENT] = ERRORS("transient"),
    [METRIC_ERRORS_THROTTLED] = ERRORS("throttled"),
    [METRIC_ERRORS_PERMANENT] = ERRORS("permanent"),
    [METRIC_ERRORS_INPUT] = ERRORS("input"),
    [METRIC_ERRORS_RESOURCE] = ERRORS("resource"),
    [METRIC_ERRORS_CORRUPT] = ERRORS("corrupt"),
    [METRIC_ERRORS_CANCELLED] = ERRORS("cancelled"),
    [METRIC_ERRORS_BUG] = ERRORS("bug"),
    [METRIC_DEGRADED_EMBEDDER] = DEGRADED("embedder"),
    [METRIC_DEGRADED_VECTORS] = DEGRADED("vectors"),
    [METRIC_DEGRADED_WORDS] = DEGRADED("words"),
    [METRIC_DEGRADED_RERANKER] = DEGRADED("reranker"),
    [METRIC_DEGRADED_GENERATOR] = DEGRADED("generator"),
    [METRIC_DEGRADED_UNFINISHED] = DEGRADED("unfinished"),
    [METRIC_DEGRADED_WRITES] = DEGRADED("writes"),
};

#define QUERY_STAGE(stage) \
    COUNTER("ragged_query_seconds", LABEL("stage", stage), "time of a search, by stage")

static const struct metric_row histogram_rows[HISTOGRAM_COUNT] = {
    [HISTOGRAM_QUERY_EMBED] = QUERY_STAGE("embed"),
    [HISTOGRAM_QUERY_SCAN] = QUERY_STAGE("scan"),
    [HISTOGRAM_QUERY_FUSE] = QUERY_STAGE("fuse"),
    [HISTOGRAM_QUERY_FETCH] = QUERY_STAGE("fetch"),
    [HISTOGRAM_QUERY_RERANK] = QUERY_STAGE("rerank"),
    [HISTOGRAM_QUERY_TOTAL] = QUERY_STAGE("total"),
    [HISTOGRAM_GENERATE] = COUNTER("ragged_llm_seconds", "", "time that a model wrote an answer"),
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
