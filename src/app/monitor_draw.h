/* app/monitor_draw.h - text and boxes on the terminal, cut at their area. What the screen shows
 * goes out when monitor_screen.c refreshes it. One thread, between open and close. */
#ifndef RAGGED_APP_MONITOR_DRAW_H
#define RAGGED_APP_MONITOR_DRAW_H

#include <stdbool.h>

#include "base/status.h"

struct monitor_canvas {
    bool is_utf8, has_color;
};

struct monitor_area {
    int y, x, n_rows, n_columns;
};

enum monitor_style {
    MONITOR_STYLE_PLAIN,
    MONITOR_STYLE_BOLD,
    MONITOR_STYLE_DIM,
    MONITOR_STYLE_FRAME,
    MONITOR_STYLE_BAR, /* of the first and the last line */
    MONITOR_STYLE_ACCENT,
    MONITOR_STYLE_GOOD,
    MONITOR_STYLE_WARNING,
    MONITOR_STYLE_BAD,
    MONITOR_STYLE_COUNT
};

/* Once, when the terminal has colours and they are wanted. */
void monitor_draw_start_colors(void);

/* At a place in the area; what is outside of it is left out. Returns the column behind it. */
int monitor_draw(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
                 int column, enum monitor_style style, const char *format, ...) PRINTF_LIKE(6, 7);
/* So that it ends at the right edge of n_columns. */
void monitor_draw_right(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        int row, int column, int n_columns, enum monitor_style style,
                        const char *text);

/* bins[n] of 0..1, a character each. */
void monitor_draw_spark(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        int row, int column, const double *bins, int n);
/* share of 0..1, negative: empty. */
void monitor_draw_bar(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
                      int column, int n_columns, double share);

/* A frame with a title above and a note below (NULL: none); returns what is inside. */
struct monitor_area monitor_draw_box(const struct monitor_canvas *canvas,
                                     const struct monitor_area *area, const char *title,
                                     const char *note);
/* The whole line, in the style of the first and the last. */
void monitor_draw_line(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       int row);

#endif
