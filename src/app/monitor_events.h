/* app/monitor_events.h - what went wrong lately, read off the end of the log (base/log.h), whose
 * lines are text or JSON. Pure function, any thread. */
#ifndef RAGGED_APP_MONITOR_EVENTS_H
#define RAGGED_APP_MONITOR_EVENTS_H

#include "app/monitor_model.h"

/* Warnings, errors and commands that failed, the newest first; returns how many, at most n_max.
 * What is no line of a log is passed over; a first line that was cut is too. */
size_t monitor_events_parse(const char *text, size_t len, struct monitor_event *out, size_t n_max);

#endif
