/* app/monitor_operations.h - the panel of running operations: as many columns as there is room for,
 * the least needed left out whole. */
#ifndef RAGGED_APP_MONITOR_OPERATIONS_H
#define RAGGED_APP_MONITOR_OPERATIONS_H

#include "app/monitor_draw.h"
#include "app/monitor_model.h"

/* Rows from `first` on, below a line of headings. Returns how many it had room for. */
int monitor_draw_operations(const struct monitor_canvas *canvas, const struct monitor_area *area,
                            const struct monitor_model *model, size_t first);

#endif
