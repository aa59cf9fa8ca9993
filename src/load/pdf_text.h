/* load/pdf_text.h - the text layer of PDF pages becomes paragraphs.
 *
 * Lines that come back on most pages (headers, footers, page numbers) are dropped, words broken at
 * line ends are joined, lines are joined to paragraphs. Worker side. */
#ifndef RAGGED_LOAD_PDF_TEXT_H
#define RAGGED_LOAD_PDF_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "load/sink.h"

/* Stands at the end of a line whose last word goes on in the next one. */
#define PDF_TEXT_HYPHEN "\xEF\xBF\xBE" /* U+FFFE, as pdfium reports it */

/* One thread at a time. Zeroed is valid. */
struct pdf_text {
    struct buf text;     /* UTF-8 of all pages, lines end with \n */
    size_t *page_starts; /* [n_pages] offsets in text, owned */
    size_t n_pages, n_pages_max;
};

/* The text appended to `pdf->text` from now on belongs to a new page. */
enum status pdf_text_begin_page(struct pdf_text *pdf, struct error *err) MUST_USE;

/* Sends pages and blocks. INVALID: no page has any text. */
enum status pdf_text_send(const struct pdf_text *pdf, struct sink *sink,
                          struct error *err) MUST_USE;
void pdf_text_clear(struct pdf_text *pdf);

#endif
