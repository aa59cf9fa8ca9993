#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log_ring.h"
#include "base/mem.h"
#include "base/thread.h"

#define LIMIT_BYTES (10 * RAGGED_MIB)
#define N_KEPT 5
#define BLOCK_BYTES ((size_t)64 * 1024)
#define IDLE_MS 500 /* the ring holds what comes meanwhile: each event has its rate */
#define CLOSE_MS 1000
#define LOSS_EVERY_MS 1000
#define THREADLESS_MS 100 /* a short command writes its few lines at its end, by itself */

/* Lines of one event in one second. */
struct rate {
    _Atomic int64_t second;
    atomic_uint n;
    atomic_ullong n_suppressed; /* not told of yet */
};

struct log {
    struct log_ring ring;
    struct rate rates[LOG_EVENT_COUNT];
    atomic_ullong n_written, n_suppressed, n_lost, n_lost_untold;
    enum log_level level;
    enum log_format format;
    size_t limit_bytes;
    unsigned n_kept;
    struct log_words modes, commands;
    char run[SPAN_ID_SIZE];       /* the same in all lines of a process */
    char trace_id[TRACE_ID_SIZE]; /* of all processes of a trace; "": none */
    uint64_t library;             /* 0: not told */
    char *path;
    int fd, journal_fd;        /* -1: none */
    struct buf block, journal; /* lines to be written */
    int64_t opened_ms, losses_told_ms;
    atomic_bool has_thread;
    struct thread thread;
    pthread_mutex_t mutex;
    pthread_cond_t closing;
    atomic_bool is_closing;
};

static _Atomic(struct log *) current;

/* ---- producers ---- */

/* Around the change of a second a line more or less may pass. */
static bool is_within_rate(struct rate *rate, int64_t second)
{
    if (atomic_load_explicit(&rate->second, memory_order_relaxed) != second) {
        atomic_store_explicit(&rate->second, second, memory_order_relaxed);
        atomic_store_explicit(&rate->n, 0, memory_order_relaxed);
    }
    if (atomic_load_explicit(&rate->n, memory_order_relaxed) >= LOG_RATE_MAX)
        return false;
    return atomic_fetch_add_explicit(&rate->n, 1, memory_order_relaxed) < LOG_RATE_MAX;
}

static void *write_lines(void *arg);

/* Without a thread lines wait for log_close(), and the ring holds so many. */
static void begin_thread(struct log *log)
{
    if (atomic_exchange(&log->has_thread, true))
        return;
    if (thread_start(&log->thread, write_lines, log, NULL))
        log->thread.is_running = false;
}

static void push(struct log *log, const struct log_line *line)
{
    if (!atomic_load_explicit(&log->has_thread, memory_order_relaxed) &&
        (line->wall_ms - log->opened_ms > THREADLESS_MS || log_ring_is_filling(&log->ring)))
        begin_thread(log);
    if (log_ring_push(&log->ring, line))
        return;
    atomic_fetch_add_explicit(&log->n_lost, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&log->n_lost_untold, 1, memory_order_relaxed);
}

void log_put(enum log_event event, const struct log_fact *facts)
{
    struct log *log = atomic_load_explicit(&current, memory_order_acquire);
    if (!log || log_event_row(event)->level > log->level)
        return;
    struct log_line line = {.wall_ms = clock_wall_ms(), .event = event};
    struct rate *rate = &log->rates[event];
    if (!is_within_rate(rate, line.wall_ms / 1000)) {
        atomic_fetch_add_explicit(&rate->n_suppressed, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&log->n_suppressed, 1, memory_order_relaxed);
        return;
    }
    for (size_t i = 0; i < LOG_FACTS_MAX && facts[i].key != LOG_KEY_END; i++)
        line.facts[i] = facts[i];
    push(log, &line);
}

struct log_counts log_counts(void)
{
    struct log *log = atomic_load_explicit(&current, memory_order_acquire);
    if (!log)
        return (struct log_counts){0};
    return (struct log_counts){
        .n_written = atomic_load(&log->n_written),
        .n_suppressed = atomic_load(&log->n_suppressed),
        .n_lost = atomic_load(&log->n_lost),
    };
}

/* ---- the file ---- */

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* path.4 becomes path.5, ..., the file path.1. */
static void shift(const struct log *log)
{
    struct buf from = {0}, to = {0};
    for (unsigned i = log->n_kept; i > 0; i--) {
        buf_reset(&from);
        buf_reset(&to);
        buf_printf(&to, "%s.%u", log->path, i);
        buf_printf(&from, i > 1 ? "%s.%u" : "%s", log->path, i - 1);
        if (!buf_status(&from, NULL) && !buf_status(&to, NULL) &&
            rename(buf_text(&from), buf_text(&to)) != 0)
            continue; /* not there yet, or the next time */
    }
    buf_clear(&from);
    buf_clear(&to);
}

/* Several processes may write to the file: whoever has its lock turns it over, the others find that
 * the path leads to another file and follow. */
