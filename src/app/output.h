/* app/output.h - the two streams of the program. All text goes out through here, and here only:
 * whatever came from a document, a name or a server is made safe (safe_text.h) on the way.
 *
 * Failures are sticky: output_finish() at the end tells. A reader that went away (EPIPE) is not a
 * failure. One thread at a time. */
#ifndef RAGGED_APP_OUTPUT_H
#define RAGGED_APP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"

struct output {
    FILE *file; /* borrowed */
    bool is_tty, has_color;
    bool is_muted; /* nothing is written */
    int failed;    /* errno of the first failure */
};

enum output_style {
    OUTPUT_STYLE_PLAIN,
    OUTPUT_STYLE_BOLD,
    OUTPUT_STYLE_DIM,
    OUTPUT_STYLE_ERROR,
    OUTPUT_STYLE_ACCENT,
    OUTPUT_STYLE_COUNT
};

/* Colour needs a terminal, is_color_wanted and no NO_COLOR in the environment. */
void output_init(struct output *out, FILE *file, bool is_color_wanted);

void output_text(struct output *out, const char *text, size_t len); /* lines and tabs stay */
void output_puts(struct output *out, const char *text);
void output_name(struct output *out, const char *name); /* one line: a path, a title */
void output_printf(struct output *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* False when `buf` failed; then the output has failed too, so that nothing is left out silently. */
bool output_accepts(struct output *out, const struct buf *buf);

/* Machine formats: `text` must be JSON, which stays JSON. */
void output_json(struct output *out, const char *text, size_t len);
/* Unchanged bytes when the stream is not a terminal, else as output_name(). */
void output_path(struct output *out, const char *path);

/* Unchanged: only for what holds no text of anybody, as rows of numbers. */
void output_bytes(struct output *out, const void *bytes, size_t len);

/* Nothing unless has_color. PLAIN ends the style. */
void output_style(struct output *out, enum output_style style);
/* Clears the current line of a terminal, so that a progress bar can be drawn again. */
void output_erase_line(struct output *out);
/* A hyperlink around what is printed until `uri` is NULL. Nothing unless is_tty. */
void output_link(struct output *out, const char *uri);

void output_flush(struct output *out);
/* Flushes; IO with a sentence when something could not be written. */
enum status output_finish(struct output *out, const char *name, struct error *err) MUST_USE;

#endif
