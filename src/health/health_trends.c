/* What goes somewhere: the disk, the time of a search, failures, the index, against this library's
 * own past in the log. A past that is too short is no finding, and neither is a log that is off. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/limits.h"
#include "base/log_history.h"
#include "base/mem.h"
#include "base/trend.h"
#include "health/health.h"
#include "health/health_row.h"
#include "index/maintain.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define WINDOW_DAYS 30 /* what is older says nothing about now, nor what is to come later */
#define RECENT_DAYS 3
#define AHEAD_MAX 3 /* nothing is foretold for longer than so many times what is known */
#define SLOWER_RATIO 1.5
#define SLOWER_MS 10 /* nobody feels less */
#define DAYS_BEFORE_MIN 3
#define DAYS_RECENT_MIN 2
#define TIMES_A_DAY 5
#define FAILED_MIN 5
#define FAILED_SHARE_MIN 0.02
#define FAILED_RISE 0.05
#define SEARCHES_MIN 20
#define GIB(bytes) ((double)(bytes) / 1024 / (double)RAGGED_MIB)

/* ---- the past ---- */

static void say_too_little(const struct health *health, struct engine_health_check *out)
{
    if (health->no_history.status)
        health_say(out, ENGINE_HEALTHY, "nothing is known of before: %s",
                   health->no_history.message);
    else
        health_say(out, ENGINE_HEALTHY,
                   "too little is in the log to compare with: it takes some runs a day for %d days",
                   TREND_LINE_DAYS + RECENT_DAYS);
}

static bool is_between(const struct log_history_entry *entry, int64_t start_ms, int64_t end_ms)
{
    return entry->at_ms >= start_ms && entry->at_ms < end_ms;
}

/* Where the numbers of `kind` go, up to *now at this moment (NULL: as the log has them); without
 * memory nothing is known. */
static struct trend_line line_of(const struct health *health, enum log_history_kind kind,
                                 const double *now)
{
    const struct log_history *history = &health->history;
    int64_t end_ms = health->now_ms, start_ms = end_ms - WINDOW_DAYS * DAY_MS;
    struct trend_line line = {.verdict = TREND_UNKNOWN};
    struct trend_point *points = mem_array(history->n + 1, sizeof *points);
    double *scratch = mem_array(history->n + 1, sizeof *scratch);
    size_t n = 0;
    for (size_t i = 0; points && i < history->n; i++)
        if (history->entries[i].kind == kind && is_between(&history->entries[i], start_ms, end_ms))
            points[n++] =
                (struct trend_point){history->entries[i].at_ms, (double)history->entries[i].n};
    if (points && now)
        points[n++] = (struct trend_point){end_ms, *now};
    if (points && scratch)
        line = trend_line(points, n, scratch);
    mem_free(points);
    mem_free(scratch);
    return line;
}

/* Days until so much more has gone the way of the line; -1: not so soon that it could be said. */
static double days_until(const struct trend_line *line, enum trend_verdict way, double distance)
{
    double per_day = way == TREND_DOWN ? -line->per_day : line->per_day;
    if (line->verdict != way || per_day <= 0)
        return -1;
    double days = distance / per_day;
    return days < WINDOW_DAYS && days < AHEAD_MAX * line->days ? days : -1;
}

/* ---- the disk ---- */

static void look_at_disk_trend(struct health *health, struct engine_health_check *out)
{
    struct disk_room disk;
    if (!disk_look(health->folder, &disk)) {
        health_say(out, ENGINE_HEALTHY, "the disk does not say how much of it is free");
        return;
    }
    double free_bytes = (double)disk.free_bytes;
    struct trend_line line = line_of(health, LOG_HISTORY_FREE, &free_bytes);
    double days = days_until(&line, TREND_DOWN, free_bytes);
    if (line.verdict == TREND_UNKNOWN) {
        say_too_little(health, out);
    } else if (days < 0) {
        health_say(out, ENGINE_HEALTHY, "%.1f GiB are free, and in %.0f days it was not to fill up",
                   GIB(free_bytes), line.days);
    } else {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "%.1f GiB are free, %.1f GiB fewer each day for %.0f days: full in %.0f days",
                   GIB(free_bytes), GIB(-line.per_day), line.days, days);
        health_remedy(out,
                      "find what fills the disk of \"%s\", or move the library with data_dir; "
                      "`ragged compact` and `ragged cache clear` give space back",
                      health->folder);
    }
}

