/* app/monitor_page.h - what the processes of a library counted, as a page with charts. */
#ifndef RAGGED_APP_MONITOR_PAGE_H
#define RAGGED_APP_MONITOR_PAGE_H

#include "app/session.h"

/* Writes the file that --report names. */
enum status monitor_page(struct app *app, struct engine *engine, struct error *err) MUST_USE;

#endif
