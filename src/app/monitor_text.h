/* app/monitor_text.h - numbers in few columns, always with their unit. Each text fits, whatever the
 * number. Pure functions, any thread. */
#ifndef RAGGED_APP_MONITOR_TEXT_H
#define RAGGED_APP_MONITOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MONITOR_TEXT_BYTES = 24 };

/* Of at most so many columns, "" ended, in out[MONITOR_TEXT_BYTES]. */
enum {
    MONITOR_COUNT_COLUMNS = 5,    /* "12345", "123k", "1.2M" */
    MONITOR_RATE_COLUMNS = 7,     /* "0.3/s", "12345/s" */
    MONITOR_DURATION_COLUMNS = 6, /* "42s", "12m34s", "3h05m", "12d03h" */
    MONITOR_LATENCY_COLUMNS = 6,  /* "850 us", "9.9 ms", "12 s" */
    MONITOR_SIZE_COLUMNS = 8,     /* "1023 KiB", "9.9 GiB" */
    MONITOR_PERCENT_COLUMNS = 4   /* "100%" */
};
void monitor_text_count(uint64_t n, char *out);
void monitor_text_rate(double per_second, char *out); /* of things */
void monitor_text_duration(int64_t ms, char *out);    /* negative: "-" */
void monitor_text_latency(uint64_t us, char *out);
void monitor_text_size(double bytes, char *out);
void monitor_text_share(uint64_t part, uint64_t whole, char *out); /* whole 0: "-" */

/* One character for a value of 0..1: blocks of UTF-8, or ASCII. What is not zero is not blank. */
const char *monitor_text_spark(double value, bool is_utf8);

#endif
