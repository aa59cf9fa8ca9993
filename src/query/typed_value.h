/* query/typed_value.h - texts that are numbers, sizes or dates. Pure functions, any thread. */
#ifndef RAGGED_QUERY_TYPED_VALUE_H
#define RAGGED_QUERY_TYPED_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits with a sign, a point, an exponent; at most 15 digits, so that two numbers are only equal
 * when they are. */
bool value_parse_number(const char *text, size_t len, double *out);

/* A number of bytes: "500", "10k", "5M", "1.5 GiB"; a step is 1024. */
bool value_parse_size(const char *text, size_t len, double *out);

/* The time that a date stands for, from its first millisecond to that behind its last: a day in
 * "2024-05-17", a second in "2024-05-17T10:30:00". Milliseconds since 1970. */
struct date_span {
    int64_t start_ms, end_ms;
};
/* 2024, 2024-05, 2024-05-17, and behind it T or a blank and 10:30, 10:30:00 or 10:30:00.5, and
 * behind that Z, +02:00 or +0200; UTC when it has no zone. Years 1 to 9999. */
bool value_parse_date(const char *text, size_t len, struct date_span *out);

#endif
