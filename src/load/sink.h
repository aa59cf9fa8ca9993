/* load/sink.h - where a loader puts what it finds; worker side. One thread at a time.
 *
 * Text is normalised here, blank blocks are dropped, long ones are cut, limits are kept. The first
 * failure sticks: later calls do nothing, and sink_status() tells. */
#ifndef RAGGED_LOAD_SINK_H
#define RAGGED_LOAD_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "load/metadata.h"
#include "text/text.h"

struct sink {
    struct buf records; /* encoded, not flushed yet */
    struct buf scratch; /* normalised text of the block at hand */
    int fd;             /* records go here when there are enough; -1: they stay in `records` */
    size_t n_blocks, n_text;
    bool has_title;
    enum status failed;
    struct error error; /* when failed */
};

void sink_init(struct sink *sink, int fd);
void sink_clear(struct sink *sink);

void sink_begin(struct sink *sink, const char *kind);
void sink_title(struct sink *sink, const char *text, size_t len); /* the first one counts */

/* Any bytes: they are normalised (lines kept for TEXT_BLOCK_CODE, else collapsed). */
void sink_block(struct sink *sink, const struct text_block *block);
/* What the document says of itself; the text is normalised to one line, blank ones are dropped, and
 * so is what can't be a name. */
void sink_meta(struct sink *sink, const char *name, enum metadata_form form, const char *text,
               size_t len);
/* The parts of a text between commas (semicolons where there are any), as a list. */
void sink_meta_list(struct sink *sink, const char *name, const char *text, size_t len);
void sink_pages(struct sink *sink, uint32_t n_pages, uint32_t n_without_text);
void sink_lines(struct sink *sink, uint64_t n_lines); /* line ends in a part of a file */
void sink_warning(struct sink *sink, const char *format, ...) PRINTF_LIKE(2, 3);
void sink_end(struct sink *sink);
void sink_fail(struct sink *sink, enum status status, const struct error *err);

enum status sink_status(const struct sink *sink, struct error *err) MUST_USE;

/* Writes what is buffered to the descriptor. */
void sink_flush(struct sink *sink);

#endif
