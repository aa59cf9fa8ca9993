#include "page/svg.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* The C0 controls and the noncharacters U+FFFE and U+FFFF are no characters of XML. */
static uint32_t printable(uint32_t c)
{
    bool is_control = c < 0x20 && c != '\t' && c != '\n';
    return is_control || c == 0x7F || c == 0xFFFE || c == 0xFFFF ? UTF8_REPLACEMENT : c;
}

void svg_escape(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t c;
        at += utf8_decode(text + at, len - at, &c);
        if (c < 0x80 && strchr("&<>\"'", (int)c))
            buf_printf(out, "&#%u;", (unsigned)c);
        else
            buf_append_codepoint(out, printable(c));
    }
}

/* A hundredth of a pixel is enough for any eye. */
static void append_number(struct buf *out, const char *before, double value)
{
    buf_printf(out, "%s%.2f", before, isfinite(value) ? value : 0.0);
}

static void append_class(struct buf *out, const char *css_class)
{
    if (css_class)
        buf_printf(out, " class=\"%s\"", css_class);
}

static void append_title(struct buf *out, const char *title)
{
    buf_append_text(out, "<title>");
    svg_escape(out, title);
    buf_append_text(out, "</title>");
}

void svg_begin(struct buf *out, double width, double height, const char *title, const char *style)
{
    append_number(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width);
    append_number(out, "\" height=\"", height);
    append_number(out, "\" viewBox=\"0 0 ", width);
    append_number(out, " ", height);
    buf_append_text(out, "\" role=\"img\">\n");
    append_title(out, title);
    buf_append_text(out, "\n");
    if (style)
        buf_printf(out, "<style>\n%s</style>\n", style);
}

void svg_end(struct buf *out)
{
    buf_append_text(out, "</svg>\n");
}

void svg_rect(struct buf *out, const struct svg_box *box, const char *css_class, const char *title)
{
    append_number(out, "<rect x=\"", box->x);
    append_number(out, "\" y=\"", box->y);
    append_number(out, "\" width=\"", box->width);
    append_number(out, "\" height=\"", box->height);
    buf_append_text(out, "\"");
    append_class(out, css_class);
    if (title) {
        buf_append_text(out, ">");
        append_title(out, title);
        buf_append_text(out, "</rect>\n");
    } else {
        buf_append_text(out, "/>\n");
    }
}

void svg_text(struct buf *out, double x, double y, enum svg_anchor anchor, const char *css_class,
              const char *text)
{
    static const char *const anchors[] = {
        [SVG_ANCHOR_START] = "start", [SVG_ANCHOR_MIDDLE] = "middle", [SVG_ANCHOR_END] = "end"};
    append_number(out, "<text x=\"", x);
    append_number(out, "\" y=\"", y);
    buf_printf(out, "\" text-anchor=\"%s\"", anchors[anchor]);
    append_class(out, css_class);
    buf_append_text(out, ">");
    svg_escape(out, text);
    buf_append_text(out, "</text>\n");
}

void svg_line(struct buf *out, struct svg_point from, struct svg_point to, const char *css_class)
{
    append_number(out, "<line x1=\"", from.x);
    append_number(out, "\" y1=\"", from.y);
    append_number(out, "\" x2=\"", to.x);
    append_number(out, "\" y2=\"", to.y);
    buf_append_text(out, "\"");
    append_class(out, css_class);
    buf_append_text(out, "/>\n");
}

void svg_polyline(struct buf *out, const struct svg_point *points, size_t n, const char *css_class)
{
    buf_append_text(out, "<polyline fill=\"none\" points=\"");
    for (size_t i = 0; i < n; i++) {
        append_number(out, i ? " " : "", points[i].x);
        append_number(out, ",", points[i].y);
    }
    buf_append_text(out, "\"");
    append_class(out, css_class);
    buf_append_text(out, "/>\n");
}
