#include "app/memory_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/format.h"
#include "base/code.h"
#include "base/mem.h"
#include "base/process.h"

enum { PLACES_SHOWN = 15 };

void memory_size_format(int64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = (double)(bytes < 0 ? -bytes : bytes);
    size_t i_unit = 0;
    for (; size >= 1024.0 && i_unit < 4; i_unit++)
        size /= 1024.0;
    snprintf(out, 32, "%s%.*f %s", bytes < 0 ? "-" : "", i_unit ? 1 : 0, size, units[i_unit]);
}

/* ---- collecting ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? 1 : -(a > b);
}

static int compare_places(const void *a, const void *b)
{
    const struct memory_place *x = a, *y = b;
    int order = compare_u64(x->count.peak_bytes, y->count.peak_bytes);
    return order ? order : strcmp(x->name, y->name);
}

static void name_place(struct memory_place *place, const struct code_symbols *symbols,
                       const void *address)
{
    size_t file = address ? code_file_find(address) : CODE_FILE_NONE;
    const char *path = file == CODE_FILE_NONE ? "(a library by itself)" : code_file_path(file);
    size_t offset = 0;
    const char *function = code_symbols_find(symbols, address, &offset);
    if (strncmp(path, "src/", 4) == 0)
        path += 4;
    if (function)
        snprintf(place->name, sizeof place->name, "%s %s+0x%zx", path, function, offset);
    else
        snprintf(place->name, sizeof place->name, "%s", path);
}

static enum status collect_places(struct memory_report *report, const struct mem_account *account,
                                  struct error *err)
{
    struct mem_site *sites = NULL;
    struct code_symbols *symbols = NULL;
    size_t n = 0;
    enum status status = mem_account_sites(account, &sites, &n, err);
    if (!status && n > 0) {
        report->places = mem_zalloc(n, sizeof *report->places);
        status = report->places ? STATUS_OK : error_nomem(err);
    }
    /* Without names of functions there are still those of files. */
    if (!status && code_symbols_open(&symbols, NULL))
        symbols = NULL;
    for (size_t i = 0; i < n && !status; i++) {
        struct memory_place *place = &report->places[report->n_places++];
        place->i_subsystem = sites[i].i_subsystem;
        place->count = sites[i].count;
        name_place(place, symbols, sites[i].address);
    }
    if (report->n_places)
        qsort(report->places, report->n_places, sizeof *report->places, compare_places);
    code_symbols_close(symbols);
    mem_free(sites);
    return status;
}

/* Few: the simplest sort. */
static void collect_subsystems(struct memory_report *report, const struct mem_account *account)
{
    for (size_t i = 0; i < mem_account_subsystems(account); i++) {
        struct mem_subsystem subsystem;
        mem_account_subsystem(account, i, &subsystem);
        if (subsystem.count.n_blocks == 0)
            continue;
        size_t at = report->n_subsystems++;
        for (; at > 0 && report->subsystems[at - 1].count.peak_bytes < subsystem.count.peak_bytes;
             at--) {
            report->subsystems[at] = report->subsystems[at - 1];
            report->order[at] = report->order[at - 1];
        }
        report->subsystems[at] = subsystem;
        report->order[at] = i;
    }
}

enum status memory_report_init(struct memory_report *report, const struct mem_account *account,
                               const struct memory_watch *watch, struct error *err)
{
    struct rusage children = {0};
    getrusage(RUSAGE_CHILDREN, &children);
    report->peak_bytes = process_peak_bytes(getpid());
    report->child_peak_bytes = (uint64_t)children.ru_maxrss * 1024;
    mem_account_total(account, &report->total);
    report->n_missed = mem_account_missed(account);
    report->parts = *memory_watch_parts(watch);
    for (size_t i = 0; i < MEM_SIZE_CLASSES; i++)
        report->size_classes[i] = mem_account_size_class(account, i);
    collect_subsystems(report, account);
    return collect_places(report, account, err);
}

void memory_report_clear(struct memory_report *report)
{
    mem_free(report->places);
    *report = (struct memory_report){0};
}

void memory_report_parts(const struct memory_report *report,
                         struct memory_part_row out[MEMORY_PART_ROWS])
{
    const struct memory_parts *p = &report->parts;
    const struct memory_part_row rows[MEMORY_PART_ROWS] = {
        {"heap_bytes", "held by the subsystems above", (int64_t)p->heap_bytes},
        {"library_bytes", "malloc for libraries, and its words beside blocks",
         (int64_t)p->library_bytes},
        {"kept_bytes", "free, kept by malloc", (int64_t)p->kept_bytes},
        {"file_bytes", "program, libraries and mapped files", (int64_t)p->file_bytes},
        {"stack_bytes", "stacks of threads", (int64_t)p->stack_bytes},
        {"book_bytes", "the books of this profile", (int64_t)p->book_bytes},
        {"unexplained_bytes", "not explained (below 0: taken, not yet touched)", p->rest_bytes},
        {NULL, NULL, 0},
    };
    memcpy(out, rows, sizeof rows);
}

/* ---- text ---- */

static void print_row(struct output *out, const char *name, const struct mem_count *count)
{
    char peak[32], current[32], all[32];
    memory_size_format((int64_t)count->peak_bytes, peak);
    memory_size_format((int64_t)count->current_bytes, current);
    memory_size_format((int64_t)count->n_bytes, all);
    output_printf(out, "  %-44s %10s %10s %10" PRIu64 " %10s\n", name, peak, current,
                  count->n_blocks, all);
}

static void print_head(struct output *out, const char *what)
{
    output_printf(out, "%-46s %10s %10s %10s %10s\n", what, "peak", "at end", "blocks", "of bytes");
}

