#include "base/log.h"

const char *const log_level_names[] = {"off", "error", "warn", "info", "debug", NULL};

static const struct log_event_row events[LOG_EVENT_COUNT] = {
    [LOG_EVENT_RUN_STARTED] = {"run_started", LOG_LEVEL_DEBUG},
    [LOG_EVENT_RUN_ENDED] = {"run_ended", LOG_LEVEL_INFO},
    [LOG_EVENT_FILE_FAILED] = {"file_failed", LOG_LEVEL_WARN},
    [LOG_EVENT_ADDED] = {"added", LOG_LEVEL_INFO},
    [LOG_EVENT_SEARCHED] = {"searched", LOG_LEVEL_INFO},
    [LOG_EVENT_SEARCH_FAILED] = {"search_failed", LOG_LEVEL_ERROR},
    [LOG_EVENT_ANSWERED] = {"answered", LOG_LEVEL_INFO},
    [LOG_EVENT_MAINTAINED] = {"maintained", LOG_LEVEL_DEBUG},
    [LOG_EVENT_TRACEPARENT_IGNORED] = {"traceparent_ignored", LOG_LEVEL_DEBUG},
    [LOG_EVENT_SUPPRESSED] = {"suppressed", LOG_LEVEL_WARN},
    [LOG_EVENT_LOST] = {"lost", LOG_LEVEL_WARN},
};

static const char *const keys[LOG_KEY_COUNT] = {
    [LOG_KEY_END] = "",
    [LOG_KEY_STATUS] = "status",
    [LOG_KEY_EVENT] = "of",
    [LOG_KEY_TOOK_US] = "took_us",
    [LOG_KEY_COUNT_OF] = "count",
    [LOG_KEY_ADDED] = "added",
    [LOG_KEY_FAILED] = "failed",
    [LOG_KEY_CHUNKS] = "chunks",
    [LOG_KEY_VECTORS] = "vectors",
    [LOG_KEY_BYTES] = "bytes",
    [LOG_KEY_GENERATION] = "generation",
    [LOG_KEY_EXIT_CODE] = "exit_code",
    [LOG_KEY_DEGRADED] = "degraded",
    [LOG_KEY_MODE] = "mode",
    [LOG_KEY_COMMAND] = "command",
    [LOG_KEY_CACHED] = "cached",
    [LOG_KEY_TAIL] = "tail",
    [LOG_KEY_FREE_BYTES] = "free_bytes",
};

const struct log_event_row *log_event_row(enum log_event event)
{
    return &events[event];
}

const char *log_key_name(enum log_key key)
{
    return keys[key];
}

const char *log_level_name(enum log_level level)
{
    return log_level_names[level];
}
