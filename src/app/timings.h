/* app/timings.h - where the time of a run went, as numbers. */
#ifndef RAGGED_APP_TIMINGS_H
#define RAGGED_APP_TIMINGS_H

#include "app/command.h"
#include "base/trace_data.h"

enum timings_form { TIMINGS_TABLE, TIMINGS_JSON };
/* In the order of the enum, ends with NULL. */
extern const char *const timings_form_names[];

/* To app->notes. NOMEM. */
enum status timings_print(struct app *app, const struct trace_tree *tree, enum timings_form form,
                          int64_t took_us, struct error *err) MUST_USE;

#endif
