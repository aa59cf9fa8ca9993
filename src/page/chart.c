#include "page/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define WIDTH 720.0
#define HEIGHT 270.0
#define LEFT 64.0
#define RIGHT 16.0
#define TOP 16.0
#define BOTTOM 48.0
#define ROW 22.0   /* of bars and dots */
#define LETTER 7.0 /* about the width of one */
#define NUMBER_WIDTH 64.0
#define LEGEND 22.0

enum { NAME_CHARACTERS_MAX = 32 };

struct axis {
    struct chart_ticks ticks;
    bool is_log;
    double from, to; /* pixels */
};

struct range {
    double low, high;
    bool is_there;
};

/* ---- axes ---- */

static bool can_show(double value, bool is_log)
{
    return isfinite(value) && (!is_log || value > 0);
}

static void widen(struct range *range, double value, bool is_log)
{
    if (!can_show(value, is_log))
        return;
    range->low = range->is_there ? fmin(range->low, value) : value;
    range->high = range->is_there ? fmax(range->high, value) : value;
    range->is_there = true;
}

enum { TICKS_WANTED = 6 };

static struct axis make_axis(const struct range *range, bool is_log, double from, double to)
{
    struct axis axis = {.is_log = is_log, .from = from, .to = to};
    if (is_log)
        chart_ticks_log(range->low, range->high, &axis.ticks);
    else
        chart_ticks_linear(range->low, range->high, TICKS_WANTED, &axis.ticks);
    return axis;
}

/* Of things that are counted there is no half. */
static struct axis make_count_axis(double most, double from, double to)
{
    struct axis axis = {.from = from, .to = to};
    chart_ticks_linear(0, fmax(most, 1), most < TICKS_WANTED ? (size_t)fmax(most, 1) : TICKS_WANTED,
                       &axis.ticks);
    return axis;
}

static double place(const struct axis *axis, double value)
{
    double low = axis->ticks.low, high = axis->ticks.high;
    double share = axis->is_log ? log(value / low) / log(high / low) : (value - low) / (high - low);
    return axis->from + (axis->to - axis->from) * fmin(fmax(share, 0), 1);
}

static void axis_name(char out[160], const char *name, bool is_log)
{
    snprintf(out, 160, "%s%s", name ? name : "", is_log ? " (logarithmic)" : "");
}

static void draw_x_axis(struct buf *out, const struct axis *x, const char *name, double top,
                        double bottom)
{
    char label[160];
    for (size_t i = 0; i < x->ticks.n; i++) {
        double at = place(x, x->ticks.at[i]);
        svg_line(out, (struct svg_point){at, top}, (struct svg_point){at, bottom}, "grid");
        chart_number(x->ticks.at[i], label);
        svg_text(out, at, bottom + 16, SVG_ANCHOR_MIDDLE, "tick", label);
    }
    svg_line(out, (struct svg_point){x->from, bottom}, (struct svg_point){x->to, bottom}, "axis");
    axis_name(label, name, x->is_log);
    svg_text(out, (x->from + x->to) / 2, bottom + 36, SVG_ANCHOR_MIDDLE, "name", label);
}

/* Its name stands above it: no text is turned. */
static void draw_y_axis(struct buf *out, const struct axis *y, const char *name, double right)
{
    char label[160];
    for (size_t i = 0; i < y->ticks.n; i++) {
        double at = place(y, y->ticks.at[i]);
        svg_line(out, (struct svg_point){LEFT, at}, (struct svg_point){right, at}, "grid");
        chart_number(y->ticks.at[i], label);
        svg_text(out, LEFT - 8, at + 4, SVG_ANCHOR_END, "tick", label);
    }
    svg_line(out, (struct svg_point){LEFT, y->to}, (struct svg_point){LEFT, y->from}, "axis");
    axis_name(label, name, y->is_log);
    svg_text(out, 4, y->to - 10, SVG_ANCHOR_START, "name", label);
}

/* ---- what all have ---- */

