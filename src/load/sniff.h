/* load/sniff.h - what the first bytes of a file tell; both sides of the jail. Pure. */
#ifndef RAGGED_LOAD_SNIFF_H
#define RAGGED_LOAD_SNIFF_H

#include <stdbool.h>

#include "base/span.h"
#include "base/status.h"
#include "load/kinds.h"

#define SNIFF_BYTES ((size_t)64 * 1024) /* as much is looked at */

/* A byte order mark. */
struct sniff_mark {
    const char *bytes;
    size_t len;
    unsigned unit; /* bytes of one code unit */
    bool is_big;
};
/* NULL: the bytes begin with none. */
const struct sniff_mark *sniff_mark(struct span head);

bool sniff_is_blank(struct span text);
/* Junk may stand before the mark of a file that is named like a PDF; a text may speak of it. */
bool sniff_is_pdf(struct span head, const char *extension);

/* By content first, then by extension (lower case, "" when there is none). INVALID, FORMAT: not
 * what any loader reads. */
enum status sniff_kind(struct span head, const char *extension, enum load_kind *out,
                       struct error *err) MUST_USE;

#endif
