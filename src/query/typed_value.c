#include "query/typed_value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define N_TEXT_MAX 40 /* no number and no date is longer */
#define N_DIGITS_MAX 15

/* At most n_max digits at text[*io_at]; how many. */
static size_t take_digits(const char *text, size_t *io_at, size_t n_max, int *out)
{
    size_t n = 0;
    int value = 0;
    for (; n < n_max && text[*io_at] >= '0' && text[*io_at] <= '9'; n++)
        value = value * 10 + (text[(*io_at)++] - '0');
    *out = value;
    return n;
}

/* A terminated copy: the parsers look one character ahead. */
static bool copy_short(const char *text, size_t len, char out[N_TEXT_MAX + 1])
{
    if (len == 0 || len > N_TEXT_MAX || memchr(text, '\0', len))
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* The length of the number at the beginning; 0: none. */
static size_t number_length(const char *text)
{
    size_t at = *text == '-' || *text == '+', n_whole = strspn(text + at, "0123456789"), n_part = 0;
    at += n_whole;
    if (text[at] == '.') {
        n_part = strspn(text + at + 1, "0123456789");
        at += 1 + n_part;
    }
    if (n_whole + n_part == 0 || n_whole + n_part > N_DIGITS_MAX)
        return 0;
    size_t exponent = at + 1 + (text[at] && (text[at + 1] == '-' || text[at + 1] == '+'));
    size_t n = text[at] == 'e' || text[at] == 'E' ? strspn(text + exponent, "0123456789") : 0;
    return n > 0 && n <= 2 ? exponent + n : at;
}

bool value_parse_number(const char *text, size_t len, double *out)
{
    char copy[N_TEXT_MAX + 1];
    if (!copy_short(text, len, copy) || number_length(copy) != len)
        return false;
    *out = strtod(copy, NULL);
    return true;
}

bool value_parse_size(const char *text, size_t len, double *out)
{
    static const char letters[] = "kmgt";
    char copy[N_TEXT_MAX + 1];
    size_t n = copy_short(text, len, copy) ? number_length(copy) : 0;
    if (n == 0)
        return false;
    char saved = copy[n];
    copy[n] = '\0';
    double size = strtod(copy, NULL);
    copy[n] = saved;
    const char *unit = copy + n + strspn(copy + n, " ");
    const char *letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
    if (letter) {
        for (const char *step = letters; step <= letter; step++)
            size *= 1024;
        unit++;
        if (*unit == 'i')
            unit++;
    }
    if (*unit && strcasecmp(unit, "b") != 0)
        return false;
    *out = size;
    return true;
}

struct date_parts {
    int year, month, day, hour, minute, second, ms;
    int zone_minutes;
    enum {
        PRECISION_YEAR,
        PRECISION_MONTH,
        PRECISION_DAY,
        PRECISION_MINUTE,
        PRECISION_SECOND,
        PRECISION_MS
    } precision;
};

static bool take_zone(const char *text, size_t *io_at, struct date_parts *parts)
{
    size_t at = *io_at + (text[*io_at] == ' ');
    int hours = 0, minutes = 0;
    if (text[at] == '\0')
        return at == *io_at;
    if (text[at] == 'Z' || text[at] == 'z') {
        *io_at = at + 1;
        return true;
    }
    int sign = text[at] == '-' ? -1 : 1;
    if (text[at] != '+' && text[at] != '-')
        return false;
    at++;
    if (take_digits(text, &at, 2, &hours) != 2)
        return false;
    at += text[at] == ':';
    if (text[at] && take_digits(text, &at, 2, &minutes) != 2)
        return false;
    parts->zone_minutes = sign * (hours * 60 + minutes);
    *io_at = at;
    return hours < 24 && minutes < 60;
}

/* Thousandths from the digits behind the point; further ones are dropped. */
static bool take_fraction(const char *text, size_t *io_at, struct date_parts *parts)
{
    size_t n = take_digits(text, io_at, 3, &parts->ms);
    for (size_t i = n; i < 3; i++)
        parts->ms *= 10;
    *io_at += strspn(text + *io_at, "0123456789");
    parts->precision = PRECISION_MS;
    return n > 0;
}

static bool take_time(const char *text, size_t *io_at, struct date_parts *parts)
{
    size_t at = *io_at;
    if (take_digits(text, &at, 2, &parts->hour) != 2 || text[at++] != ':' ||
        take_digits(text, &at, 2, &parts->minute) != 2)
        return false;
    parts->precision = PRECISION_MINUTE;
    if (text[at] == ':') {
        at++;
        if (take_digits(text, &at, 2, &parts->second) != 2)
            return false;
        parts->precision = PRECISION_SECOND;
        if (text[at] == '.' || text[at] == ',') {
            at++;
            if (!take_fraction(text, &at, parts))
                return false;
        }
    }
    *io_at = at;
    return take_zone(text, io_at, parts) && parts->hour < 24 && parts->minute < 60 &&
           parts->second < 61;
}

static bool take_date(const char *text, struct date_parts *parts)
{
    size_t at = 0;
    if (take_digits(text, &at, 4, &parts->year) != 4 || parts->year == 0)
        return false;
    parts->month = parts->day = 1;
    if (text[at] == '-') {
        at++;
        if (take_digits(text, &at, 2, &parts->month) != 2)
            return false;
        parts->precision = PRECISION_MONTH;
    }
    if (text[at] == '-') {
        at++;
        if (parts->precision != PRECISION_MONTH || take_digits(text, &at, 2, &parts->day) != 2)
            return false;
        parts->precision = PRECISION_DAY;
    }
    if (parts->precision == PRECISION_DAY && text[at] &&
        (text[at] == 'T' || text[at] == 't' || text[at] == ' ')) {
        at++;
        if (!take_time(text, &at, parts))
            return false;
    }
    return text[at] == '\0';
}

static int64_t ms_of(int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return (int64_t)timegm(&tm) * 1000;
}

static bool is_day(const struct date_parts *parts)
{
    struct tm tm = {
        .tm_year = parts->year - 1900, .tm_mon = parts->month - 1, .tm_mday = parts->day};
    timegm(&tm);
    return parts->month >= 1 && parts->month <= 12 && tm.tm_mon == parts->month - 1 &&
           tm.tm_mday == parts->day;
}

bool value_parse_date(const char *text, size_t len, struct date_span *out)
{
    char copy[N_TEXT_MAX + 1];
    struct date_parts parts = {0};
    if (!copy_short(text, len, copy) || !take_date(copy, &parts) || !is_day(&parts))
        return false;
    int64_t start_ms = ms_of(parts.year, parts.month, parts.day), end_ms = start_ms;
    start_ms += ((parts.hour * 60 + parts.minute - parts.zone_minutes) * 60 + parts.second) *
                    INT64_C(1000) +
                parts.ms;
    switch (parts.precision) {
    case PRECISION_YEAR:
        end_ms = ms_of(parts.year + 1, 1, 1);
        break;
    case PRECISION_MONTH:
        end_ms = ms_of(parts.year, parts.month + 1, 1);
        break;
    case PRECISION_DAY:
        end_ms = start_ms + INT64_C(86400000);
        break;
    case PRECISION_MINUTE:
        end_ms = start_ms + 60000;
        break;
    case PRECISION_SECOND:
        end_ms = start_ms + 1000;
        break;
    case PRECISION_MS:
        end_ms = start_ms + 1;
        break;
    }
    *out = (struct date_span){start_ms, end_ms};
    return true;
}
