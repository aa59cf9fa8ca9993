/* load/load.h - a file becomes blocks of text with places; every parser runs in the jailed worker.
 *
 * The worker is a separate program (ragged-parse): it gets the document as an open descriptor, has
 * no other file, network, process or exec right, and answers with length-capped records, which are
 * treated as hostile here. A crash, hang, flood or bomb costs that one file. */
#ifndef RAGGED_LOAD_LOAD_H
#define RAGGED_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/status.h"
#include "load/metadata.h" /* the other half of this door */
#include "text/text.h"

struct load_worker; /* one child process, started when first needed, restarted after it died */

struct load_options {
    const char *worker_path; /* NULL: ragged-parse beside this program, else libexec */
    const char *pdfium_path; /* NULL: found by load_pdfium_path(); "" : without pdfium */
    size_t limit_bytes;      /* larger files are refused; 0: RAGGED_LIMIT_FILE */
    int wall_ms, cpu_s;      /* per document; 0: the limits of base/limits.h */
};

/* One thread at a time per worker. */
enum status load_worker_new(const struct load_options *options, struct load_worker **out,
                            struct error *err) MUST_USE;
void load_worker_free(struct load_worker *worker); /* stops the child; NULL is fine */

/* What the parser may allocate for the documents that follow, beside what it has when it begins; 0:
 * as much as its address space holds. A document that needs more fails with LIMIT. */
void load_worker_allow(struct load_worker *worker, size_t n_bytes);

struct load_document {
    const char *kind;  /* name of the loader row: "pdf", "html", "markdown", "text"; static */
    const char *title; /* "" when the document names none */
    const struct text_block *blocks;
    size_t n_blocks;
    uint32_t n_pages;              /* 0: the format has none */
    uint32_t n_pages_without_text; /* scans: said to the user, never silent */
    const char *warning;           /* "" or one sentence */
    const char *meta;              /* JSON as in load/metadata.h; "" when it says nothing */
    uint64_t n_lines;              /* of a part of a file: the line ends in it */
};

/* Parses the open regular file; `name` (the path) is for messages and for its extension. Everything
 * in *out is from `arena`. Reasons a file fails, each a sentence a user understands: INVALID empty,
 * binary, encrypted, no text layer (image only), no readable format FORMAT   damaged        LIMIT
 * too large, too deep, too slow (names the limit) CRASHED  the parser crashed After any failure the
 * worker is ready for the next file. */
enum status load_parse(struct load_worker *worker, int fd, const char *name,
                       const struct cancel *cancel, struct arena *arena, struct load_document *out,
                       struct error *err) MUST_USE;

/* --- files of lines that are too large to be read as one: part after part, in any order --- */
struct load_part {
    uint64_t i, part_bytes; /* it begins near i * part_bytes */
    uint64_t file_bytes;
};
#define LOAD_PART_BYTES_MIN ((uint64_t)4096)
uint64_t load_n_parts(uint64_t file_bytes, uint64_t part_bytes);

/* May a file of that name be of lines? Its bytes decide. */
bool load_may_have_parts(const char *path);
/* By its first bytes: false when a loader for whole documents reads it. INVALID: binary. */
enum status load_has_parts(int fd, const char *name, bool *out, struct error *err) MUST_USE;

/* One part: the lines that begin in it, a line of more than half a part in pieces. The parts are
 * the file, each byte once. As load_parse(), but its size does not matter, lines are counted from
 * the part's beginning, and there may be no text in it. */
enum status load_parse_part(struct load_worker *worker, int fd, const char *name,
                            const struct load_part *part, const struct cancel *cancel,
                            struct arena *arena, struct load_document *out,
                            struct error *err) MUST_USE;

/* Does the extension belong to a loader, or is it a name like README? Folder scans skip others. */
bool load_knows_name(const char *path);

/* A script or style sheet in hardly any lines, which nobody reads: folder scans skip it. False when
 * it can't be looked at. */
bool load_is_minified(const char *path);

/* Row names, NULL at the end: "text", "markdown", "html", "pdf". */
const char *const *load_kinds(void);

/* libpdfium.so: $RAGGED_PDFIUM, beside the program, libexec, or $XDG_CACHE_HOME/ragged/lib; owned.
 * NOT_FOUND: PDFs are read by pdftotext when that is installed. */
enum status load_pdfium_path(char **out, struct error *err) MUST_USE;

#endif
