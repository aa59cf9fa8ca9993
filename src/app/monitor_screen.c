#include "app/monitor_screen.h"

#include <curses.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/monitor_operations.h"
#include "app/monitor_panels.h"
#include "app/monitor_text.h"
#include "app/safe_text.h"
#include "base/utf8.h"

enum { ESCAPE_MS = 25, WIDE_COLUMNS = 140, WIDE_ROWS = 32 };

/* ---- the terminal ---- */

enum status monitor_screen_open(struct monitor_screen *screen, bool has_color, struct error *err)
{
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        error_set(err, STATUS_INVALID, "nothing can be drawn on this terminal");
        error_hint(err, "set TERM to its kind; `ragged monitor --once` prints the same once");
        return STATUS_INVALID;
    }
    *screen = (struct monitor_screen){
        .canvas = {.is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                   .has_color = has_color && has_colors()},
        .terminal = terminal,
    };
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    if (screen->canvas.has_color)
        monitor_draw_start_colors();
    return STATUS_OK;
}

void monitor_screen_close(struct monitor_screen *screen)
{
    if (!screen->terminal)
        return;
    endwin();
    delscreen(screen->terminal);
    screen->terminal = NULL;
}

int monitor_screen_key(void)
{
    static const struct {
        int typed, key;
    } keys[] = {{KEY_UP, MONITOR_KEY_UP},          {KEY_DOWN, MONITOR_KEY_DOWN},
                {KEY_BACKSPACE, MONITOR_KEY_BACK}, {'\b', MONITOR_KEY_BACK},
                {127, MONITOR_KEY_BACK},           {KEY_ENTER, MONITOR_KEY_ENTER},
                {'\r', MONITOR_KEY_ENTER},         {'\n', MONITOR_KEY_ENTER},
                {27, MONITOR_KEY_ESCAPE},          {ERR, MONITOR_KEY_NONE}};
    int typed = getch();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].typed == typed)
            return keys[i].key;
    return typed >= ' ' && typed <= '~' ? typed : MONITOR_KEY_OTHER;
}

/* ---- the first two lines and the last ---- */

/* The end of a path says more than its beginning. */
static void shorten(const char *path, int n_columns, struct buf *out)
{
    struct buf safe = {0};
    safe_text_append(&safe, path, strlen(path), SAFE_FORM_LINE);
    const char *text = buf_text(&safe);
    size_t len = safe.len, at = 0;
    if (safe_text_width(text, len) > (size_t)n_columns)
        buf_append_text(out, "...");
    while (at < len && safe_text_width(text + at, len - at) + out->len > (size_t)n_columns) {
        uint32_t codepoint;
        at += utf8_decode(text + at, len - at, &codepoint);
    }
    buf_append(out, text + at, len - at);
    buf_clear(&safe);
}

static void draw_title(const struct monitor_canvas *canvas, const struct monitor_area *area,
                       const struct monitor_face *face)
{
    static const char name[] = "ragged monitor  ";
    char right[64], when[16] = "";
    time_t now = (time_t)(face->model->sample.wall_ms / 1000);
    struct tm local;
    if (localtime_r(&now, &local))
        strftime(when, sizeof when, "%H:%M:%S", &local);
    int n = snprintf(right, sizeof right, "%severy %g s  %s ", face->is_paused ? "PAUSED  " : "",
                     face->interval_s, when);
    struct buf folder = {0};
    int n_room = area->n_columns - (int)sizeof name - n - 2;
    if (n_room > 0)
        shorten(face->folder, n_room, &folder);
    monitor_draw_line(canvas, area, 0);
    monitor_draw(canvas, area, 0, 1, MONITOR_STYLE_BAR, "%s%s", name, buf_text(&folder));
    if (n < area->n_columns - (int)sizeof name)
        monitor_draw_right(canvas, area, 0, area->n_columns - n, n, MONITOR_STYLE_BAR, right);
    buf_clear(&folder);
}