static void begin(struct buf *out, double height, const struct chart_text *text)
{
    svg_begin(out, WIDTH, height, text->title, NULL);
    buf_append_text(out, "<desc>");
    svg_escape(out, text->description ? text->description : text->title);
    buf_append_text(out, "</desc>\n");
}

static void no_data(struct buf *out, const struct chart_text *text)
{
    begin(out, 60, text);
    svg_text(out, WIDTH / 2, 36, SVG_ANCHOR_MIDDLE, "name", "no data");
    svg_end(out);
}

static const char *series_class(char out[32], const char *kind, size_t i_series)
{
    snprintf(out, 32, "%s s%zu", kind, i_series % CHART_SERIES_MAX);
    return out;
}

/* `out` has room for the characters and three dots. */
static void short_name(const char *name, char out[4 * NAME_CHARACTERS_MAX + 4])
{
    size_t len = strlen(name), at = 0, n = 0;
    while (at < len && n < NAME_CHARACTERS_MAX) {
        uint32_t c;
        at += utf8_decode(name + at, len - at, &c);
        n++;
    }
    size_t n_kept = at < 4 * NAME_CHARACTERS_MAX ? at : 4 * NAME_CHARACTERS_MAX;
    snprintf(out, 4 * NAME_CHARACTERS_MAX + 4, "%.*s%s", (int)n_kept, name, at < len ? "..." : "");
}

static void draw_legend(struct buf *out, const char *const *names, size_t n, double y,
                        bool has_lines)
{
    double x = LEFT;
    for (size_t i = 0; i < n && n > 1; i++) {
        char css[32], name[4 * NAME_CHARACTERS_MAX + 4];
        if (has_lines)
            svg_line(out, (struct svg_point){x, y - 4}, (struct svg_point){x + 24, y - 4},
                     series_class(css, "line", i));
        else
            svg_rect(out, &(struct svg_box){x + 6, y - 10, 12, 12}, series_class(css, "bar", i),
                     NULL);
        short_name(names[i], name);
        svg_text(out, x + 30, y, SVG_ANCHOR_START, "legend", name);
        x += 46 + LETTER * (double)strlen(name);
    }
}

/* ---- bars ---- */

/* The frame of n rows; returns where the first one begins. */
static double begin_rows(struct buf *out, const struct chart_text *text, const struct axis *x,
                         size_t n, const char *const *series, size_t n_series)
{
    double top = n_series > 1 ? LEGEND + 4 : 4, bottom = top + ROW * (double)n + 4;
    begin(out, bottom + BOTTOM, text);
    draw_legend(out, series, n_series, LEGEND - 6, false);
    draw_x_axis(out, x, text->x_name, top, bottom);
    return top + 2;
}

static double name_width(const char *name)
{
    size_t len = strlen(name);
    return 12 + LETTER * (double)(len < NAME_CHARACTERS_MAX ? len : NAME_CHARACTERS_MAX + 3);
}

static void draw_bar(struct buf *out, const struct chart_bar *bar, const struct axis *x, double y)
{
    char css[32], name[4 * NAME_CHARACTERS_MAX + 4], number[32], title[256];
    double end = place(x, bar->value), middle = y + ROW / 2, high = end;
    short_name(bar->name, name);
    chart_number(bar->value, number);
    snprintf(title, sizeof title, "%s: %s", bar->name, number);
    svg_text(out, x->from - 8, middle + 4, SVG_ANCHOR_END, "label", name);
    if (!isfinite(bar->value))
        return;
    svg_rect(out, &(struct svg_box){x->from, y + 3, end - x->from, ROW - 6},
             series_class(css, "bar", bar->i_series), title);
    if (isfinite(bar->low) && isfinite(bar->high)) {
        double low = place(x, bar->low);
        high = fmax(end, place(x, bar->high));
        svg_line(out, (struct svg_point){low, middle}, (struct svg_point){high, middle}, "range");
        svg_line(out, (struct svg_point){low, middle - 4}, (struct svg_point){low, middle + 4},
                 "range");
        svg_line(out, (struct svg_point){high, middle - 4}, (struct svg_point){high, middle + 4},
                 "range");
    }
    svg_text(out, high + 6, middle + 4, SVG_ANCHOR_START, "label", number);
}

