/* base/log_history.h - what was done when, as far as the log says it: the only place where times
 * are kept. Lines of both formats; what is no line of ours is passed over. */
#ifndef RAGGED_BASE_LOG_HISTORY_H
#define RAGGED_BASE_LOG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum log_history_kind {
    LOG_HISTORY_SEARCHED,      /* searches */
    LOG_HISTORY_SEARCH_FAILED, /* searches whose failure was not the request's own */
    LOG_HISTORY_FILES,         /* files that a run of add took in */
    LOG_HISTORY_FILES_FAILED,  /* files that it could not read; 0 too */
    LOG_HISTORY_VECTORS,       /* vectors that it made */
    LOG_HISTORY_TAIL,          /* passages that it left in no segment; 0 too */
    LOG_HISTORY_FREE,          /* bytes free on the library's disk when a command ended; 0 too */
    LOG_HISTORY_COUNT
};
#define LOG_HISTORY_BIT(kind) (1u << (kind))

enum { LOG_HISTORY_MODES = 8, LOG_HISTORY_MODE_BYTES = 16 };

struct log_history_entry {
    int64_t at_ms; /* wall time */
    enum log_history_kind kind;
    uint64_t n;
    uint64_t took_us; /* of one search; 0: not told */
    size_t i_mode;    /* of one search: log_history.modes; LOG_HISTORY_MODES: not told */
    bool is_cached;   /* the search was answered from a cache */
};
struct log_history {
    unsigned kinds;   /* set by the caller: LOG_HISTORY_BIT of what is wanted */
    uint64_t library; /* set by the caller: only lines about this one, log_library(); 0: all */
    struct log_history_entry *entries; /* owned, in the order of the log */
    size_t n, n_max;
    char modes[LOG_HISTORY_MODES][LOG_HISTORY_MODE_BYTES];
    size_t n_modes;
};

/* Appends what `text`, the lines of a log, says. */
enum status log_history_parse(struct log_history *history, const char *text,
                              struct error *err) MUST_USE;
/* The log at `path` and the one before it; not being there is fine. */
enum status log_history_read(struct log_history *history, const char *path,
                             struct error *err) MUST_USE;
void log_history_clear(struct log_history *history);

#endif
