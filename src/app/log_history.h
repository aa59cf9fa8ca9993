/* app/log_history.h - what was done when, as far as the log says it: the only place where times are
 * kept. Lines of both formats; what is no line of ours is passed over. */
#ifndef RAGGED_APP_LOG_HISTORY_H
#define RAGGED_APP_LOG_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum log_history_kind { LOG_HISTORY_SEARCHED, LOG_HISTORY_FILES, LOG_HISTORY_VECTORS };

struct log_history_entry {
    int64_t at_ms; /* wall time */
    enum log_history_kind kind;
    uint64_t n;
    uint64_t took_us; /* of one search; 0: not told */
};
struct log_history {
    struct log_history_entry *entries; /* owned, in the order of the log */
    size_t n, n_max;
};

/* Appends what `text`, the lines of a log, says. */
enum status log_history_parse(struct log_history *history, const char *text,
                              struct error *err) MUST_USE;
/* The log at `path` and the one before it; not being there is fine. */
enum status log_history_read(struct log_history *history, const char *path,
                             struct error *err) MUST_USE;
void log_history_clear(struct log_history *history);

#endif
