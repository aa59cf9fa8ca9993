#include "app/monitor_draw.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/monitor_text.h"
#include "app/safe_text.h"
#include "base/utf8.h"

#define TEXT_BYTES_MAX 1024

struct look {
    short color; /* -1: the terminal's own */
    attr_t attributes, without_color;
};

static const struct look looks[MONITOR_STYLE_COUNT] = {
    [MONITOR_STYLE_PLAIN] = {-1, A_NORMAL, A_NORMAL},
    [MONITOR_STYLE_BOLD] = {-1, A_BOLD, A_BOLD},
    [MONITOR_STYLE_DIM] = {-1, A_DIM, A_DIM},
    [MONITOR_STYLE_FRAME] = {COLOR_BLUE, A_NORMAL, A_DIM},
    [MONITOR_STYLE_BAR] = {-1, A_REVERSE, A_REVERSE},
    [MONITOR_STYLE_ACCENT] = {COLOR_CYAN, A_NORMAL, A_NORMAL},
    [MONITOR_STYLE_GOOD] = {COLOR_GREEN, A_NORMAL, A_NORMAL},
    [MONITOR_STYLE_WARNING] = {COLOR_YELLOW, A_NORMAL, A_BOLD},
    [MONITOR_STYLE_BAD] = {COLOR_RED, A_BOLD, A_BOLD},
};

void monitor_draw_start_colors(void)
{
    start_color();
    use_default_colors();
    for (int i = 0; i < MONITOR_STYLE_COUNT; i++)
        if (looks[i].color >= 0)
            init_pair((short)(i + 1), looks[i].color, -1);
}

static void set_style(const struct monitor_canvas *canvas, enum monitor_style style)
{
    const struct look *look = &looks[style];
    if (!canvas->has_color)
        attr_set(look->without_color, 0, NULL);
    else
        attr_set(look->attributes, (short)(look->color >= 0 ? (int)style + 1 : 0), NULL);
}

/* Bytes of as many characters as fit in n_columns; *out_n columns. */
static size_t fit(const char *text, int n_columns, int *out_n)
{
    size_t at = 0, len = strlen(text);
    *out_n = 0;
    while (at < len) {
        uint32_t codepoint;
        size_t n = utf8_decode(text + at, len - at, &codepoint);
        int width = (int)safe_text_width(text + at, n);
        if (*out_n + width > n_columns)
            break;
        at += n;
        *out_n += width;
    }
    return at;
}

static int put(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
               int column, enum monitor_style style, const char *text)
{
    int n = 0;
    if (row < 0 || row >= area->n_rows || column < 0 || column >= area->n_columns)
        return column;
    size_t len = fit(text, area->n_columns - column, &n);
    set_style(canvas, style);
    mvaddnstr(area->y + row, area->x + column, text, (int)len);
    return column + n;
}

int monitor_draw(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
                 int column, enum monitor_style style, const char *format, ...)
{
    char text[TEXT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return put(canvas, area, row, column, style, text);
}

void monitor_draw_right(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        int row, int column, int n_columns, enum monitor_style style,
                        const char *text)
{
    int n = 0;
    fit(text, n_columns, &n);
    put(canvas, area, row, column + n_columns - n, style, text);
}

void monitor_draw_spark(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        int row, int column, const double *bins, int n)
{
    for (int i = 0; i < n; i++)
        put(canvas, area, row, column + i, MONITOR_STYLE_ACCENT,
            monitor_text_spark(bins[i], canvas->is_utf8));
}

void monitor_draw_bar(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
                      int column, int n_columns, double share)
{
    int n_full = share > 0 ? (int)(share * n_columns) : 0;
    const char *full = canvas->is_utf8 ? "█" : "#", *empty = canvas->is_utf8 ? "░" : ".";
    for (int i = 0; i < n_columns; i++)
        put(canvas, area, row, column + i, i < n_full ? MONITOR_STYLE_ACCENT : MONITOR_STYLE_DIM,
            i < n_full ? full : empty);
}

/* ---- frames ---- */

struct frame {
    const char *across, *down, *top_left, *top_right, *bottom_left, *bottom_right;
};

static void draw_edge(const struct monitor_canvas *canvas, const struct monitor_area *area, int row,
                      const char *left, const char *across, const char *right)
{
    for (int i = 1; i < area->n_columns - 1; i++)
        put(canvas, area, row, i, MONITOR_STYLE_FRAME, across);
    put(canvas, area, row, 0, MONITOR_STYLE_FRAME, left);
    put(canvas, area, row, area->n_columns - 1, MONITOR_STYLE_FRAME, right);
}

/* Between the corners, a blank on each side. */
static void draw_label(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       int row, enum monitor_style style, const char *text)
{
    struct monitor_area edge = {area->y + row, area->x + 2, 1, area->n_columns - 4};
    if (!text || !*text || edge.n_columns < 3)
        return;
    struct monitor_area inside = {edge.y, edge.x + 1, 1, edge.n_columns - 2};
    int n = put(canvas, &inside, 0, 0, style, text);
    put(canvas, &edge, 0, 0, MONITOR_STYLE_PLAIN, " ");
    put(canvas, &edge, 0, n + 1, MONITOR_STYLE_PLAIN, " ");
}

struct monitor_area monitor_draw_box(const struct monitor_canvas *canvas,
                                     const struct monitor_area *area, const char *title,
                                     const char *note)
{
    static const struct frame frames[] = {{"-", "|", "+", "+", "+", "+"},
                                          {"─", "│", "┌", "┐", "└", "┘"}};
    const struct frame *f = &frames[canvas->is_utf8];
    int last = area->n_rows - 1;
    draw_edge(canvas, area, 0, f->top_left, f->across, f->top_right);
    for (int i = 1; i < last; i++) {
        put(canvas, area, i, 0, MONITOR_STYLE_FRAME, f->down);
        put(canvas, area, i, area->n_columns - 1, MONITOR_STYLE_FRAME, f->down);
    }
    draw_edge(canvas, area, last, f->bottom_left, f->across, f->bottom_right);
    draw_label(canvas, area, 0, MONITOR_STYLE_BOLD, title);
    draw_label(canvas, area, last, MONITOR_STYLE_WARNING, note);
    return (struct monitor_area){area->y + 1, area->x + 1, area->n_rows - 2, area->n_columns - 2};
}

void monitor_draw_line(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       int row)
{
    for (int i = 0; i < area->n_columns; i++)
        put(canvas, area, row, i, MONITOR_STYLE_BAR, " ");
}
