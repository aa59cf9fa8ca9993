#include "base/trend.h"

#include <math.h>
#include <stdbool.h>

#include "base/numbers.h"

#define DAY_MS 86400e3

struct quarters {
    double low, median, high;
};

/* Of the points in [start_ms, end_ms); *io_i is the first of them, and then the first behind.
 * False: there are too few. */
static bool take_third(const struct trend_point *points, size_t n, double end_ms, size_t *io_i,
                       double *scratch, struct quarters *out)
{
    size_t n_taken = 0;
    for (; *io_i < n && (double)points[*io_i].at_ms < end_ms; ++*io_i)
        scratch[n_taken++] = points[*io_i].value;
    if (n_taken < TREND_LINE_POINTS)
        return false;
    numbers_sort(scratch, n_taken);
    *out = (struct quarters){numbers_quantile(scratch, n_taken, .25),
                             numbers_quantile(scratch, n_taken, .5),
                             numbers_quantile(scratch, n_taken, .75)};
    return true;
}

struct trend_line trend_line(const struct trend_point *points, size_t n, double *scratch)
{
    struct trend_line line = {.verdict = TREND_UNKNOWN};
    struct quarters thirds[3];
    if (n == 0)
        return line;
    double first_ms = (double)points[0].at_ms;
    double third_ms = ((double)points[n - 1].at_ms - first_ms) / 3;
    line.days = 3 * third_ms / DAY_MS;
    if (line.days < TREND_LINE_DAYS)
        return line;
    size_t i = 0;
    for (int t = 0; t < 3; t++) {
        double end_ms = t < 2 ? first_ms + (t + 1) * third_ms : INFINITY;
        if (!take_third(points, n, end_ms, &i, scratch, &thirds[t]))
            return line;
    }
    double earlier = thirds[1].median - thirds[0].median;
    double later = thirds[2].median - thirds[1].median;
    bool is_up = thirds[1].low > thirds[0].high && thirds[2].low > thirds[1].high;
    bool is_down = thirds[1].high < thirds[0].low && thirds[2].high < thirds[1].low;
    line.verdict = is_up ? TREND_UP : is_down ? TREND_DOWN : TREND_NONE;
    line.per_day = (fabs(earlier) < fabs(later) ? earlier : later) / (third_ms / DAY_MS);
    line.before = thirds[0].median;
    line.after = thirds[2].median;
    return line;
}

struct trend_shift trend_shift(double *before, size_t n_before, double *after, size_t n_after)
{
    struct trend_shift shift = {.verdict = TREND_UNKNOWN};
    if (n_before < TREND_SHIFT_VALUES || n_after < TREND_SHIFT_VALUES)
        return shift;
    numbers_sort(before, n_before);
    numbers_sort(after, n_after);
    double then = numbers_quantile(before, n_before, .5);
    double now = numbers_quantile(after, n_after, .5);
    bool is_up = now > then * TREND_SHIFT_RATIO && numbers_quantile(after, n_after, .25) > then;
    bool is_down = now < then / TREND_SHIFT_RATIO && numbers_quantile(after, n_after, .75) < then;
    return (struct trend_shift){
        .verdict = is_up     ? TREND_UP
                   : is_down ? TREND_DOWN
                             : TREND_NONE,
        .before = then,
        .after = now,
    };
}