/* ---- the time of a search ---- */

struct times {
    size_t n, n_days; /* days that have some */
    int64_t first_ms, last_ms;
};

/* Times in ms of what was really searched in this mode. */
static struct times take_times(const struct log_history *history, size_t i_mode, int64_t start_ms,
                               int64_t end_ms, double *out)
{
    struct times times = {0};
    size_t n_in_day = 0;
    for (size_t i = 0; i < history->n; i++) {
        const struct log_history_entry *entry = &history->entries[i];
        if (entry->took_us == 0 || entry->is_cached || entry->i_mode != i_mode ||
            !is_between(entry, start_ms, end_ms))
            continue;
        bool is_new_day = times.n == 0 || entry->at_ms / DAY_MS != times.last_ms / DAY_MS;
        n_in_day = is_new_day ? 1 : n_in_day + 1;
        times.n_days += n_in_day == TIMES_A_DAY;
        if (times.n == 0)
            times.first_ms = entry->at_ms;
        times.last_ms = entry->at_ms;
        out[times.n++] = (double)entry->took_us / 1e3;
    }
    return times;
}

/* One busy afternoon, also one around midnight, is not how searches are now. */
static struct trend_shift shift_of_mode(const struct health *health, size_t i_mode, double *values)
{
    int64_t recent_ms = health->now_ms - RECENT_DAYS * DAY_MS;
    struct times before = take_times(&health->history, i_mode,
                                     health->now_ms - WINDOW_DAYS * DAY_MS, recent_ms, values);
    struct times recent =
        take_times(&health->history, i_mode, recent_ms, health->now_ms, values + before.n);
    if (before.n_days < DAYS_BEFORE_MIN || recent.n_days < DAYS_RECENT_MIN ||
        recent.last_ms - recent.first_ms < DAY_MS)
        return (struct trend_shift){.verdict = TREND_UNKNOWN};
    return trend_shift(values, before.n, values + before.n, recent.n);
}

/* Of the modes that can be compared the one that fares worst. */
static struct trend_shift worst_shift(const struct health *health, const char **out_mode)
{
    struct trend_shift worst = {.verdict = TREND_UNKNOWN};
    double *times = mem_array(health->history.n, sizeof *times);
    for (size_t i = 0; times && i < health->history.n_modes; i++) {
        struct trend_shift shift = shift_of_mode(health, i, times);
        if (shift.verdict == TREND_UNKNOWN ||
            (worst.verdict != TREND_UNKNOWN &&
             shift.after * worst.before <= worst.after * shift.before))
            continue;
        worst = shift;
        *out_mode = health->history.modes[i];
    }
    mem_free(times);
    return worst;
}

static void look_at_search_trend(struct health *health, struct engine_health_check *out)
{
    const char *mode = "";
    struct trend_shift shift = worst_shift(health, &mode);
    bool is_slower = shift.verdict == TREND_UP && shift.after > SLOWER_RATIO * shift.before &&
                     shift.after > shift.before + SLOWER_MS;
    if (shift.verdict == TREND_UNKNOWN) {
        say_too_little(health, out);
        return;
    }
    health_say(out, is_slower ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "half of the %s searches of the last %d days took at most %.4g ms, of those before "
               "%.4g ms",
               mode, RECENT_DAYS, shift.after, shift.before);
    if (is_slower)
        health_remedy(out,
                      "`ragged search --timings` tells which stage it is; `ragged compact` when it "
                      "is the index; otherwise look at the machine's memory, disk and load");
}

/* ---- failures ---- */

struct tries {
    uint64_t n, n_failed;
};

