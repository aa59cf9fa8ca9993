/* load/encoding.h - bytes of any character set become UTF-8.
 *
 * UTF-8, UTF-16, UTF-32, Latin-1 and windows-1252 are converted here; for the others the tables
 * of the C library are opened before the jail closes, because inside it no file can be opened. */
#ifndef RAGGED_LOAD_ENCODING_H
#define RAGGED_LOAD_ENCODING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#define ENCODING_N_CONVERTERS 24

/* One thread at a time. Zeroed is valid: only the built-in character sets. */
struct encodings {
    void *converters[ENCODING_N_CONVERTERS]; /* iconv_t by row; NULL: not available */
};

void encodings_open(struct encodings *encodings);
void encodings_close(struct encodings *encodings);

/* The text as UTF-8 without its byte order mark: borrowed from `bytes` when they are UTF-8, else
 * converted into `storage`. `declared` names a character set the document claims ("" for none);
 * a byte order mark and valid UTF-8 win over it, then a guess decides, windows-1252 at last.
 * Bytes without meaning become U+FFFD. */
enum status encoding_decode(const struct encodings *encodings, struct span bytes,
                            const char *declared, struct buf *storage, struct span *out,
                            struct error *err) MUST_USE;

/* The same for a part of a text whose first bytes are `head`: all parts that are not UTF-8 are
 * taken for what the head looks like, if it is not UTF-8 itself. */
enum status encoding_decode_part(const struct encodings *encodings, struct span bytes,
                                 struct span head, struct buf *storage, struct span *out,
                                 struct error *err) MUST_USE;

#endif
