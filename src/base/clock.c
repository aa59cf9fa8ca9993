#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "base/fault.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC) + (fault_hit("clock.monotonic") ? (int64_t)3600 * 1000000 : 0);
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_cpu_ms(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

int64_t clock_thread_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t clock_wall_ms(void)
{
    int64_t jump_ms = fault_hit("clock.wall") ? (int64_t)365 * 86400 * 1000 : 0;
    return read_us(CLOCK_REALTIME) / 1000 - jump_ms;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

void clock_format_utc(int64_t wall_ms, char out[32])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

bool clock_parse_utc(const char *text, int64_t *out_wall_ms)
{
    struct tm tm = {0};
    int ms, n_read = 0;
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms, &n_read) != 7 ||
        n_read == 0)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out_wall_ms = (int64_t)timegm(&tm) * 1000 + ms;
    return true;
}

enum status random_bytes(void *out, size_t len, struct error *err)
{
    char *at = out;
    while (len > 0) {
        ssize_t n = fault_hit("random") ? (errno = ENOSYS, -1) : getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "could not get random bytes");
        at += n;
        len -= (size_t)n;
    }
    return STATUS_OK;
}
