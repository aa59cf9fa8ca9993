/* base/log.h - what happened, as lines of a file: one event of a fixed set, with numbers and fixed
 * words. Nothing of a document, a question, a path or a key can get into a line, because no call
 * takes a text.
 *
 * A caller never waits: lines go through a bounded ring to a thread that writes them; what does not
 * fit is counted, and the count becomes a line. Of one event at most LOG_RATE_MAX lines a second
 * are kept, the rest is counted too. Any thread. Before log_open() and after log_close() calls cost
 * a load and do nothing. */
#ifndef RAGGED_BASE_LOG_H
#define RAGGED_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/trace_context.h"

enum { LOG_RATE_MAX = 10, LOG_FACTS_MAX = 8 };

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Rows: log_table.c. */
enum log_event {
    LOG_EVENT_RUN_STARTED,
    LOG_EVENT_RUN_ENDED,
    LOG_EVENT_FILE_FAILED,
    LOG_EVENT_ADDED,
    LOG_EVENT_SEARCHED,
    LOG_EVENT_SEARCH_FAILED,
    LOG_EVENT_ANSWERED,
    LOG_EVENT_MAINTAINED,
    LOG_EVENT_TRACEPARENT_IGNORED,
    LOG_EVENT_SUPPRESSED, /* lines of an event above its rate */
    LOG_EVENT_LOST,       /* lines that found the ring full */
    LOG_EVENT_COUNT
};

enum log_key {
    LOG_KEY_END,
    LOG_KEY_STATUS, /* an enum status */
    LOG_KEY_EVENT,  /* an enum log_event */
    LOG_KEY_TOOK_US,
    LOG_KEY_COUNT_OF,
    LOG_KEY_ADDED,
    LOG_KEY_FAILED,
    LOG_KEY_CHUNKS,
    LOG_KEY_VECTORS,
    LOG_KEY_BYTES,
    LOG_KEY_GENERATION,
    LOG_KEY_EXIT_CODE,
    LOG_KEY_DEGRADED, /* bits, as the caller numbers them */
    LOG_KEY_MODE,     /* by the words of the options, else a number */
    LOG_KEY_COMMAND,  /* likewise */
    LOG_KEY_CACHED,
    LOG_KEY_TAIL,       /* passages in no segment */
    LOG_KEY_FREE_BYTES, /* on the disk of the library */
    LOG_KEY_COUNT
};

struct log_fact {
    enum log_key key;
    int64_t value;
};

/* Names of the values 0 .. n - 1 of a key; static. */
struct log_words {
    const char *const *names;
    size_t n;
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
struct log_options {
    /* Appended to, made with mode 0600; its folder must be there. Copied. NULL: no file. */
    const char *path;
    int journal_fd; /* of journald, log_journal(): the same lines there; 0: none */
    enum log_level level;
    enum log_format format;
    size_t limit_bytes; /* a longer file becomes path.1, that one path.2, ...; 0: 10 MiB */
    unsigned n_kept;    /* of those; 0: 5 */
    struct log_words modes, commands;
    const struct trace_context *context; /* its ids are in all lines; NULL: a random "run" only */
    uint64_t library;                    /* in all lines, log_library(); 0: not told */
};

/* The number by which lines tell libraries apart: of the file system for the folder, nothing of its
 * path. 0: it is not there. */
uint64_t log_library(const char *folder);

/* `fd`, when it is what JOURNAL_STREAM (NULL: not set) says journald reads; else 0. Lines there
 * have their priority in front, as "<6>", and no time and level: the journal has its own. */
int log_journal(const char *journal_stream, int fd);

/* Once at a time in a process: BUSY. IO: the file can't be opened. The thread starts when there is
 * something to write that should not wait for log_close(). */
enum status log_open(const struct log_options *options, struct error *err) MUST_USE;
/* Writes what is in the ring, for a second at most; ends the thread. Not open is fine. */
void log_close(void);

/* `facts` end with LOG_KEY_END; those beyond LOG_FACTS_MAX are left out. */
void log_put(enum log_event event, const struct log_fact *facts);
#define LOG(event, ...) log_put(event, (const struct log_fact[]){__VA_ARGS__, {LOG_KEY_END, 0}})

/* Since log_open(): lines that were written, and that were not (suppressed or lost). */
struct log_counts {
    uint64_t n_written, n_suppressed, n_lost;
};
struct log_counts log_counts(void);

/* ---- the tables ---- */
struct log_event_row {
    const char *name;
    enum log_level level;
};
const struct log_event_row *log_event_row(enum log_event event);
const char *log_key_name(enum log_key key);
const char *log_level_name(enum log_level level);
/* "off", "error", "warn", "info", "debug", NULL. */
extern const char *const log_level_names[];

#endif
