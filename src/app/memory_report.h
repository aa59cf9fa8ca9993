/* app/memory_report.h - what profile-memory found, as rows that text, JSON and the page show. */
#ifndef RAGGED_APP_MEMORY_REPORT_H
#define RAGGED_APP_MEMORY_REPORT_H

#include "app/memory_watch.h"
#include "app/output.h"
#include "base/json.h"

struct memory_place {
    char name[160]; /* "engine/search.c fill_hits+0x1c" */
    size_t i_subsystem;
    struct mem_count count;
};

struct memory_report {
    const char *command; /* borrowed: "add" */
    int exit_code;
    int64_t took_us;
    struct mem_count total;
    struct mem_subsystem subsystems[MEM_SUBSYSTEMS_MAX]; /* the largest peak first */
    size_t n_subsystems;
    size_t order[MEM_SUBSYSTEMS_MAX]; /* where each was in the account */
    struct memory_place *places;      /* owned; the largest peak first */
    size_t n_places;
    uint64_t size_classes[MEM_SIZE_CLASSES];
    struct memory_parts parts;
    uint64_t peak_bytes, child_peak_bytes; /* resident, as the system counted it */
    uint64_t n_missed;
};

/* Once, after the command, before `account` and `watch` are freed. */
enum status memory_report_init(struct memory_report *report, const struct mem_account *account,
                               const struct memory_watch *watch, struct error *err) MUST_USE;
void memory_report_clear(struct memory_report *report);

void memory_report_print(const struct memory_report *report, struct output *out);
/* NULL: out of memory. */
json_t *memory_report_json(const struct memory_report *report) MUST_USE;

/* The rows of report->parts, ends with a row without a name. */
struct memory_part_row {
    const char *key, *name;
    int64_t bytes;
};
enum { MEMORY_PART_ROWS = 8 };
void memory_report_parts(const struct memory_report *report,
                         struct memory_part_row out[MEMORY_PART_ROWS]);

/* "12.4 MiB" */
void memory_size_format(int64_t bytes, char out[32]);

#endif
