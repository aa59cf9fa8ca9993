/* base/board_view.h - a copy of what the processes of a library have counted and do now, for who
 * only looks: the file is read, not mapped, so that it may be absent, damaged, cut or replaced at
 * any time. Any thread. */
#ifndef RAGGED_BASE_BOARD_VIEW_H
#define RAGGED_BASE_BOARD_VIEW_H

#include <stddef.h>

#include "base/metric.h"
#include "base/operation.h"
#include "base/status.h"

struct board_operation {
    int64_t process_id;
    struct operation operation;
};

struct board_view {
    uint64_t values[METRIC_COUNT];
    struct histogram_counts histograms[HISTOGRAM_COUNT];
    struct board_operation operations[OPERATION_SLOTS]; /* of living processes */
    size_t n_operations;
};

/* NOT_FOUND: nobody has counted yet. FORMAT: damaged, or of another version. IO. */
enum status board_view_read(const char *path, struct board_view *out, struct error *err) MUST_USE;

#endif
