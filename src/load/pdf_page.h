/* load/pdf_page.h - the text of one page, as pdfium has it. Private to the loader of PDF. */
#ifndef RAGGED_LOAD_PDF_PAGE_H
#define RAGGED_LOAD_PDF_PAGE_H

#include "base/buf.h"
#include "load/pdfium.h"

/* Appends UTF-16 as UTF-8; line ends become \n, both marks pdfium has for a hyphen at a line end
 * become PDF_TEXT_HYPHEN. */
void pdf_append_utf16(struct buf *out, const uint16_t *units, size_t n_units);

/* Appends the text of an open page of text, with powers marked (load/power.h). LIMIT: too long. */
enum status pdf_page_read(const struct pdfium *pdfium, void *text, struct buf *out,
                          struct error *err) MUST_USE;

#endif