static void turn_over(struct log *log)
{
    struct stat ours, there;
    if (log->fd < 0 || fstat(log->fd, &ours) != 0 || (uint64_t)ours.st_size < log->limit_bytes)
        return;
    if (flock(log->fd, LOCK_EX | LOCK_NB) != 0)
        return;
    if (stat(log->path, &there) == 0 && there.st_ino == ours.st_ino)
        shift(log);
    int fd = open_file(log->path);
    if (fd >= 0) {
        close(log->fd);
        log->fd = fd;
    } else {
        flock(log->fd, LOCK_UN);
    }
}

static const char *word_of(const struct log_words *words, int64_t value)
{
    return value >= 0 && (uint64_t)value < words->n ? words->names[value] : NULL;
}

/* NULL: the value is a number. */
static const char *find_word(const struct log *log, const struct log_fact *fact)
{
    switch (fact->key) {
    case LOG_KEY_STATUS:
        return status_name((enum status)fact->value);
    case LOG_KEY_EVENT:
        return log_event_row((enum log_event)fact->value)->name;
    case LOG_KEY_MODE:
        return word_of(&log->modes, fact->value);
    case LOG_KEY_COMMAND:
        return word_of(&log->commands, fact->value);
    default:
        return NULL;
    }
}

static void append_fact(const struct log *log, const struct log_fact *fact, struct buf *out)
{
    bool is_json = log->format == LOG_FORMAT_JSON;
    const char *word = find_word(log, fact);
    buf_printf(out, is_json ? ",\"%s\":" : " %s=", log_key_name(fact->key));
    if (word)
        buf_printf(out, is_json ? "\"%s\"" : "%s", word);
    else
        buf_printf(out, "%" PRId64, fact->value);
}

static void append_time(const struct log *log, const struct log_line *line, struct buf *out)
{
    char when[32];
    clock_format_utc(line->wall_ms, when);
    when[19] = '\0'; /* the fraction goes before the Z */
    buf_printf(out,
               log->format == LOG_FORMAT_JSON ? "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\","
                                              : "%s.%03dZ %-5s ",
               when, (int)(line->wall_ms % 1000),
               log_level_name(log_event_row(line->event)->level));
}

/* Priorities of syslog, as sd-daemon(3) has them. */
static void append_priority(const struct log *log, const struct log_line *line, struct buf *out)
{
    static const char priorities[] = {[LOG_LEVEL_ERROR] = '3',
                                      [LOG_LEVEL_WARN] = '4',
                                      [LOG_LEVEL_INFO] = '6',
                                      [LOG_LEVEL_DEBUG] = '7'};
    buf_printf(out, "<%c>%s", priorities[log_event_row(line->event)->level],
               log->format == LOG_FORMAT_JSON ? "{" : "");
}

static void append_event(const struct log *log, const struct log_line *line, struct buf *out)
{
    bool is_json = log->format == LOG_FORMAT_JSON;
    buf_printf(out, is_json ? "\"event\":\"%s\",\"run\":\"%s\"" : "%s run=%s",
               log_event_row(line->event)->name, log->run);
    if (*log->trace_id)
        buf_printf(out, is_json ? ",\"trace\":\"%s\"" : " trace=%s", log->trace_id);
    if (log->library)
        buf_printf(out, is_json ? ",\"library\":%" PRIu64 : " library=%" PRIu64, log->library);
    for (const struct log_fact *fact = line->facts; fact->key != LOG_KEY_END; fact++)
        append_fact(log, fact, out);
    buf_append_text(out, is_json ? "}\n" : "\n");
}

static void append_line(struct log *log, const struct log_line *line)
{
    append_time(log, line, &log->block);
    append_event(log, line, &log->block);
    if (log->journal_fd < 0)
        return;
    append_priority(log, line, &log->journal);
    append_event(log, line, &log->journal);
}

static bool write_lines_to(int fd, const char *name, struct buf *lines)
{
    bool is_written =
        fd >= 0 && !lines->failed && !file_write_fd(fd, name, lines->data, lines->len, NULL);
    buf_reset(lines);
    return is_written;
}

static void write_block(struct log *log, uint64_t n_lines)
{
    if (log->block.len == 0)
        return;
    turn_over(log);
    bool is_written = write_lines_to(log->fd, log->path, &log->block);
    is_written |= write_lines_to(log->journal_fd, "the journal", &log->journal);
    atomic_fetch_add(is_written ? &log->n_written : &log->n_lost, n_lines);
    if (!is_written)
        atomic_fetch_add(&log->n_lost_untold, n_lines);
}

