/* page/svg.h - drawings as SVG, written into a buffer. No scripts, nothing fetched; looks come from
 * classes, hovering shows titles. Units are pixels; numbers that are not finite become 0.
 *
 * Any text is taken: what XML forbids or means something by is escaped or becomes U+FFFD. Classes
 * and style are ours and go out as they are. Pure functions; a failure is sticky in the buffer. */
#ifndef RAGGED_PAGE_SVG_H
#define RAGGED_PAGE_SVG_H

#include <stddef.h>

#include "base/buf.h"

struct svg_point {
    double x, y;
};
struct svg_box {
    double x, y, width, height;
};
enum svg_anchor { SVG_ANCHOR_START, SVG_ANCHOR_MIDDLE, SVG_ANCHOR_END };

/* Opens a drawing that scales with its page. `title`: what it shows; `style`: CSS, or NULL. */
void svg_begin(struct buf *out, double width, double height, const char *title, const char *style);
void svg_end(struct buf *out);

/* `title` is shown while the pointer is over the box; NULL: none. */
void svg_rect(struct buf *out, const struct svg_box *box, const char *css_class, const char *title);
/* `y` is the base line. */
void svg_text(struct buf *out, double x, double y, enum svg_anchor anchor, const char *css_class,
              const char *text);
void svg_line(struct buf *out, struct svg_point from, struct svg_point to, const char *css_class);
void svg_polyline(struct buf *out, const struct svg_point *points, size_t n, const char *css_class);

/* Text between tags or in a quoted attribute, of SVG as of HTML. */
void svg_escape(struct buf *out, const char *text);

#endif
