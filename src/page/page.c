#include "page/page.h"

#include "base/clock.h"
#include "base/file.h"
#include "page/svg.h"

/* Colours of series after Okabe and Ito: apart for all kinds of colour blindness, and of different
 * lightness; lines have different dashes besides. */
static const char style[] =
    ":root{color-scheme:light dark;--fg:#1b1b1b;--bg:#fff;--dim:#5c5c5c;--grid:#e2e2e2;"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#56b4e9;--s5:#8a6d00}\n"
    "@media (prefers-color-scheme:dark){:root{--fg:#eaeaea;--bg:#161616;--dim:#a8a8a8;"
    "--grid:#383838;--s0:#4aa8e0;--s1:#ff8c42;--s2:#2ec99a;--s3:#e39cc4;--s4:#9ad4f5;"
    "--s5:#e0bf3a}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
    "max-width:56rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.6rem;margin:.5rem 0 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}\n"
    ".made,figcaption{color:var(--dim);font-size:.9rem}figure{margin:1rem 0;overflow-x:auto}\n"
    "svg{width:100%;min-width:36rem;height:auto;display:block}\n"
    "svg text{font-family:system-ui,sans-serif;font-size:12px;fill:var(--fg)}\n"
    "svg .tick,svg .name{fill:var(--dim)}\n"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--dim)}.range{stroke:var(--fg);stroke-width:1.5}\n"
    ".line{fill:none;stroke-width:2}\n"
    ".bar.s0{fill:var(--s0)}.bar.s1{fill:var(--s1)}.bar.s2{fill:var(--s2)}.bar.s3{fill:var(--s3)}"
    ".bar.s4{fill:var(--s4)}.bar.s5{fill:var(--s5)}\n"
    ".dot{fill-opacity:.55}.dot.s0{fill:var(--s0)}.dot.s1{fill:var(--s1)}.dot.s2{fill:var(--s2)}"
    ".dot.s3{fill:var(--s3)}.dot.s4{fill:var(--s4)}.dot.s5{fill:var(--s5)}\n"
    ".line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1);stroke-dasharray:7 3}"
    ".line.s2{stroke:var(--s2);stroke-dasharray:2 3}.line.s3{stroke:var(--s3);"
    "stroke-dasharray:10 3 2 3}.line.s4{stroke:var(--s4);stroke-dasharray:4 4}"
    ".line.s5{stroke:var(--s5);stroke-dasharray:12 4}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;margin:.5rem 0}\n"
    "th,td{padding:.2rem .7rem .2rem 0;text-align:right;border-bottom:1px solid var(--grid);"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th:first-child{text-align:left}thead th{color:var(--dim);font-weight:600}"
    "tbody th{font-weight:400}\n"
    "@media print{:root{color-scheme:light;--fg:#000;--bg:#fff;--dim:#444;--grid:#ddd;"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#56b4e9;--s5:#8a6d00}"
    "body{font-size:10pt;max-width:none;padding:0}h2{break-after:avoid}"
    "figure,tr{break-inside:avoid}.scroll,figure{overflow:visible}svg{min-width:0}table{font-size:"
    "8pt}"
    "th{white-space:normal}th:first-child{overflow-wrap:anywhere}"
    "svg *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
    "@page{margin:15mm}\n";

static void element(struct buf *out, const char *open, const char *text, const char *close)
{
    buf_append_text(out, open);
    svg_escape(out, text);
    buf_append_text(out, close);
}

void page_begin(struct buf *out, const char *title, const char *lead)
{
    char now[32];
    clock_format_utc(clock_wall_ms(), now);
    buf_append_text(out, "<!DOCTYPE html>\n"
                         "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n"
                         "<head>\n<meta charset=\"utf-8\"/>\n"
                         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                         "&#39;none&#39;; style-src &#39;unsafe-inline&#39;\"/>\n"
                         "<meta name=\"viewport\" content=\"width=device-width, "
                         "initial-scale=1\"/>\n");
    element(out, "<title>", title, "</title>\n");
    buf_append_text(out, "<style>\n");
    buf_append_text(out, style);
    buf_append_text(out, "</style>\n</head>\n<body>\n");
    element(out, "<h1>", title, "</h1>\n");
    if (lead)
        page_text(out, lead);
    buf_printf(out, "<p class=\"made\">%s, ragged " RAGGED_VERSION "</p>\n", now);
}

void page_end(struct buf *out)
{
    buf_append_text(out, "</body>\n</html>\n");
}

void page_heading(struct buf *out, const char *text)
{
    element(out, "<h2>", text, "</h2>\n");
}

void page_text(struct buf *out, const char *text)
{
    element(out, "<p>", text, "</p>\n");
}

void page_figure_begin(struct buf *out)
{
    buf_append_text(out, "<figure>\n");
}

void page_figure_end(struct buf *out, const char *caption)
{
    element(out, "<figcaption>", caption, "</figcaption>\n</figure>\n");
}

void page_table_begin(struct buf *out, const char *const *heads, size_t n)
{
    buf_append_text(out, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (size_t i = 0; i < n; i++)
        element(out, "<th scope=\"col\">", heads[i], "</th>");
    buf_append_text(out, "</tr></thead>\n<tbody>\n");
}

void page_table_row(struct buf *out, const char *const *cells, size_t n)
{
    buf_append_text(out, "<tr>");
    for (size_t i = 0; i < n; i++)
        element(out, i ? "<td>" : "<th scope=\"row\">", cells[i], i ? "</td>" : "</th>");
    buf_append_text(out, "</tr>\n");
}

void page_table_end(struct buf *out)
{
    buf_append_text(out, "</tbody>\n</table></div>\n");
}

enum status page_write(const char *path, const struct buf *page, struct error *err)
{
    enum status status = buf_status(page, err);
    return status ? status : file_replace(path, buf_text(page), page->len, 0600, err);
}
