/* load/pdf_lines.h - the lines of PDF pages, and which of them are page furniture. */
#ifndef RAGGED_LOAD_PDF_LINES_H
#define RAGGED_LOAD_PDF_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "load/pdf_text.h"
#include "load/tally.h"

struct pdf_line {
    const char *text; /* borrowed from the pages, blanks at both ends left out */
    size_t len;
    size_t width; /* characters of its last printed line (one hyphenated word may span two) */
};

/* The lines of one page at a time. Zeroed is valid. */
struct pdf_lines {
    struct pdf_line *lines; /* owned */
    size_t n_lines, n_lines_max;
    size_t width; /* of a full line of this page */
};

/* Cuts page i_page, blank lines left out. */
enum status pdf_lines_read(struct pdf_lines *lines, const struct pdf_text *pdf, size_t i_page,
                           struct error *err) MUST_USE;
void pdf_lines_clear(struct pdf_lines *lines);

/* Lines at the page edges that come back: the same text, digits aside, on two fifths of the pages,
 * or the same text with a number that counts the pages. */
void pdf_furniture_count(struct tally *edges, const struct pdf_lines *lines, size_t i_page);
bool pdf_furniture_has(const struct tally *edges, const struct pdf_lines *lines, size_t i_line,
                       size_t i_page, size_t n_pages);

#endif
