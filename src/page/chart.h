/* page/chart.h - charts as SVG: pure functions from numbers to text in a buffer, for page/page.h,
 * whose style sheet gives them their looks.
 *
 * Numbers that are not finite are left out, on a logarithmic axis those below or at 0 too; a chart
 * without any says "no data". Bars and columns begin at 0. A failure is sticky in the buffer. */
#ifndef RAGGED_PAGE_CHART_H
#define RAGGED_PAGE_CHART_H

#include <stdbool.h>

#include "page/svg.h"

enum { CHART_TICKS_MAX = 32, CHART_SERIES_MAX = 6 };

struct chart_ticks {
    double at[CHART_TICKS_MAX]; /* ascending */
    size_t n;
    double low, high; /* of the axis that they are on: all data is within */
};
/* Steps of 1, 2 or 5 times a power of ten, about n_wanted of them; low <= high, both finite. */
void chart_ticks_linear(double low, double high, size_t n_wanted, struct chart_ticks *out);
/* Powers of ten, and 2 and 5 times them when these are few; 0 < low <= high. */
void chart_ticks_log(double low, double high, struct chart_ticks *out);
/* "0.25", "1500", "12k", "3.5M". */
void chart_number(double value, char out[32]);

struct chart_text {
    const char *title;           /* what is shown, one line */
    const char *description;     /* what is to be seen, for who does not see it */
    const char *x_name, *y_name; /* of the axes, with units; bars have x, columns and lines both */
    bool is_x_log, is_y_log;
    bool is_y_free; /* lines: the axis need not begin at 0 */
};

/* One below the other, each with its name before it and its number behind it. */
struct chart_bar {
    const char *name;
    double value, low, high; /* low, high: where the value lies; NAN: not known */
    size_t i_series;
};
void chart_bars(struct buf *out, const struct chart_text *text, const struct chart_bar *bars,
                size_t n, const char *const *series, size_t n_series);

/* Points joined; up to CHART_SERIES_MAX lines, each with its own colour and dashes. */
struct chart_line {
    const char *name;
    const struct svg_point *points; /* borrowed; x ascending, or as they follow each other */
    size_t n;
    const double
        *marks; /* [n], borrowed: what is said of each point, which then is seen; or NULL */
};
void chart_lines(struct buf *out, const struct chart_text *text, const struct chart_line *lines,
                 size_t n);

/* Columns from low to high, as high as there are many. */
struct chart_column {
    double low, high, count;
};
void chart_columns(struct buf *out, const struct chart_text *text,
                   const struct chart_column *columns, size_t n);

/* All values of each row as dots, and a stroke at `middle`. */
struct chart_row {
    const char *name;
    const double *values; /* borrowed */
    size_t n;
    double middle;
    size_t i_series;
};
void chart_dots(struct buf *out, const struct chart_text *text, const struct chart_row *rows,
                size_t n, const char *const *series, size_t n_series);

#endif
