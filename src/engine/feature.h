/* engine/feature.h - what can be switched off, one by one: each is on by default, and without it
 * the plain, correct, slower path is taken. Part of the door engine/engine.h. */
#ifndef RAGGED_ENGINE_FEATURE_H
#define RAGGED_ENGINE_FEATURE_H

#include <stdbool.h>

enum feature {
    FEATURE_EMBEDDER_CACHING,          /* packed weights in a file; one embedder a process */
    FEATURE_BATCH_AUTO_TUNING,         /* size of micro-batches is found out and remembered */
    FEATURE_QUERY_CACHING,             /* query vectors and results in memory */
    FEATURE_ADVANCED_ERROR_RECOVERY,   /* retries and circuit breakers */
    FEATURE_RESOURCE_GOVERNANCE,       /* memory pressure shrinks and pauses work */
    FEATURE_PERFORMANCE_AWARE_LOGGING, /* stages are timed and counted */
    FEATURE_ENHANCED_HEALTH_CHECKS,    /* checks look at content, not only at presence */
    FEATURE_ASYNC_BACKPRESSURE,        /* stages of an ingest overlap, in bounded queues */
    FEATURE_INCREMENTAL_INDEXING,      /* what did not change is not read again */
    FEATURE_OBSERVABILITY_DASHBOARD,   /* counters are shared between processes */
    FEATURE_COLD_START_OPTIMISATION,   /* model files are mapped and loaded when needed */
    FEATURE_GRACEFUL_DEGRADATION,      /* a part that fails is worked without, labelled */
    FEATURE_MULTI_TIER_CACHING,        /* caches are kept in a file, for other processes */
    FEATURE_ADAPTIVE_TUNING,           /* candidates of a search follow what was measured */
    FEATURE_COUNT
};

/* Zeroed: all on. */
struct features {
    bool is_off[FEATURE_COUNT];
};

static inline bool feature_is_on(const struct features *features, enum feature feature)
{
    return !features->is_off[feature];
}

/* "query_caching", ...; and what it does, one line for help. */
const char *feature_name(enum feature feature);
const char *feature_help(enum feature feature);
/* The name with or without "enable_" before it, "-" like "_". FEATURE_COUNT: none of that name. */
enum feature feature_find(const char *name);

#endif
