/* page/page.h - a report as one HTML file that needs nothing else: no script, no request, readable
 * light and dark, on paper and without colours. It is well-formed XML too. All texts are escaped.
 */
#ifndef RAGGED_PAGE_PAGE_H
#define RAGGED_PAGE_PAGE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* `lead`: what the page is of, below its title. The time and the version are put under it. */
void page_begin(struct buf *out, const char *title, const char *lead);
void page_end(struct buf *out);

void page_heading(struct buf *out, const char *text);
void page_text(struct buf *out, const char *text);

/* Around one chart; `caption` says how it is read. */
void page_figure_begin(struct buf *out);
void page_figure_end(struct buf *out, const char *caption);

/* The first cell of a row is its name, the others are numbers. */
void page_table_begin(struct buf *out, const char *const *heads, size_t n);
void page_table_row(struct buf *out, const char *const *cells, size_t n);
void page_table_end(struct buf *out);

/* Whole or not at all, with mode 0600. Fails also when `page` did. */
enum status page_write(const char *path, const struct buf *page, struct error *err) MUST_USE;

#endif
