/* base/trend.h - does a quantity go somewhere? Judged so that noise, a single step and a short past
 * are none. Pure functions. */
#ifndef RAGGED_BASE_TREND_H
#define RAGGED_BASE_TREND_H

#include <stddef.h>
#include <stdint.h>

enum trend_verdict {
    TREND_UNKNOWN, /* too little is known */
    TREND_NONE,
    TREND_UP,
    TREND_DOWN,
};

struct trend_point {
    int64_t at_ms;
    double value;
};
struct trend_line {
    enum trend_verdict verdict;
    double per_day;       /* the slower of the two changes between thirds; below 0: it falls */
    double before, after; /* medians of the first third of the time and of the last */
    double days;          /* between the first point and the last */
};
/* Points in order of time; scratch: room for n values. UP: the middle half of the values of each
 * third of the time lies above that of the third before. UNKNOWN: less than TREND_LINE_POINTS in a
 * third, or all of them within less than TREND_LINE_DAYS. */
enum { TREND_LINE_POINTS = 3, TREND_LINE_DAYS = 3 };
struct trend_line trend_line(const struct trend_point *points, size_t n, double *scratch);

struct trend_shift {
    enum trend_verdict verdict;
    double before, after; /* medians */
};
/* Both lists are put in order. UP: the median became TREND_SHIFT_RATIO times what it was, and three
 * of four values are above what it was. UNKNOWN: fewer than TREND_SHIFT_VALUES in one of them. */
enum { TREND_SHIFT_VALUES = 20 };
#define TREND_SHIFT_RATIO 1.25 /* less is the noise of a busy machine */
struct trend_shift trend_shift(double *before, size_t n_before, double *after, size_t n_after);

#endif
