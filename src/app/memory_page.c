#include "app/memory_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "page/chart.h"
#include "page/page.h"

enum { LINES = 6, PLACES_SHOWN = 60, CELLS = 6 };

#define MIB(bytes) ((double)(bytes) / 1048576.0)

/* ---- over time ---- */

static double bytes_of(const struct memory_look *look, const struct memory_report *report,
                       size_t i_line)
{
    if (i_line == 0)
        return MIB(look->resident_bytes);
    if (i_line == 1)
        return MIB(look->heap_bytes);
    return MIB(look->subsystem_bytes[report->order[i_line - 2]]);
}

static void add_time(struct buf *out, const struct memory_report *report,
                     const struct memory_look *looks, size_t n_looks, struct svg_point *points)
{
    static const struct chart_text text = {
        .title = "Memory over time",
        .description = "Lines of the resident memory, of all blocks held, and of the subsystems "
                       "that held most.",
        .x_name = "seconds",
        .y_name = "MiB",
    };
    struct chart_line lines[LINES] = {{.name = "resident"}, {.name = "held"}};
    size_t n = 2;
    for (; n < LINES && n - 2 < report->n_subsystems; n++)
        lines[n].name = report->subsystems[n - 2].name;
    for (size_t i = 0; i < n; i++) {
        lines[i].points = points + i * n_looks;
        lines[i].n = n_looks;
        for (size_t k = 0; k < n_looks; k++)
            points[i * n_looks + k] =
                (struct svg_point){(double)looks[k].at_us / 1e6, bytes_of(&looks[k], report, i)};
    }
    page_figure_begin(out);
    chart_lines(out, &text, lines, n);
    page_figure_end(out,
                    "Looked at every 2 ms, in a long run less often; held is the highest since "
                    "the look before. What is held and was never written to is not resident.");
}

static void add_blocks(struct buf *out, const struct memory_look *looks, size_t n_looks,
                       struct svg_point *points)
{
    static const struct chart_text text = {
        .title = "Allocations over time",
        .description = "How many blocks had been asked for since the start.",
        .x_name = "seconds",
        .y_name = "blocks so far",
    };
    for (size_t k = 0; k < n_looks; k++)
        points[k] = (struct svg_point){(double)looks[k].at_us / 1e6, (double)looks[k].n_blocks};
    const struct chart_line line = {"blocks", points, n_looks, NULL};
    page_figure_begin(out);
    chart_lines(out, &text, &line, 1);
    page_figure_end(out, "Steep where many blocks are asked for.");
}

/* ---- by subsystem, size and place ---- */

static void add_subsystems(struct buf *out, const struct memory_report *report)
{
    static const struct chart_text text = {
        .title = "The most that each subsystem held",
        .description = "A bar for each subsystem, from 0.",
        .x_name = "MiB, each at its own time",
    };
    struct chart_bar bars[MEM_SUBSYSTEMS_MAX];
    for (size_t i = 0; i < report->n_subsystems; i++)
        bars[i] = (struct chart_bar){.name = report->subsystems[i].name,
                                     .value = MIB(report->subsystems[i].count.peak_bytes),
                                     .low = NAN,
                                     .high = NAN};
    page_figure_begin(out);
    chart_bars(out, &text, bars, report->n_subsystems, NULL, 0);
    page_figure_end(out, "A subsystem is a folder of the source, or a library that allocates "
                         "through this program.");
}

static void add_sizes(struct buf *out, const struct memory_report *report)
{
    static const struct chart_text text = {
        .title = "Blocks by size",
        .description = "How many blocks of which size were asked for.",
        .x_name = "bytes",
        .y_name = "blocks",
        .is_x_log = true,
    };
    struct chart_column columns[MEM_SIZE_CLASSES];
    for (size_t i = 0; i < MEM_SIZE_CLASSES; i++)
        columns[i] = (struct chart_column){i ? ldexp(1, (int)i - 1) : 0.5, ldexp(1, (int)i),
                                           (double)report->size_classes[i]};
    page_figure_begin(out);
    chart_columns(out, &text, columns, MEM_SIZE_CLASSES);
    page_figure_end(out, "A column is of one power of two to the next.");
}