static void draw_library(const struct monitor_canvas *canvas, const struct monitor_area *area,
                         const struct monitor_library *library)
{
    char documents[MONITOR_TEXT_BYTES], passages[MONITOR_TEXT_BYTES], due[MONITOR_TEXT_BYTES];
    if (!library->is_known) {
        monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_WARNING, "the library can't be counted");
        return;
    }
    monitor_text_count(library->n_documents, documents);
    monitor_text_count(library->n_passages, passages);
    monitor_text_count(library->n_missing_vectors, due);
    int next = monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_PLAIN, "%s docs, %s passages",
                            documents, passages);
    if (library->n_missing_vectors)
        monitor_draw(canvas, area, 1, next, MONITOR_STYLE_PLAIN, ", %s vectors due", due);
}

static enum monitor_style style_of_share(double share)
{
    return share > .95   ? MONITOR_STYLE_BAD
           : share > .85 ? MONITOR_STYLE_WARNING
                         : MONITOR_STYLE_PLAIN;
}

/* Shares that are used, from the right edge on. */
static void draw_machine(const struct monitor_canvas *canvas, const struct monitor_area *area,
                         const struct monitor_model *model)
{
    enum { COLUMNS = 8 };
    const struct monitor_machine *m = &model->sample.machine;
    const struct {
        const char *name;
        double share;
        bool is_scarce; /* a busy processor is no worry */
    } parts[] = {
        {"disk", m->disk_bytes ? 1 - (double)m->disk_free_bytes / (double)m->disk_bytes : -1, true},
        {"mem", m->memory_bytes ? 1 - (double)m->memory_free_bytes / (double)m->memory_bytes : -1,
         true},
        {"cpu", model->cpu_share, false},
    };
    int x = area->n_columns - 1;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char text[16];
        if (parts[i].share < 0)
            snprintf(text, sizeof text, "-");
        else
            snprintf(text, sizeof text, "%.0f%%", floor(parts[i].share * 100 + .5));
        x -= MONITOR_PERCENT_COLUMNS;
        monitor_draw_right(
            canvas, area, 1, x, MONITOR_PERCENT_COLUMNS,
            parts[i].is_scarce ? style_of_share(parts[i].share) : MONITOR_STYLE_PLAIN, text);
        x -= (int)strlen(parts[i].name) + 1;
        monitor_draw(canvas, area, 1, x, MONITOR_STYLE_DIM, "%s", parts[i].name);
        x -= 2;
    }
}

static void draw_keys(const struct monitor_canvas *canvas, const struct monitor_area *area,
                      const struct monitor_face *face)
{
    int last = area->n_rows - 1;
    monitor_draw_line(canvas, area, last);
    if (face->is_typing)
        monitor_draw(canvas, area, last, 1, MONITOR_STYLE_BAR, "show only: %s_   (Enter, Esc)",
                     face->model->filter);
    else
        monitor_draw(canvas, area, last, 1, MONITOR_STYLE_BAR,
                     area->n_columns >= MONITOR_COLUMNS_MIN
                         ? "q quit  p pause  s sort  / filter  l latencies  +- interval  h help"
                         : "q quit  h help");
}

static void draw_help(const struct monitor_canvas *canvas, const struct monitor_area *screen)
{
    static const char *const lines[] = {
        "q        quit",
        "p        pause, and go on",
        "s        sort operations by rate, age, command",
        "/        show only operations with these letters",
        "Up Down  move through the operations",
        "l        latencies of all time, of the last minute",
        "+ -      look less often, more often",
        "h        this help",
        "",
        "Rates are means of 10 seconds. LEFT is what the",
        "operation expects, all stages included, or more",
        "when its rate says so; TOLD, since it told last.",
        "Memory and governor are of the fullest process.",
    };
    enum { N_LINES = sizeof lines / sizeof lines[0], N_COLUMNS = 54 };
    struct monitor_area box = {
        screen->n_rows > N_LINES + 2 ? (screen->n_rows - N_LINES - 2) / 2 : 0,
        screen->n_columns > N_COLUMNS ? (screen->n_columns - N_COLUMNS) / 2 : 0,
        screen->n_rows < N_LINES + 2 ? screen->n_rows : N_LINES + 2,
        screen->n_columns < N_COLUMNS ? screen->n_columns : N_COLUMNS};
    struct monitor_area inside = monitor_draw_box(canvas, &box, "keys", NULL);
    for (int i = 0; i < inside.n_rows; i++) {
        monitor_draw(canvas, &inside, i, 0, MONITOR_STYLE_PLAIN, "%*s", inside.n_columns, "");
        monitor_draw(canvas, &inside, i, 2, MONITOR_STYLE_PLAIN, "%s", lines[i]);
    }
}

