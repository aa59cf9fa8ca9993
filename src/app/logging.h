/* app/logging.h - the log of this run, as the settings want it. */
#ifndef RAGGED_APP_LOGGING_H
#define RAGGED_APP_LOGGING_H

#include "app/command.h"

/* Where it is, in a folder that is made when it has to be; owned. NOT_FOUND: no home folder. */
enum status logging_path(const struct config *config, char **out, struct error *err) MUST_USE;

/* After the settings were loaded. A log that can't be written does not stop the work: it is said
 * with --verbose. */
void logging_open(struct app *app);
/* The last line, and the end. Not open is fine. */
void logging_close(const struct app *app, enum exit_code code, int64_t took_us);
/* What is done is logged, not only what fails. */
bool logging_has_past(const struct config *config);

#endif
