/* load/kinds.h - the formats and their file extensions; both sides of the jail know them. */
#ifndef RAGGED_LOAD_KINDS_H
#define RAGGED_LOAD_KINDS_H

#include <stdbool.h>
#include <stddef.h>

enum load_kind {
    LOAD_KIND_TEXT,
    LOAD_KIND_MARKDOWN,
    LOAD_KIND_HTML,
    LOAD_KIND_PDF,
    LOAD_KIND_PDF_TEXT, /* what pdftotext printed; shown to users as "pdf" */
    LOAD_KIND_COUNT
};

/* How a plain text file is cut. */
enum text_style {
    TEXT_STYLE_PROSE, /* lines joined to paragraphs */
    TEXT_STYLE_LINES, /* source code, logs, data: lines and their indentation kept */
    TEXT_STYLE_STARS, /* prose, headings are lines of leading '*' (Org) */
    TEXT_STYLE_EQUALS /* prose, headings are lines of leading '=' (AsciiDoc) */
};

struct extension {
    const char *name; /* ".md", lower case */
    enum load_kind kind;
    enum text_style style;
    bool may_be_packed; /* by programs, for programs: load_is_minified() looks */
};

/* NULL when no loader claims it; `name` in any case. */
const struct extension *extension_find(const char *name);

#define EXTENSION_PDF_TEXT ".pdftotext"
#define EXTENSION_MAX 31 /* longest extension sent to the worker */

#endif
