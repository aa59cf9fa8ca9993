#include "app/monitor_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* `value` of the unit it is in, with a decimal while it is short. */
static void put(double value, const char *unit, char *out)
{
    bool is_short = value < 9.95;
    snprintf(out, MONITOR_TEXT_BYTES, is_short ? "%.1f%s" : "%.0f%s", value, unit);
}

void monitor_text_count(uint64_t n, char *out)
{
    static const char *const units[] = {"k", "M", "G", "T", "P", "E"};
    if (n < 100000) {
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRIu64, n);
        return;
    }
    double value = (double)n / 1000;
    size_t i = 0;
    for (; value >= 999.5 && i + 1 < COUNT_OF(units); i++)
        value /= 1000;
    put(value, units[i], out);
}

void monitor_text_rate(double per_second, char *out)
{
    char count[MONITOR_TEXT_BYTES];
    if (!(per_second > 0)) /* not a number neither */
        snprintf(out, MONITOR_TEXT_BYTES, "0/s");
    else if (per_second < 9.95)
        snprintf(out, MONITOR_TEXT_BYTES, per_second < 0.05 ? "<0.1/s" : "%.1f/s", per_second);
    else if (per_second < 1e18) {
        monitor_text_count((uint64_t)(per_second + 0.5), count);
        snprintf(out, MONITOR_TEXT_BYTES, "%.5s/s", count);
    } else
        snprintf(out, MONITOR_TEXT_BYTES, "-");
}

void monitor_text_duration(int64_t ms, char *out)
{
    int64_t s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
    if (ms < 0)
        snprintf(out, MONITOR_TEXT_BYTES, "-");
    else if (m == 0)
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRId64 "s", s);
    else if (h == 0)
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRId64 "m%02" PRId64 "s", m, s % 60);
    else if (d == 0)
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRId64 "h%02" PRId64 "m", h, m % 60);
    else if (d < 100)
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRId64 "d%02" PRId64 "h", d, h % 24);
    else
        snprintf(out, MONITOR_TEXT_BYTES, d < 100000 ? "%" PRId64 "d" : ">99999", d);
}

void monitor_text_latency(uint64_t us, char *out)
{
    double ms = (double)us / 1000;
    if (us < 1000)
        snprintf(out, MONITOR_TEXT_BYTES, "%" PRIu64 " us", us);
    else if (ms < 999.5)
        put(ms, " ms", out);
    else if (ms < 9999e3)
        put(ms / 1000, " s", out);
    else
        snprintf(out, MONITOR_TEXT_BYTES, ">2.7 h");
}

void monitor_text_size(double bytes, char *out)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    size_t i = 0;
    if (!(bytes > 0))
        bytes = 0;
    for (; bytes >= 1023.5 && i + 1 < COUNT_OF(units); i++)
        bytes /= 1024;
    if (i == 0)
        snprintf(out, MONITOR_TEXT_BYTES, "%.0f B", bytes);
    else
        put(bytes < 9999 ? bytes : 9999, units[i], out);
}

/* Less than all is never told as all. */
void monitor_text_share(uint64_t part, uint64_t whole, char *out)
{
    if (!whole)
        snprintf(out, MONITOR_TEXT_BYTES, "-");
    else if (part >= whole)
        snprintf(out, MONITOR_TEXT_BYTES, "100%%");
    else
        snprintf(out, MONITOR_TEXT_BYTES, "%.0f%%", floor(100.0 * (double)part / (double)whole));
}

const char *monitor_text_spark(double value, bool is_utf8)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
    size_t n = COUNT_OF(blocks) - 1;
    size_t level = !(value > 0) ? 0 : value >= 1 ? n : 1 + (size_t)(value * (double)(n - 1) + 0.5);
    level = level > n ? n : level;
    return is_utf8 ? blocks[level] : letters[level];
}
