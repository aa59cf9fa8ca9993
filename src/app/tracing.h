/* app/tracing.h - --timings, --trace and the flame graph of a run, and the ids it is known by. */
#ifndef RAGGED_APP_TRACING_H
#define RAGGED_APP_TRACING_H

#include "app/command.h"

/* Before anything else of the run: its ids, from TRACEPARENT when that holds some. */
void tracing_identify(struct app *app);

/* Spans are kept from now on when the arguments or app->flame ask for them. Again is fine; a run
 * within a run that is traced is a part of that one. */
enum status tracing_open(struct app *app, struct error *err) MUST_USE;

/* Shows and writes what was asked for, and forgets the spans. Not open is fine. `took_us`: the
 * whole run. */
enum status tracing_close(struct app *app, int64_t took_us, struct error *err) MUST_USE;

#endif