/* What was left out is told of once a second; these lines are counted by nobody. */
static void append_losses(struct log *log, bool is_last)
{
    int64_t now_ms = clock_monotonic_ms();
    if (!is_last && now_ms - log->losses_told_ms < LOSS_EVERY_MS)
        return;
    log->losses_told_ms = now_ms;
    struct log_line line = {.wall_ms = clock_wall_ms(), .event = LOG_EVENT_SUPPRESSED};
    for (int i = 0; i < LOG_EVENT_COUNT; i++) {
        int64_t n = (int64_t)atomic_exchange(&log->rates[i].n_suppressed, 0);
        line.facts[0] = (struct log_fact){LOG_KEY_EVENT, i};
        line.facts[1] = (struct log_fact){LOG_KEY_COUNT_OF, n};
        if (n > 0)
            append_line(log, &line);
    }
    int64_t n = (int64_t)atomic_exchange(&log->n_lost_untold, 0);
    line = (struct log_line){
        .wall_ms = line.wall_ms, .event = LOG_EVENT_LOST, .facts = {{LOG_KEY_COUNT_OF, n}}};
    if (n > 0)
        append_line(log, &line);
}

/* One block of what is in the ring. True: there is nothing left. */
static bool drain(struct log *log, bool is_last)
{
    struct log_line line;
    uint64_t n_lines = 0;
    while (log->block.len < BLOCK_BYTES && log_ring_pop(&log->ring, &line)) {
        append_line(log, &line);
        n_lines++;
    }
    bool is_drained = log->block.len < BLOCK_BYTES;
    if (is_drained)
        append_losses(log, is_last);
    write_block(log, n_lines);
    return is_drained;
}

static void *write_lines(void *arg)
{
    struct log *log = arg;
    while (!atomic_load(&log->is_closing)) {
        if (!drain(log, false))
            continue;
        pthread_mutex_lock(&log->mutex);
        if (!atomic_load(&log->is_closing))
            thread_wait(&log->closing, &log->mutex, IDLE_MS);
        pthread_mutex_unlock(&log->mutex);
    }
    return NULL;
}

/* ---- open and close ---- */

static void log_free(struct log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    pthread_cond_destroy(&log->closing);
    pthread_mutex_destroy(&log->mutex);
    buf_clear(&log->block);
    buf_clear(&log->journal);
    mem_free(log->path);
    mem_free(log);
}

int log_journal(const char *journal_stream, int fd)
{
    struct file_info info;
    char ours[64];
    if (!journal_stream || file_stat_fd(fd, "standard error", &info, NULL))
        return 0;
    snprintf(ours, sizeof ours, "%" PRIu64 ":%" PRIu64, info.device, info.inode);
    return strcmp(journal_stream, ours) == 0 ? fd : 0;
}

uint64_t log_library(const char *folder)
{
    struct file_info info;
    return file_stat(folder, FILE_FOLLOW, &info, NULL) ? 0 : info.inode;
}

static enum status set_ids(struct log *log, const struct trace_context *context, struct error *err)
{
    unsigned long long random = 0;
    if (context) {
        trace_context_ids(context, log->trace_id, log->run);
        return STATUS_OK;
    }
    enum status status = random_bytes(&random, sizeof random, err);
    snprintf(log->run, sizeof log->run, "%016llx", random);
    return status;
}

enum status log_open(const struct log_options *options, struct error *err)
{
    if (options->level == LOG_LEVEL_OFF)
        return STATUS_OK;
    struct log *log = mem_zalloc(1, sizeof *log);
    if (!log)
        return error_nomem(err);
    log->level = options->level;
    log->format = options->format;
    log->limit_bytes = options->limit_bytes ? options->limit_bytes : LIMIT_BYTES;
    log->n_kept = options->n_kept ? options->n_kept : N_KEPT;
    log->modes = options->modes;
    log->commands = options->commands;
    log->library = options->library;
    log->journal_fd = options->journal_fd ? options->journal_fd : -1;
    log->path = options->path ? mem_text(options->path) : NULL;
    log->fd = log->path ? open_file(log->path) : -1;
    pthread_mutex_init(&log->mutex, NULL);
    pthread_cond_init(&log->closing, NULL);
    log->opened_ms = clock_wall_ms();
    enum status status = set_ids(log, options->context, err);
    struct log *expected = NULL;
    if (!status && options->path && !log->path)
        status = error_nomem(err);
    else if (!status && options->path && log->fd < 0)
        status = error_errno(err, errno, "could not open the log \"%s\"", options->path);
    if (!status && !atomic_compare_exchange_strong(&current, &expected, log))
        status = error_set(err, STATUS_BUSY, "this process has a log already");
    if (status)
        log_free(log);
    return status;
}

/* Nobody logs while the program ends: who held the log when it was taken away has long come back.
 */
void log_close(void)
{
    struct log *log = atomic_exchange(&current, NULL);
    if (!log)
        return;
    pthread_mutex_lock(&log->mutex);
    atomic_store(&log->is_closing, true);
    pthread_cond_broadcast(&log->closing);
    pthread_mutex_unlock(&log->mutex);
    thread_join(&log->thread);
    int64_t end_ms = clock_monotonic_ms() + CLOSE_MS;
    while (!drain(log, true) && clock_monotonic_ms() < end_ms) {
    }
    log_free(log);
}
