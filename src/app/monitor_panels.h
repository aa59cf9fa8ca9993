/* app/monitor_panels.h - the other panels: each draws the inside of its frame, as many rows as
 * there are. */
#ifndef RAGGED_APP_MONITOR_PANELS_H
#define RAGGED_APP_MONITOR_PANELS_H

#include "app/monitor_draw.h"
#include "app/monitor_model.h"

enum { MONITOR_FLOW_ROWS = MONITOR_FLOW_COUNT, MONITOR_STATE_ROWS = 6, MONITOR_LATENCY_ROWS = 8 };

void monitor_draw_flows(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model);
void monitor_draw_state(const struct monitor_canvas *canvas, const struct monitor_area *area,
                        const struct monitor_model *model);
void monitor_draw_latencies(const struct monitor_canvas *canvas, const struct monitor_area *area,
                            const struct monitor_model *model);
void monitor_draw_events(const struct monitor_canvas *canvas, const struct monitor_area *area,
                         const struct monitor_model *model);
/* Those that are not zero; returns how many found no room. */
int monitor_draw_counters(const struct monitor_canvas *canvas, const struct monitor_area *area,
                          const struct monitor_model *model);

#endif
