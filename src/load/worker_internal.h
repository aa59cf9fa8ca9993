/* load/worker_internal.h - the parent's side of the jail, between its files. */
#ifndef RAGGED_LOAD_WORKER_INTERNAL_H
#define RAGGED_LOAD_WORKER_INTERNAL_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"
#include "load/load.h"

/* The bytes [*out_offset, *out_end) of the file that are the part: it begins at the first line
 * behind its place, or in the middle of one that is too long. */
enum status part_range(int fd, const char *name, const struct load_part *part, uint64_t *out_offset,
                       uint64_t *out_end, struct error *err) MUST_USE;

/* $RAGGED_PARSE, beside this program, or libexec; owned. */
enum status load_worker_path(char **out, struct error *err) MUST_USE;

/* Owned; NULL: not installed. */
char *load_pdftotext_path(void);

/* Runs pdftotext in its jail on the open document and appends what it prints: UTF-8, a form feed
 * after each page. INVALID: it refused the document (damaged or encrypted). */
enum status pdftotext_run(const char *worker_path, const char *pdftotext_path, int document_fd,
                          int timeout_ms, const struct cancel *cancel, struct buf *out,
                          struct error *err) MUST_USE;

#endif
