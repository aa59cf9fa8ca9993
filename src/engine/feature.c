#include "engine/feature.h"

#include <string.h>

static const struct {
    const char *name, *help;
} rows[FEATURE_COUNT] = {
    [FEATURE_EMBEDDER_CACHING] = {"embedder_caching",
                                  "keep the encoder's packed weights in a file"},
    [FEATURE_BATCH_AUTO_TUNING] = {"batch_auto_tuning", "find the fastest size of micro-batches"},
    [FEATURE_QUERY_CACHING] = {"query_caching", "keep query vectors and results"},
    [FEATURE_ADVANCED_ERROR_RECOVERY] = {"advanced_error_recovery",
                                         "retry, and leave failing servers alone for a while"},
    [FEATURE_RESOURCE_GOVERNANCE] = {"resource_governance", "slow down when memory gets short"},
    [FEATURE_PERFORMANCE_AWARE_LOGGING] = {"performance_aware_logging", "time and count stages"},
    [FEATURE_ENHANCED_HEALTH_CHECKS] = {"enhanced_health_checks",
                                        "look at content, not only at presence"},
    [FEATURE_ASYNC_BACKPRESSURE] = {"async_backpressure", "overlap the stages of an ingest"},
    [FEATURE_INCREMENTAL_INDEXING] = {"incremental_indexing", "do not read what has not changed"},
    [FEATURE_OBSERVABILITY_DASHBOARD] = {"observability_dashboard",
                                         "share counters between processes"},
    [FEATURE_COLD_START_OPTIMISATION] = {"cold_start_optimisation",
                                         "map model files and load parts when needed"},
    [FEATURE_GRACEFUL_DEGRADATION] = {"graceful_degradation", "work without a part that fails"},
    [FEATURE_MULTI_TIER_CACHING] = {"multi_tier_caching", "keep caches in a file as well"},
    [FEATURE_ADAPTIVE_TUNING] = {"adaptive_tuning",
                                 "score as many candidates as were measured to suffice"},
};

const char *feature_name(enum feature feature)
{
    return feature < FEATURE_COUNT ? rows[feature].name : "unknown";
}

const char *feature_help(enum feature feature)
{
    return feature < FEATURE_COUNT ? rows[feature].help : "";
}

static bool is_same_name(const char *name, const char *row)
{
    for (; *name && *row; name++, row++)
        if (*name != *row && !(*name == '-' && *row == '_'))
            return false;
    return *name == *row;
}

enum feature feature_find(const char *name)
{
    static const char prefix[] = "enable";
    size_t len = sizeof prefix - 1;
    if (strncmp(name, prefix, len) == 0 && (name[len] == '_' || name[len] == '-'))
        name += len + 1;
    for (int i = 0; i < FEATURE_COUNT; i++)
        if (is_same_name(name, rows[i].name))
            return (enum feature)i;
    return FEATURE_COUNT;
}
