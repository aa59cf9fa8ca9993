/* app/lines.h - the lines of a file or a pipe as they come, in constant memory. Any bytes; a line
 * ends with LF or CR LF. One thread at a time. */
#ifndef RAGGED_APP_LINES_H
#define RAGGED_APP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct lines {
    const char *name; /* borrowed */
    int fd;
    char *block; /* what was read and not yet given out is block[at..len-1]; owned */
    size_t at, len;
    bool is_at_end;
    struct buf line;
    bool is_line_cut, is_line_given;
    uint64_t n_bytes_read, n_bytes_total; /* total 0: unknown, a pipe */
};

/* "-" is standard input. */
enum status lines_open(const char *path, struct lines *out, struct error *err) MUST_USE;
void lines_close(struct lines *lines); /* zeroed is fine */

enum line_result { LINE_RESULT_LINE, LINE_RESULT_NOTHING_YET, LINE_RESULT_END };
/* The line is in lines->line, without its end, until the next call; is_line_cut: it was longer than
 * RAGGED_LIMIT_LINE. Waits up to timeout_ms for more bytes. */
enum status lines_next(struct lines *lines, int timeout_ms, enum line_result *out,
                       struct error *err) MUST_USE;

#endif
