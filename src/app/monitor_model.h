/* app/monitor_model.h - what the monitor shows, from one look after the other: rates, times left,
 * percentiles, rows in order. No terminal, no clock, no file: a look comes in as a sample. A zeroed
 * model is valid. One thread at a time. */
#ifndef RAGGED_APP_MONITOR_MODEL_H
#define RAGGED_APP_MONITOR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/board_view.h"

enum { MONITOR_EVENTS_MAX = 64, MONITOR_HISTORY_MAX = 256, MONITOR_MARKS_MAX = 16 };
#define MONITOR_WINDOW_MS 10000 /* rates are means over this */
#define MONITOR_RECENT_MS 60000 /* "the last minute" */

struct monitor_machine {
    uint64_t cpu_busy, cpu_all; /* ticks since it started; 0: not known */
    uint64_t memory_bytes, memory_free_bytes, disk_bytes, disk_free_bytes;
};

struct monitor_library {
    bool is_known;
    uint64_t n_documents, n_passages, n_missing_vectors;
};

/* A line of the log: fixed words and numbers. */
struct monitor_event {
    int64_t wall_ms;
    bool is_error;
    char name[16], facts[48];
};

/* One look. */
struct monitor_sample {
    int64_t now_ms, wall_ms; /* monotonic and wall clock */
    struct error counters;   /* why there are none; OK: `view` has them */
    struct board_view view;
    uint64_t resident_bytes[OPERATION_SLOTS]; /* of the process of each operation; 0: not known */
    struct monitor_machine machine;
    struct monitor_library library;
    struct monitor_event events[MONITOR_EVENTS_MAX]; /* the newest first */
    size_t n_events;
};

enum monitor_flow {
    MONITOR_FLOW_FILES,
    MONITOR_FLOW_BYTES,
    MONITOR_FLOW_PASSAGES,
    MONITOR_FLOW_VECTORS,
    MONITOR_FLOW_SEARCHES,
    MONITOR_FLOW_TOKENS,
    MONITOR_FLOW_REQUESTS,
    MONITOR_FLOW_COUNT
};

enum monitor_sort { MONITOR_SORT_RATE, MONITOR_SORT_AGE, MONITOR_SORT_COMMAND, MONITOR_SORT_COUNT };
const char *monitor_sort_name(enum monitor_sort sort);

struct monitor_row {
    int64_t process_id;
    struct operation operation;
    double rate; /* of what `done` counts, a second; negative: not known yet */
    double byte_rate, passage_rate;
    int64_t left_ms;           /* -1: not known */
    int64_t age_ms, silent_ms; /* since it began, since it last told */
    uint64_t resident_bytes;
};

struct monitor_mark {
    int64_t at_ms;
    uint64_t n_done, n_bytes, n_passages;
};
/* Of one operation in one stage. */
struct monitor_track {
    int64_t process_id, started_ms;
    char stage[24];
    struct monitor_mark marks[MONITOR_MARKS_MAX]; /* the oldest first */
    size_t n_marks;
};

/* Time is told in steps, each a look. */
struct monitor_history {
    double rates[MONITOR_HISTORY_MAX]; /* a second; the newest last */
    size_t n;
    double rate; /* now: the mean over the window */
};

enum { MONITOR_MINUTE_MARKS = 13 };
struct monitor_minute {
    int64_t at_ms;
    struct histogram_counts counts[HISTOGRAM_COUNT];
};

struct monitor_model {
    enum monitor_sort sort;
    char filter[24]; /* "": all */
    bool is_recent;  /* latencies of the last minute only */

    struct monitor_sample sample; /* the newest */
    bool has_sample;
    double cpu_share; /* 0..1, negative: not known */
    struct monitor_track tracks[OPERATION_SLOTS];
    size_t n_tracks;
    struct monitor_row rows[OPERATION_SLOTS]; /* in order, those that the filter lets through */
    size_t n_rows, n_hidden;
    struct monitor_history flows[MONITOR_FLOW_COUNT];
    int64_t interval_ms;                                 /* between the last two looks */
    struct monitor_minute minutes[MONITOR_MINUTE_MARKS]; /* the oldest first */
    size_t n_minutes;
};

void monitor_model_take(struct monitor_model *model, const struct monitor_sample *sample);
/* After a change of sort or filter. */
void monitor_model_arrange(struct monitor_model *model);

/* Of the last minute, or of all time. */
void monitor_model_latencies(const struct monitor_model *model, enum histogram histogram,
                             struct histogram_counts *out);
/* How they spread: bins[n] from 64 us and below to 67 s and above, each the same factor wide;
 * the largest is 1. */
void monitor_spread(const struct histogram_counts *counts, double *bins, size_t n);

/* The last n rates of a flow as parts of the largest; bins[0] the oldest, 0 where there was none.
 * Returns the largest. */
double monitor_model_course(const struct monitor_model *model, enum monitor_flow flow, double *bins,
                            size_t n);

/* The operation that has taken the largest share of its budget; NULL: none has one. */
const struct operation *monitor_model_fullest(const struct monitor_model *model);
uint64_t monitor_model_queued(const struct monitor_model *model);

#endif
