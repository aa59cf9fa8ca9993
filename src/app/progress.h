/* app/progress.h - what is shown on stderr while work goes on: a bar on a terminal, lines of
 * JSON when asked for, nothing in pipes. Failures are listed as they happen, in every mode.
 * One thread at a time. */
#ifndef RAGGED_APP_PROGRESS_H
#define RAGGED_APP_PROGRESS_H

#include <stdint.h>

#include "app/command.h"
#include "ingest/ingest.h"

struct progress {
    struct output *notes;
    bool is_bar, is_json, is_quiet, is_verbose;
    bool is_drawn;
    bool is_paused; /* it was told that there are pauses */
    int64_t drawn_ms;
};

/* "auto", "bar", "none", "json": rows of the option --progress. */
extern const char *const progress_modes[];

void progress_init(struct progress *progress, struct app *app);
void progress_on_file(struct progress *progress, const struct engine_file_report *report);
void progress_on_update(struct progress *progress, const struct engine_progress *update);
struct progress_texts {
    size_t n_texts, n_tokens;
    uint64_t n_bytes_done, n_bytes_total; /* total 0: unknown */
    int64_t elapsed_ms;
};
void progress_on_texts(struct progress *progress, const struct progress_texts *update);
void progress_end(struct progress *progress); /* erases the bar */

#endif
