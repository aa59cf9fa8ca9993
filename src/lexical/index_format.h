/* lexical/index_format.h - what is in a lexical segment. Private to lexical/.
 *
 * Numbers are little-endian. A posting is (row, tf); a list is the postings of one term, by row.
 *   INFO        64 bytes: u32 version, u32 n_rows, u64 n_terms (sum of the lengths), u64 n_lists,
 *               u64 n_blocks, f64 k1, b, mean length (what the impacts are for), u64 0
 *   LENGTHS     u16 of each row, then one 0 (kernels read 4 bytes at a row)
 *   TERMS       the terms ascending by bytes, 16 to a group, front-coded within it: u8 shared with
 * the term before (0 for the first of a group), u8 rest, the rest's bytes, varint df, then df <= 4:
 * its postings, as varints df < 128:  varint size of its postings in POSTINGS otherwise: the same,
 * then f32 impact of the best posting GROUPS      of each group 32 bytes: u64 first 8 bytes of its
 * first term as a big-endian number, u64 where it begins in TERMS, u64 in POSTINGS, u64 its first
 * block POSTINGS    lists one behind the other. Below 128 postings: varints (gap << 1 | tf > 1),
 * then tf - 2 if so; the gap is from the row before less one. Else blocks of 128, each gaps and
 * then tf - 1 packed as kernel.h says, and the rest as varints. BLOCK_ROWS  u32 of each block: its
 * last row BLOCK_PLACES  u32 of each block: where it begins in its list, in units of 16 bytes
 *   BLOCK_WIDTHS  2 u8 of each block: width of gaps and of tf - 1; 0 for varints
 *   BLOCK_IMPACTS u8 of each block: impact of its best posting in 255ths of the list's, rounded up
 *   POSITIONS   of each list: varint size of what follows, u32 for each 128 postings but the first:
 *               where they begin behind these, then for each posting tf varints: positions, each
 *               less the one before. All 0 when nobody knows (no phrase fits then).
 *   POSITION_GROUPS  u64 of each group: where its first list begins in POSITIONS
 * Impact: tf / (tf + k1 * (1 - b + b * length / mean length)), what a score is but for the idf. */
#ifndef RAGGED_LEXICAL_INDEX_FORMAT_H
#define RAGGED_LEXICAL_INDEX_FORMAT_H

#include "base/span.h"
#include "lexical/lexical.h"
#include "segment/segment.h"

enum index_section {
    INDEX_INFO = SEGMENT_SECTION_FIRST,
    INDEX_LENGTHS,
    INDEX_TERMS,
    INDEX_GROUPS,
    INDEX_POSTINGS,
    INDEX_BLOCK_ROWS,
    INDEX_BLOCK_PLACES,
    INDEX_BLOCK_WIDTHS,
    INDEX_BLOCK_IMPACTS,
    INDEX_POSITIONS,
    INDEX_POSITION_GROUPS,
    INDEX_SECTION_END
};
#define INDEX_N_SECTIONS (INDEX_SECTION_END - INDEX_INFO)

#define INDEX_VERSION 1
#define INDEX_INFO_BYTES 64
#define GROUP_TERMS 16
#define GROUP_BYTES 32
#define INLINE_POSTINGS_MAX 4
#define PLACE_BYTES 16
#define IMPACT_STEPS 255

/* An open index: views of the mapped file, immutable. Sizes were checked; contents were not. */
struct lexical_index {
    struct span section[INDEX_N_SECTIONS]; /* by section - INDEX_INFO */
    size_t n_rows, n_lists, n_groups, n_blocks;
    uint64_t n_terms;
    double k1, b, mean_length;
    const uint16_t *lengths;      /* [n_rows + 1] */
    const uint32_t *block_rows;   /* [n_blocks] */
    const uint32_t *block_places; /* [n_blocks] */
    const uint8_t *block_widths;  /* [n_blocks][2] */
    const uint8_t *block_impacts; /* [n_blocks] */
};

static inline struct span index_section_of(const struct lexical_index *index,
                                           enum index_section section)
{
    return index->section[section - INDEX_INFO];
}

/* `sections`: by section - INDEX_INFO, aligned as in a file; borrowed. DAMAGED. */
enum status index_init(struct lexical_index *index, const struct span *sections, size_t n_rows,
                       struct error *err) MUST_USE;

#endif
