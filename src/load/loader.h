/* load/loader.h - what a format's parser is: bytes in, blocks into a sink. Worker side only.
 *
 * A loader is one file that ends in `const struct loader loader_<kind>` and one row in loaders.c.
 * It runs in the jail: no file, no network, no process. */
#ifndef RAGGED_LOAD_LOADER_H
#define RAGGED_LOAD_LOADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "base/status.h"
#include "load/encoding.h"
#include "load/pdfium.h"
#include "load/sink.h"

struct loader_input {
    const char *bytes; /* borrowed, as they are in the file */
    size_t len;
    const char *extension;             /* ".md", lower case, "" when there is none */
    const struct encodings *encodings; /* opened before the jail closed */
    const struct pdfium *pdfium;       /* NULL: not installed */
    bool is_part;     /* the bytes are some of the file's; a mark stands before each part of it */
    struct span head; /* of a part: the first bytes of the file */
};

struct loader {
    const char *kind; /* one of load_kinds() */

    /* Sends everything to `sink` (title, blocks, pages, metadata). The worker adds begin and end.
     */
    enum status (*parse)(const struct loader_input *input, struct sink *sink, struct error *err);
};

/* Rows by enum load_kind. */
extern const struct loader *const loaders[];

/* Chooses by content first, then by extension. INVALID: empty or not a text format. */
enum status loader_choose(const struct loader_input *input, const struct loader **out,
                          struct error *err) MUST_USE;

/* Sniffs, parses, and sends begin and end. */
enum status loader_run(const struct loader_input *input, struct sink *sink,
                       struct error *err) MUST_USE;

#endif