/* ---- panels ---- */

static void say_nothing_runs(const struct monitor_canvas *canvas, const struct monitor_area *area,
                             const struct monitor_model *model)
{
    const struct error *counters = &model->sample.counters;
    if (counters->status == STATUS_NOT_FOUND)
        monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_DIM,
                     "nobody has counted here yet: the first command begins");
    else if (counters->status == STATUS_FORMAT)
        monitor_draw(
            canvas, area, 1, 1, MONITOR_STYLE_WARNING,
            "the counters are damaged, or of another version: the next command mends them");
    else if (counters->status)
        monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_BAD, "the counters can't be read: %s",
                     status_text(counters->status));
    else if (model->n_hidden)
        monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_DIM, "none that the filter lets through");
    else
        monitor_draw(canvas, area, 1, 1, MONITOR_STYLE_DIM, "nothing runs");
}

static size_t draw_operations(const struct monitor_canvas *canvas, const struct monitor_area *area,
                              const struct monitor_face *face)
{
    const struct monitor_model *model = face->model;
    char title[96], note[64] = "";
    int n_room = area->n_rows - 3;
    size_t n_below = model->n_rows - face->first;
    n_below = n_below > (size_t)n_room ? n_below - (size_t)n_room : 0;
    snprintf(title, sizeof title,
             model->filter[0] ? "operations by %s, only \"%s\"" : "operations by %s",
             monitor_sort_name(model->sort), model->filter);
    if (n_below || face->first)
        snprintf(note, sizeof note, "%zu above, %zu below", face->first, n_below);
    struct monitor_area inside = monitor_draw_box(canvas, area, title, note);
    int n = monitor_draw_operations(canvas, &inside, model, face->first);
    if (model->n_rows == 0)
        say_nothing_runs(canvas, &inside, model);
    return (size_t)n;
}

static void draw_events(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_face *face)
{
    struct monitor_area inside = monitor_draw_box(
        canvas, area, face->has_log ? "warnings and errors in the log" : "the log is off", NULL);
    if (face->has_log)
        monitor_draw_events(canvas, &inside, face->model);
}

static void draw_latencies(const struct monitor_canvas *canvas, const struct monitor_area *area,
                           const struct monitor_model *model)
{
    struct monitor_area inside = monitor_draw_box(
        canvas, area, model->is_recent ? "latency, last minute" : "latency, all time", NULL);
    monitor_draw_latencies(canvas, &inside, model);
}

typedef void draw_panel(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model);

static void draw_framed(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const char *title, draw_panel *draw, const struct monitor_model *model)
{
    struct monitor_area inside = monitor_draw_box(canvas, area, title, NULL);
    draw(canvas, &inside, model);
}

static void draw_counters(const struct monitor_canvas *canvas, const struct monitor_area *area,
                          const struct monitor_model *model)
{
    char note[48] = "";
    struct monitor_area frame = monitor_draw_box(canvas, area, "counted, all time", NULL);
    int n_more = monitor_draw_counters(canvas, &frame, model);
    if (n_more) {
        snprintf(note, sizeof note, "%d more: --once", n_more);
        monitor_draw_box(canvas, area, "counted, all time", note);
    }
}

/* ---- layouts ---- */

#define FLOWS_TITLE "throughput"
#define STATE_TITLE "memory, caches, servers"