static void add_row(struct buf *out, const char *name, const struct mem_count *count)
{
    char peak[32], current[32], held[32], blocks[32], bytes[32];
    memory_size_format((int64_t)count->peak_bytes, peak);
    memory_size_format((int64_t)count->current_bytes, current);
    memory_size_format((int64_t)count->n_bytes, bytes);
    snprintf(held, sizeof held, "%" PRIu64, count->n_current);
    snprintf(blocks, sizeof blocks, "%" PRIu64, count->n_blocks);
    page_table_row(out, (const char *const[]){name, peak, current, held, blocks, bytes}, CELLS);
}

static void add_tables(struct buf *out, const struct memory_report *report)
{
    static const char *const subsystems[CELLS] = {"subsystem",     "peak",   "at end",
                                                  "blocks at end", "blocks", "of bytes"};
    static const char *const places[CELLS] = {"who asked",     "peak",   "at end",
                                              "blocks at end", "blocks", "of bytes"};
    page_table_begin(out, subsystems, CELLS);
    for (size_t i = 0; i < report->n_subsystems; i++)
        add_row(out, report->subsystems[i].name, &report->subsystems[i].count);
    add_row(out, "all", &report->total);
    page_table_end(out);
    page_heading(out, "Still held at the end");
    if (report->total.n_current == 0)
        page_text(out, "Nothing.");
    else
        page_table_begin(out, places, CELLS);
    for (size_t i = 0; i < report->n_places; i++)
        if (report->places[i].count.n_current)
            add_row(out, report->places[i].name, &report->places[i].count);
    if (report->total.n_current)
        page_table_end(out);
    page_heading(out, "Who asked for most");
    page_table_begin(out, places, CELLS);
    for (size_t i = 0; i < report->n_places && i < PLACES_SHOWN; i++)
        add_row(out, report->places[i].name, &report->places[i].count);
    page_table_end(out);
}

static void add_parts(struct buf *out, const struct memory_report *report)
{
    static const char *const heads[] = {"resident memory at the highest look", "size"};
    struct memory_part_row rows[MEMORY_PART_ROWS];
    char size[32];
    memory_report_parts(report, rows);
    page_heading(out, "What the resident memory was made of");
    page_table_begin(out, heads, 2);
    for (const struct memory_part_row *row = rows; row->name; row++) {
        memory_size_format(row->bytes, size);
        page_table_row(out, (const char *const[]){row->name, size}, 2);
    }
    memory_size_format((int64_t)report->parts.resident_bytes, size);
    page_table_row(out, (const char *const[]){"all of it", size}, 2);
    memory_size_format((int64_t)report->peak_bytes, size);
    page_table_row(out, (const char *const[]){"peak, as the system counted it", size}, 2);
    if (report->child_peak_bytes) {
        memory_size_format((int64_t)report->child_peak_bytes, size);
        page_table_row(
            out, (const char *const[]){"peak of the largest process that was started", size}, 2);
    }
    page_table_end(out);
}

enum status memory_page_write(const char *path, const struct memory_report *report,
                              const struct memory_watch *watch, struct error *err)
{
    struct buf page = {0}, lead = {0};
    size_t n_looks;
    const struct memory_look *looks = memory_watch_looks(watch, &n_looks);
    struct svg_point *points = mem_array(n_looks * LINES, sizeof *points);
    if (!points)
        return error_nomem(err);
    buf_printf(&lead, "ragged %s, exit code %d, %.1f seconds with every block booked.",
               report->command, report->exit_code, (double)report->took_us / 1e6);
    page_begin(&page, "Memory of a run", buf_text(&lead));
    add_time(&page, report, looks, n_looks, points);
    add_blocks(&page, looks, n_looks, points);
    page_heading(&page, "By subsystem and size");
    add_subsystems(&page, report);
    add_sizes(&page, report);
    add_tables(&page, report);
    add_parts(&page, report);
    page_end(&page);
    enum status status = buf_status(&lead, err);
    if (!status)
        status = page_write(path, &page, err);
    mem_free(points);
    buf_clear(&lead);
    buf_clear(&page);
    return status;
}
