/* app/monitor_watch.h - the full-screen monitor: looks, draws and obeys keys until it is told to
 * end. Only ragged-monitor has it: who needs no screen does not load curses. */
#ifndef RAGGED_APP_MONITOR_WATCH_H
#define RAGGED_APP_MONITOR_WATCH_H

#include "app/command.h"

enum status monitor_watch(struct app *app, struct error *err) MUST_USE;

#endif