static void print_left(const struct memory_report *report, struct output *out)
{
    char size[32];
    memory_size_format((int64_t)report->total.current_bytes, size);
    output_printf(out, "still held at the end: %" PRIu64 " blocks, %s\n", report->total.n_current,
                  size);
    for (size_t i = 0; i < report->n_places; i++) {
        const struct memory_place *place = &report->places[i];
        if (place->count.n_current == 0)
            continue;
        memory_size_format((int64_t)place->count.current_bytes, size);
        output_printf(out, "  %-44s %10s %10" PRIu64 " blocks\n", place->name, size,
                      place->count.n_current);
    }
}

static void print_parts(const struct memory_report *report, struct output *out)
{
    struct memory_part_row rows[MEMORY_PART_ROWS];
    char size[32];
    memory_report_parts(report, rows);
    memory_size_format((int64_t)report->parts.resident_bytes, size);
    output_printf(out, "resident memory at the highest look: %s\n", size);
    for (const struct memory_part_row *row = rows; row->name; row++) {
        memory_size_format(row->bytes, size);
        output_printf(out, "  %-50s %10s\n", row->name, size);
    }
    memory_size_format((int64_t)report->peak_bytes, size);
    output_printf(out, "resident memory at its peak, as the system counted it: %s\n", size);
    memory_size_format((int64_t)report->child_peak_bytes, size);
    if (report->child_peak_bytes)
        output_printf(out, "  and of the largest process that was started: %s\n", size);
}

static void print_sizes(const struct memory_report *report, struct output *out)
{
    output_puts(out, "blocks by size\n");
    for (size_t i = 0; i < MEM_SIZE_CLASSES; i++) {
        char size[32];
        memory_size_format((int64_t)1 << i, size);
        if (report->size_classes[i])
            output_printf(out, "  up to %-10s %10" PRIu64 "\n", size, report->size_classes[i]);
    }
}

void memory_report_print(const struct memory_report *report, struct output *out)
{
    output_printf(out, "memory of ragged %s, %.1f s\n", report->command,
                  (double)report->took_us / 1e6);
    print_head(out, "subsystem");
    for (size_t i = 0; i < report->n_subsystems; i++)
        print_row(out, report->subsystems[i].name, &report->subsystems[i].count);
    print_row(out, "all", &report->total);
    print_head(out, "who asked");
    for (size_t i = 0; i < report->n_places && i < PLACES_SHOWN; i++)
        print_row(out, report->places[i].name, &report->places[i].count);
    if (report->n_places > PLACES_SHOWN)
        output_printf(out, "  and %zu others\n", report->n_places - PLACES_SHOWN);
    print_sizes(report, out);
    print_left(report, out);
    print_parts(report, out);
    if (report->n_missed)
        output_printf(out, "not booked, for want of memory: %" PRIu64 " blocks\n",
                      report->n_missed);
}

/* ---- JSON ---- */

static bool put_bytes(json_t *object, const char *key, uint64_t value)
{
    return json_put(object, key, json_integer((json_int_t)value));
}

static json_t *count_json(const char *key, const char *name, const struct mem_count *count)
{
    json_t *object = json_object();
    bool is_whole = object && (!key || json_put(object, key, json_text(name))) &&
                    put_bytes(object, "peak_bytes", count->peak_bytes) &&
                    put_bytes(object, "current_bytes", count->current_bytes) &&
                    put_bytes(object, "current_blocks", count->n_current) &&
                    put_bytes(object, "blocks", count->n_blocks) &&
                    put_bytes(object, "bytes", count->n_bytes);
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

/* Takes the reference of `value`; *list is NULL from the first failure on. */
static void list_add(json_t **list, json_t *value)
{
    if (*list && json_array_append_new(*list, value) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

static json_t *subsystems_json(const struct memory_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->n_subsystems && list; i++)
        list_add(&list,
                 count_json("name", report->subsystems[i].name, &report->subsystems[i].count));
    return list;
}

static json_t *places_json(const struct memory_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->n_places && list; i++)
        list_add(&list, count_json("place", report->places[i].name, &report->places[i].count));
    return list;
}

static json_t *sizes_json(const struct memory_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < MEM_SIZE_CLASSES && list; i++)
        if (report->size_classes[i])
            list_add(&list, json_pack("{s:I,s:I}", "up_to_bytes", (json_int_t)1 << i, "blocks",
                                      (json_int_t)report->size_classes[i]));
    return list;
}

static json_t *resident_json(const struct memory_report *report)
{
    struct memory_part_row rows[MEMORY_PART_ROWS];
    memory_report_parts(report, rows);
    json_t *object = json_object();
    bool is_whole = object && put_bytes(object, "peak_bytes", report->peak_bytes) &&
                    put_bytes(object, "child_peak_bytes", report->child_peak_bytes) &&
                    put_bytes(object, "look_bytes", report->parts.resident_bytes);
    for (const struct memory_part_row *row = rows; row->name && is_whole; row++)
        is_whole = json_put(object, row->key, json_integer((json_int_t)row->bytes));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

json_t *memory_report_json(const struct memory_report *report)
{
    json_t *object = format_object_new();
    bool is_whole = object && json_put(object, "command", json_text(report->command)) &&
                    json_put(object, "exit_code", json_integer(report->exit_code)) &&
                    json_put(object, "took_ms", json_real((double)report->took_us / 1e3)) &&
                    json_put(object, "heap", count_json(NULL, NULL, &report->total)) &&
                    json_put(object, "subsystems", subsystems_json(report)) &&
                    json_put(object, "places", places_json(report)) &&
                    json_put(object, "sizes", sizes_json(report)) &&
                    json_put(object, "resident", resident_json(report)) &&
                    put_bytes(object, "missed_blocks", report->n_missed);
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}