static struct tries count_tries(const struct health *health, int64_t start_ms, int64_t end_ms)
{
    struct tries tries = {0};
    for (size_t i = 0; i < health->history.n; i++) {
        const struct log_history_entry *entry = &health->history.entries[i];
        if (!is_between(entry, start_ms, end_ms))
            continue;
        if (entry->kind == LOG_HISTORY_SEARCH_FAILED)
            tries.n_failed += entry->n;
        if (entry->kind == LOG_HISTORY_SEARCH_FAILED || entry->kind == LOG_HISTORY_SEARCHED)
            tries.n += entry->n;
    }
    return tries;
}

static double share_failed(const struct tries *tries)
{
    return (double)tries->n_failed / (double)tries->n;
}

/* Files that can't be read are tried by each run again: what rises is new. */
static bool are_more_files_failing(const struct health *health, const struct trend_line *line)
{
    return line->verdict == TREND_UP && line->after >= line->before + FAILED_MIN &&
           line->after > FAILED_SHARE_MIN * (double)health->library.n_documents;
}

static void look_at_failure_trend(struct health *health, struct engine_health_check *out)
{
    int64_t recent_ms = health->now_ms - RECENT_DAYS * DAY_MS;
    struct tries before = count_tries(health, health->now_ms - WINDOW_DAYS * DAY_MS, recent_ms);
    struct tries recent = count_tries(health, recent_ms, health->now_ms);
    struct trend_line files = line_of(health, LOG_HISTORY_FILES_FAILED, NULL);
    bool is_known = before.n >= SEARCHES_MIN && recent.n >= SEARCHES_MIN;
    if (is_known && recent.n_failed >= FAILED_MIN &&
        share_failed(&recent) > 2 * share_failed(&before) + FAILED_RISE) {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "%" PRIu64 " of %" PRIu64 " searches of the last %d days failed, before %" PRIu64
                   " of %" PRIu64,
                   recent.n_failed, recent.n, RECENT_DAYS, before.n_failed, before.n);
        health_remedy(out, "the log says with which status; `ragged health --deep` looks at all "
                           "that a search needs");
    } else if (are_more_files_failing(health, &files)) {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "a run of add can't read %.0f files, %.0f days ago it was %.0f", files.after,
                   files.days, files.before);
        health_remedy(out, "`ragged status --failed` tells why");
    } else if (!is_known && files.verdict == TREND_UNKNOWN) {
        say_too_little(health, out);
    } else {
        health_say(out, ENGINE_HEALTHY, "searches and files do not fail more often than before");
    }
}

/* ---- the index ---- */

static void look_at_index_trend(struct health *health, struct engine_health_check *out)
{
    double n_tail = (double)health->library.n_tail;
    struct trend_line line = line_of(health, LOG_HISTORY_TAIL, &n_tail);
    double days = days_until(&line, TREND_UP, HEALTH_TAIL_ROWS_MAX - n_tail);
    /* Up to there it is the usual way: when it is reached they become a segment. */
    bool is_kept_up = n_tail <= MAINTAIN_TAIL_ROWS || n_tail >= HEALTH_TAIL_ROWS_MAX;
    if (line.verdict == TREND_UNKNOWN) {
        say_too_little(health, out);
    } else if (days < 0 || is_kept_up) {
        health_say(out, ENGINE_HEALTHY,
                   "%.0f passages are in no segment, and in %.0f days it was "
                   "not to become many",
                   n_tail, line.days);
    } else {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "%.0f passages are in no segment, %.0f more each day for %.0f days: searches "
                   "will be slow in %.0f days",
                   n_tail, line.per_day, line.days, days);
        health_remedy(out,
                      "`ragged compact`; is \"%s/maintain.lock\" held by a process that "
                      "hangs, or does every add end with a warning about the index?",
                      health->folder);
    }
}

const struct health_row health_trend_rows[] = {
    {.name = "disk_trend", .needs_library = true, .look = look_at_disk_trend},
    {.name = "search_trend", .needs_library = true, .look = look_at_search_trend},
    {.name = "failure_trend", .needs_library = true, .look = look_at_failure_trend},
    {.name = "index_trend", .needs_library = true, .look = look_at_index_trend},
    {.name = NULL},
};
