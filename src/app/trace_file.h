/* app/trace_file.h - the spans of a run as Chrome's trace events, which chrome://tracing and
 * Perfetto show. Stages are fixed words: there is nothing of the user's in the file. */
#ifndef RAGGED_APP_TRACE_FILE_H
#define RAGGED_APP_TRACE_FILE_H

#include "base/status.h"
#include "base/trace_context.h"

/* `command`: what the process is called. The file appears whole or not at all. IO, NOMEM. */
enum status trace_file_write(const char *path, const struct trace_context *context,
                             const char *command, struct error *err) MUST_USE;

#endif
