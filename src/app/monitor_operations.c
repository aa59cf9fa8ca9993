#include "app/monitor_operations.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/monitor_text.h"

enum { CELL_BYTES = 64, BAR_COLUMNS_MIN = 10, BAR_COLUMNS_MAX = 48 };

struct column {
    const char *title;
    int n_columns, rank; /* rank: the highest is left out first */
    bool is_left;
    void (*write)(const struct monitor_row *row, char *out); /* NULL: the bar */
};

static void write_process(const struct monitor_row *row, char *out)
{
    snprintf(out, CELL_BYTES, "%" PRId64, row->process_id);
}

static void write_command(const struct monitor_row *row, char *out)
{
    snprintf(out, CELL_BYTES, "%.10s", row->operation.name);
}

static void write_stage(const struct monitor_row *row, char *out)
{
    snprintf(out, CELL_BYTES, "%.8s", *row->operation.stage ? row->operation.stage : "-");
}

static void write_done(const struct monitor_row *row, char *out)
{
    char done[MONITOR_TEXT_BYTES], total[MONITOR_TEXT_BYTES];
    monitor_text_count(row->operation.n_done, done);
    monitor_text_count(row->operation.n_total, total);
    if (row->operation.n_total)
        snprintf(out, CELL_BYTES, "%s/%s", done, total);
    else
        snprintf(out, CELL_BYTES, "%s", row->operation.n_done ? done : "-");
}

static void write_share(const struct monitor_row *row, char *out)
{
    monitor_text_share(row->operation.n_done, row->operation.n_total, out);
}

static void write_rate(const struct monitor_row *row, char *out)
{
    if (row->rate < 0 || !*row->operation.stage)
        snprintf(out, CELL_BYTES, "-");
    else
        monitor_text_rate(row->rate, out);
}

static void write_left(const struct monitor_row *row, char *out)
{
    monitor_text_duration(row->left_ms, out);
}

static void write_age(const struct monitor_row *row, char *out)
{
    monitor_text_duration(row->age_ms, out);
}

static void write_memory(const struct monitor_row *row, char *out)
{
    if (row->resident_bytes)
        monitor_text_size((double)row->resident_bytes, out);
    else
        snprintf(out, CELL_BYTES, "-");
}

static void write_part(uint64_t part_bytes, uint64_t whole_bytes, char *out)
{
    char part[MONITOR_TEXT_BYTES], whole[MONITOR_TEXT_BYTES];
    monitor_text_size((double)part_bytes, part);
    monitor_text_size((double)whole_bytes, whole);
    if (whole_bytes)
        snprintf(out, CELL_BYTES, "%s of %s", part, whole);
    else
        snprintf(out, CELL_BYTES, "-");
}

static void write_bytes(const struct monitor_row *row, char *out)
{
    write_part(row->operation.n_bytes_done, row->operation.n_bytes_total, out);
}

static void write_queued(const struct monitor_row *row, char *out)
{
    monitor_text_count(row->operation.n_queued, out);
}

static void write_budget(const struct monitor_row *row, char *out)
{
    write_part(row->operation.memory_bytes, row->operation.memory_bytes_max, out);
}

static void write_governor(const struct monitor_row *row, char *out)
{
    snprintf(out, CELL_BYTES, "%s",
             *row->operation.memory_state ? row->operation.memory_state : "-");
}

static void write_told(const struct monitor_row *row, char *out)
{
    monitor_text_duration(*row->operation.stage ? row->silent_ms : -1, out);
}

static const struct column columns[] = {
    {"PROCESS", 7, 6, false, write_process},
    {"COMMAND", 10, 0, true, write_command},
    {"STAGE", 8, 2, true, write_stage},
    {"PROGRESS", BAR_COLUMNS_MIN, 10, true, NULL},
    {"DONE", 11, 3, false, write_done},
    {"%", MONITOR_PERCENT_COLUMNS, 1, false, write_share},
    {"RATE", MONITOR_RATE_COLUMNS, 2, false, write_rate},
    {"LEFT", MONITOR_DURATION_COLUMNS, 4, false, write_left},
    {"AGE", MONITOR_DURATION_COLUMNS, 5, false, write_age},
    {"TOLD", MONITOR_DURATION_COLUMNS, 13, false, write_told},
    {"READ", 20, 9, false, write_bytes},
    {"QUEUED", 6, 11, false, write_queued},
    {"MEMORY", MONITOR_SIZE_COLUMNS, 7, false, write_memory},
    {"OF ITS BUDGET", 20, 8, false, write_budget},
    {"GOVERNOR", 8, 12, true, write_governor},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0], RANK_MAX = 13 };

/* What is left over goes to the bar. */
static void choose(int n_columns, int widths[N_COLUMNS])
{
    int n_left = n_columns - 1, bar = -1;
    for (int i = 0; i < N_COLUMNS; i++)
        widths[i] = 0;
    for (int rank = 0; rank <= RANK_MAX; rank++)
        for (int i = 0; i < N_COLUMNS; i++) {
            if (columns[i].rank != rank)
                continue;
            if (columns[i].n_columns + 1 > n_left)
                return;
            widths[i] = columns[i].n_columns;
            n_left -= widths[i] + 1;
            bar = columns[i].write ? bar : i;
        }
    if (bar >= 0)
        widths[bar] +=
            n_left < BAR_COLUMNS_MAX - BAR_COLUMNS_MIN ? n_left : BAR_COLUMNS_MAX - BAR_COLUMNS_MIN;
}

static void draw_cell(const struct monitor_canvas *canvas, const struct monitor_area *area, int y,
                      int x, int width, const struct column *column, const struct monitor_row *row)
{
    char cell[CELL_BYTES];
    const struct operation *o = &row->operation;
    if (!column->write) {
        double share = o->n_total ? (double)o->n_done / (double)o->n_total : -1;
        monitor_draw_bar(canvas, area, y, x, width, share > 1 ? 1 : share);
        return;
    }
    column->write(row, cell);
    if (column->is_left)
        monitor_draw(canvas, area, y, x, MONITOR_STYLE_PLAIN, "%s", cell);
    else
        monitor_draw_right(canvas, area, y, x, width, MONITOR_STYLE_PLAIN, cell);
}

int monitor_draw_operations(const struct monitor_canvas *canvas, const struct monitor_area *area,
                            const struct monitor_model *model, size_t first)
{
    int widths[N_COLUMNS], x = 1, n_rows = area->n_rows - 1;
    choose(area->n_columns, widths);
    for (int i = 0; i < N_COLUMNS; i++) {
        if (!widths[i])
            continue;
        if (columns[i].is_left)
            monitor_draw(canvas, area, 0, x, MONITOR_STYLE_DIM, "%s", columns[i].title);
        else
            monitor_draw_right(canvas, area, 0, x, widths[i], MONITOR_STYLE_DIM, columns[i].title);
        for (int y = 0; y < n_rows && first + (size_t)y < model->n_rows; y++)
            draw_cell(canvas, area, y + 1, x, widths[i], &columns[i],
                      &model->rows[first + (size_t)y]);
        x += widths[i] + 1;
    }
    return n_rows < 0 ? 0 : n_rows;
}
