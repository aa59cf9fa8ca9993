/* app/monitor_screen.h - the terminal while the monitor has it, over curses. One at a time in a
 * process, one thread. */
#ifndef RAGGED_APP_MONITOR_SCREEN_H
#define RAGGED_APP_MONITOR_SCREEN_H

#include "app/monitor_draw.h"
#include "app/monitor_model.h"

enum { MONITOR_ROWS_MIN = 24, MONITOR_COLUMNS_MIN = 80 };

/* What is to be seen. */
struct monitor_face {
    const struct monitor_model *model;
    const char *folder; /* of the library; any bytes */
    double interval_s;
    bool is_paused, is_helping, is_typing; /* is_typing: the filter, model->filter so far */
    bool has_log;
    size_t first; /* operation in the first row */
};

struct monitor_screen {
    struct monitor_canvas canvas;
    void *terminal; /* of curses */
};

/* INVALID: nothing can be drawn on this terminal. */
enum status monitor_screen_open(struct monitor_screen *screen, bool has_color,
                                struct error *err) MUST_USE;
void monitor_screen_close(struct monitor_screen *screen); /* not open is fine */

/* Returns the number of operations that have room. */
size_t monitor_screen_draw(const struct monitor_screen *screen, const struct monitor_face *face);

enum monitor_key {
    MONITOR_KEY_NONE = -1, /* nothing was typed */
    MONITOR_KEY_OTHER = 0x100,
    MONITOR_KEY_UP,
    MONITOR_KEY_DOWN,
    MONITOR_KEY_BACK,
    MONITOR_KEY_ENTER,
    MONITOR_KEY_ESCAPE
};
/* A character of ASCII or an enum monitor_key; never waits. */
int monitor_screen_key(void);

#endif