/* Two columns below the operations. */
static size_t draw_narrow(const struct monitor_canvas *canvas, const struct monitor_area *all,
                          const struct monitor_face *face)
{
    enum { STATE = MONITOR_STATE_ROWS + 2, LATENCY = MONITOR_LATENCY_ROWS + 2, BELOW_MIN = 15 };
    int n_extra = all->n_rows - MONITOR_ROWS_MIN, n_top = 6 + n_extra / 2;
    int below = 2 + n_top, n_below = all->n_rows - 1 - below;
    int n_left = all->n_columns * 7 / 16, n_right = all->n_columns - n_left;
    struct monitor_area top = {2, 0, n_top, all->n_columns};
    struct monitor_area flows = {below, 0, n_below - STATE, n_left};
    struct monitor_area state = {below + flows.n_rows, 0, STATE, n_left};
    struct monitor_area latency = {below, n_left, LATENCY, n_right};
    struct monitor_area events = {below + LATENCY, n_left, n_below - LATENCY, n_right};
    size_t n = draw_operations(canvas, &top, face);
    draw_framed(canvas, &flows, FLOWS_TITLE, monitor_draw_flows, face->model);
    draw_framed(canvas, &state, STATE_TITLE, monitor_draw_state, face->model);
    draw_latencies(canvas, &latency, face->model);
    draw_events(canvas, &events, face);
    return n;
}

/* Three side by side, and room for all counters. */
static size_t draw_wide(const struct monitor_canvas *canvas, const struct monitor_area *all,
                        const struct monitor_face *face)
{
    enum { MIDDLE = MONITOR_LATENCY_ROWS + 2 };
    int n_top = (all->n_rows - 3 - MIDDLE) * 2 / 5, middle = 2 + n_top, bottom = middle + MIDDLE;
    int n_state = 38, n_flows = (all->n_columns - n_state) * 9 / 20;
    int n_latency = all->n_columns - n_state - n_flows, n_half = all->n_columns / 2;
    struct monitor_area top = {2, 0, n_top, all->n_columns};
    struct monitor_area flows = {middle, 0, MIDDLE, n_flows};
    struct monitor_area state = {middle, n_flows, MIDDLE, n_state};
    struct monitor_area latency = {middle, n_flows + n_state, MIDDLE, n_latency};
    struct monitor_area events = {bottom, 0, all->n_rows - 1 - bottom, n_half};
    struct monitor_area counters = {bottom, n_half, all->n_rows - 1 - bottom,
                                    all->n_columns - n_half};
    size_t n = draw_operations(canvas, &top, face);
    draw_framed(canvas, &flows, FLOWS_TITLE, monitor_draw_flows, face->model);
    draw_framed(canvas, &state, STATE_TITLE, monitor_draw_state, face->model);
    draw_latencies(canvas, &latency, face->model);
    draw_events(canvas, &events, face);
    draw_counters(canvas, &counters, face->model);
    return n;
}

static size_t draw_small(const struct monitor_canvas *canvas, const struct monitor_area *all,
                         const struct monitor_face *face)
{
    struct monitor_area rows = {1, 0, all->n_rows - 2, all->n_columns};
    monitor_draw(canvas, all, 0, 0, MONITOR_STYLE_WARNING, "%dx%d: all is seen from %dx%d on",
                 all->n_columns, all->n_rows, MONITOR_COLUMNS_MIN, MONITOR_ROWS_MIN);
    size_t n = (size_t)monitor_draw_operations(canvas, &rows, face->model, face->first);
    if (face->model->n_rows == 0)
        say_nothing_runs(canvas, &rows, face->model);
    return n;
}

size_t monitor_screen_draw(const struct monitor_screen *screen, const struct monitor_face *face)
{
    const struct monitor_canvas *canvas = &screen->canvas;
    struct monitor_area all = {0, 0, getmaxy(stdscr), getmaxx(stdscr)};
    bool is_small = all.n_rows < MONITOR_ROWS_MIN || all.n_columns < MONITOR_COLUMNS_MIN;
    size_t n;
    erase();
    if (is_small) {
        n = draw_small(canvas, &all, face);
    } else {
        draw_title(canvas, &all, face);
        draw_library(canvas, &all, &face->model->sample.library);
        draw_machine(canvas, &all, face->model);
        n = all.n_columns >= WIDE_COLUMNS && all.n_rows >= WIDE_ROWS
                ? draw_wide(canvas, &all, face)
                : draw_narrow(canvas, &all, face);
    }
    draw_keys(canvas, &all, face);
    if (face->is_helping)
        draw_help(canvas, &all);
    refresh();
    return n;
}