void chart_bars(struct buf *out, const struct chart_text *text, const struct chart_bar *bars,
                size_t n, const char *const *series, size_t n_series)
{
    struct range range = {0};
    double width = 0;
    for (size_t i = 0; i < n; i++) {
        width = fmax(width, name_width(bars[i].name));
        widen(&range, bars[i].value, false);
        widen(&range, bars[i].high, false);
    }
    if (!range.is_there) {
        no_data(out, text);
        return;
    }
    widen(&range, 0, false);
    struct axis x = make_axis(&range, false, width + 8, WIDTH - NUMBER_WIDTH);
    double top = begin_rows(out, text, &x, n, series, n_series);
    for (size_t i = 0; i < n; i++)
        draw_bar(out, &bars[i], &x, top + ROW * (double)i);
    svg_end(out);
}

/* ---- dots ---- */

static void draw_row(struct buf *out, const struct chart_row *row, const struct axis *x, double y)
{
    char css[32], name[4 * NAME_CHARACTERS_MAX + 4], number[32];
    double middle = y + ROW / 2;
    short_name(row->name, name);
    svg_text(out, x->from - 8, middle + 4, SVG_ANCHOR_END, "label", name);
    series_class(css, "dot", row->i_series);
    for (size_t i = 0; i < row->n; i++) {
        if (!can_show(row->values[i], x->is_log))
            continue;
        chart_number(row->values[i], number);
        svg_rect(out, &(struct svg_box){place(x, row->values[i]) - 2.5, middle - 5, 5, 10}, css,
                 number);
    }
    if (!can_show(row->middle, x->is_log))
        return;
    double at = place(x, row->middle);
    svg_line(out, (struct svg_point){at, y + 2}, (struct svg_point){at, y + ROW - 2}, "range");
}

void chart_dots(struct buf *out, const struct chart_text *text, const struct chart_row *rows,
                size_t n, const char *const *series, size_t n_series)
{
    struct range range = {0};
    double width = 0;
    for (size_t i = 0; i < n; i++) {
        width = fmax(width, name_width(rows[i].name));
        for (size_t k = 0; k < rows[i].n; k++)
            widen(&range, rows[i].values[k], text->is_x_log);
    }
    if (!range.is_there) {
        no_data(out, text);
        return;
    }
    if (!text->is_x_log)
        widen(&range, 0, false);
    struct axis x = make_axis(&range, text->is_x_log, width + 8, WIDTH - RIGHT - 8);
    double top = begin_rows(out, text, &x, n, series, n_series);
    for (size_t i = 0; i < n; i++)
        draw_row(out, &rows[i], &x, top + ROW * (double)i);
    svg_end(out);
}

/* ---- lines ---- */

/* A line that begins anew behind what can't be shown. One point alone is a short stroke. */
static void draw_line(struct buf *out, const struct chart_line *line, const struct axis *x,
                      const struct axis *y, const char *css)
{
    struct svg_point some[64];
    size_t n = 0;
    for (size_t i = 0; i <= line->n; i++) {
        bool is_shown = i < line->n && can_show(line->points[i].x, x->is_log) &&
                        can_show(line->points[i].y, y->is_log);
        if (is_shown)
            some[n++] =
                (struct svg_point){place(x, line->points[i].x), place(y, line->points[i].y)};
        if (is_shown && n < sizeof some / sizeof some[0])
            continue;
        if (n == 1 && !is_shown)
            some[n++] = (struct svg_point){some[0].x + 3, some[0].y};
        if (n > 1)
            svg_polyline(out, some, n, css);
        some[0] = some[n ? n - 1 : 0];
        n = is_shown ? 1 : 0;
    }
}

static void draw_marks(struct buf *out, const struct chart_line *line, const struct axis *x,
                       const struct axis *y, const char *css)
{
    char number[32];
    for (size_t i = 0; line->marks && i < line->n; i++) {
        if (!can_show(line->points[i].x, x->is_log) || !can_show(line->points[i].y, y->is_log))
            continue;
        chart_number(line->marks[i], number);
        double at_x = place(x, line->points[i].x), at_y = place(y, line->points[i].y);
        svg_rect(out, &(struct svg_box){at_x - 3, at_y - 3, 6, 6}, css, number);
        svg_text(out, at_x, at_y - 6, SVG_ANCHOR_MIDDLE, "tick", number);
    }
}

