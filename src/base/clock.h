/* base/clock.h - time and random bytes behind a seam ("clock", "random"). Any thread. */
#ifndef RAGGED_BASE_CLOCK_H
#define RAGGED_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

int64_t
clock_monotonic_ms(void); /* deadlines and durations; an injected fault jumps an hour ahead */
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ns(void); /* to measure with only: no fault moves it */
int64_t clock_cpu_ms(void);       /* computing time this process has used */
int64_t clock_thread_ns(void);    /* computing time the calling thread has used */
int64_t clock_wall_ms(void); /* since 1970, only to be shown or stored; a fault jumps a year back */
void clock_sleep_ms(int64_t ms);

/* "2026-11-24T09:30:00Z" into out[0..20]; wall time in ms. */
void clock_format_utc(int64_t wall_ms, char out[32]);
/* "2026-11-24T09:30:00.123Z" at the beginning of `text`, as the log writes it. */
bool clock_parse_utc(const char *text, int64_t *out_wall_ms);

/* Fills out with unpredictable bytes from the kernel. */
enum status random_bytes(void *out, size_t len, struct error *err) MUST_USE;

#endif
