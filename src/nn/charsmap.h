/* nn/charsmap.h - the normalisation that a sentencepiece model carries: byte strings and what
 * replaces them.
 *
 * The format: u32 size of the trie in bytes; the trie, a double array of u32 units; then the
 * replacements, each ended by NUL, found by their offset. Of a unit, bits 0..7 and 31 are its
 * label, bit 8 says that a key ends at it, bits 10..30 (shifted left by 8 when bit 9 is set) lead
 * to its children; of the unit of an end, bits 0..30 are the offset.
 *
 * The file is hostile: what leads out of it is not found. Immutable once open: any thread. A zeroed
 * charsmap is valid and replaces nothing. */
#ifndef RAGGED_NN_CHARSMAP_H
#define RAGGED_NN_CHARSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct charsmap {
    uint32_t *units; /* [n_units], owned */
    size_t n_units;
    char *texts; /* [n_texts], the last byte is NUL; owned */
    size_t n_texts;
    bool keeps_ascii[128]; /* nothing replaces this character alone */
};

/* From base64, as tokenizer.json has it. FORMAT names the offset in what was encoded. */
enum status charsmap_open(const char *base64, size_t len, struct charsmap *out,
                          struct error *err) MUST_USE;
void charsmap_clear(struct charsmap *map);

/* What replaces the SHORTEST beginning of `bytes` that is a key, borrowed from map; NULL: none is.
 * (The reference replaces a whole character cluster by that, so we do.) */
const char *charsmap_find(const struct charsmap *map, const char *bytes, size_t len);

#endif
