/* app/monitor_look.h - looks at the counters, the log, the library and the machine: one sample.
 * What can't be seen is left out of it; looking makes no file and changes none. One thread. */
#ifndef RAGGED_APP_MONITOR_LOOK_H
#define RAGGED_APP_MONITOR_LOOK_H

#include "app/command.h"
#include "app/monitor_model.h"
#include "base/file.h"

struct monitor_look {
    struct engine_options options; /* borrows from the settings */
    char *board_path, *log_path;   /* owned; log_path NULL: nothing is logged */
    struct file_info log;          /* as it was read last */
    struct monitor_event events[MONITOR_EVENTS_MAX];
    size_t n_events;
    struct monitor_library library;
    int64_t library_ms; /* when it was counted last; 0: never */
};

/* `app` must outlive it. NOT_FOUND: there is no home folder to look in. */
enum status monitor_look_init(struct monitor_look *look, const struct app *app,
                              struct error *err) MUST_USE;
void monitor_look_take(struct monitor_look *look, struct monitor_sample *out);
void monitor_look_clear(struct monitor_look *look);

#endif