void chart_lines(struct buf *out, const struct chart_text *text, const struct chart_line *lines,
                 size_t n)
{
    struct range xs = {0}, ys = {0};
    const char *names[CHART_SERIES_MAX];
    n = n < CHART_SERIES_MAX ? n : CHART_SERIES_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = lines[i].name;
        for (size_t k = 0; k < lines[i].n; k++) {
            const struct svg_point *p = &lines[i].points[k];
            if (can_show(p->x, text->is_x_log) && can_show(p->y, text->is_y_log)) {
                widen(&xs, p->x, text->is_x_log);
                widen(&ys, p->y, text->is_y_log);
            }
        }
    }
    if (!xs.is_there) {
        no_data(out, text);
        return;
    }
    if (!text->is_y_log && !text->is_y_free)
        widen(&ys, 0, false);
    double top = TOP + 20 + (n > 1 ? LEGEND : 0), bottom = top + HEIGHT - BOTTOM - TOP;
    struct axis x = make_axis(&xs, text->is_x_log, LEFT, WIDTH - RIGHT);
    struct axis y = make_axis(&ys, text->is_y_log, bottom, top);
    begin(out, bottom + BOTTOM, text);
    draw_legend(out, names, n, TOP, true);
    draw_x_axis(out, &x, text->x_name, top, bottom);
    draw_y_axis(out, &y, text->y_name, WIDTH - RIGHT);
    for (size_t i = 0; i < n; i++) {
        char css[32];
        draw_line(out, &lines[i], &x, &y, series_class(css, "line", i));
        draw_marks(out, &lines[i], &x, &y, series_class(css, "bar", i));
    }
    svg_end(out);
}

/* ---- columns ---- */

static void draw_column(struct buf *out, const struct chart_column *column, const struct axis *x,
                        const struct axis *y)
{
    char low[32], high[32], count[32], title[128];
    double from = column->low > 0 || !x->is_log ? place(x, column->low) : x->from;
    double to = place(x, column->high), at = place(y, column->count);
    chart_number(column->low, low);
    chart_number(column->high, high);
    chart_number(column->count, count);
    snprintf(title, sizeof title, "%s to %s: %s", low, high, count);
    svg_rect(out, &(struct svg_box){from, at, fmax(to - from, 1), y->from - at}, "bar s0", title);
}

static bool column_counts(const struct chart_column *column, bool is_x_log)
{
    return can_show(column->high, is_x_log) && isfinite(column->low) && isfinite(column->count) &&
           column->count > 0;
}

void chart_columns(struct buf *out, const struct chart_text *text,
                   const struct chart_column *columns, size_t n)
{
    struct range xs = {0};
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        bool counts = column_counts(&columns[i], text->is_x_log);
        if (counts)
            most = fmax(most, columns[i].count);
        /* Where nothing was is told too, but on a logarithmic axis it would never end. */
        if (counts || !text->is_x_log) {
            widen(&xs, columns[i].low, text->is_x_log);
            widen(&xs, columns[i].high, text->is_x_log);
        }
    }
    if (most <= 0) {
        no_data(out, text);
        return;
    }
    double top = TOP + 20, bottom = top + HEIGHT - BOTTOM - TOP - 60;
    struct axis x = make_axis(&xs, text->is_x_log, LEFT, WIDTH - RIGHT);
    struct axis y = make_count_axis(most, bottom, top);
    begin(out, bottom + BOTTOM, text);
    draw_x_axis(out, &x, text->x_name, top, bottom);
    draw_y_axis(out, &y, text->y_name, WIDTH - RIGHT);
    for (size_t i = 0; i < n; i++)
        if (column_counts(&columns[i], text->is_x_log))
            draw_column(out, &columns[i], &x, &y);
    svg_end(out);
}
