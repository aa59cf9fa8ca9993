/* text/text.h - from blocks of a document to chunks of a known number of model tokens.
 *
 * Text is UTF-8 everywhere. A document is a list of blocks (what a loader recognised) and becomes a
 * list of chunks (what is embedded, indexed and cited). Pure functions, any thread. */
#ifndef RAGGED_TEXT_TEXT_H
#define RAGGED_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"

enum text_block_kind {
    TEXT_BLOCK_PARAGRAPH,
    TEXT_BLOCK_HEADING,      /* level 1..6; starts a section, becomes part of the heading path */
    TEXT_BLOCK_LIST_ITEM,    /* level = nesting, 0 outermost */
    TEXT_BLOCK_CODE,         /* line breaks and leading spaces kept */
    TEXT_BLOCK_TABLE_HEADER, /* cells joined by " | "; repeated in each chunk of its table */
    TEXT_BLOCK_TABLE_ROW,
    TEXT_BLOCK_COUNT
};

struct text_block {
    enum text_block_kind kind;
    unsigned level;
    uint32_t page;    /* 1-based; 0: the format has no pages */
    uint32_t line;    /* 1-based line of the source where the block begins; 0: unknown */
    const char *text; /* normalised (text_normalize), valid UTF-8, not terminated; borrowed */
    size_t len;
};

/* Appends `text` in NFC to `out`: line ends become \n, soft hyphens, zero-width and control
 * characters (except \n and \t) go, any bytes that are not UTF-8 become U+FFFD. TEXT_SPACE_COLLAPSE
 * also folds each run of white space to one blank and trims both ends (prose); TEXT_SPACE_KEEP
 * leaves blanks, tabs and line breaks as they are (code). Sticky failure in `out`. */
enum text_space { TEXT_SPACE_COLLAPSE, TEXT_SPACE_KEEP };
void text_normalize(const char *text, size_t len, enum text_space space, struct buf *out);

/* Case folding (Unicode, one language as all others) of text in NFC: what differs in case only
 * becomes the same. The comparisons allocate nothing; < 0, 0 or > 0 as memcmp(). */
void text_fold(const char *text, size_t len, struct buf *out);
int text_compare_folded(const char *a, size_t a_len, const char *b, size_t b_len);
bool text_contains_folded(const char *text, size_t len, const char *part, size_t part_len);

/* The end of the sentence that begins at `from` (< len): an offset in (from, len], trailing white
 * space included, so that walking from 0 covers the text exactly. Knows abbreviations, initials,
 * decimals, versions, ellipses, closing quotes and brackets, and CJK full stops. */
size_t text_sentence_end(const char *text, size_t len, size_t from);

/* How a model counts tokens. count() must be additive over pieces split at white space. */
struct text_counter {
    size_t (*count)(const void *model, const char *text, size_t len);
    const void *model;
};

struct text_chunk_options {
    struct text_counter counter;
    size_t n_tokens_max;     /* of heading path + text together, special tokens not counted */
    size_t n_tokens_overlap; /* whole sentences repeated from the chunk before, at most this many
                                tokens */
    size_t n_heading_max;    /* tokens the title and heading path may take of n_tokens_max; at most
                                half of it counts */
    const char *title;       /* of the document; first part of every heading path; may be NULL */
    const struct cancel *cancel; /* NULL: runs to the end */
};

struct text_chunk {
    uint32_t page, line;           /* where its first own sentence begins (see text_block) */
    uint32_t page_end, line_end;   /* where it ends */
    uint64_t byte_start, byte_end; /* in the document's extracted text: blocks joined by "\n\n" */
    const char *heading; /* "Title > Section > Subsection", cut to n_heading_max; "" if none */
    size_t heading_len;
    const char *text; /* without the heading; terminated; at most n_tokens_max with it */
    size_t len;
    size_t n_tokens; /* of heading and text */
};

/* Cuts a document on structure: never across a heading or a page,
 * preferably between paragraphs, else between
 * sentences, and only when one sentence is too long between words (and inside a word when even one
 * word is too long). All memory is from `arena`. No blocks or only blank ones: *out_n = 0.
 * INVALID: n_tokens_max < 16. LIMIT: more than RAGGED_LIMIT_CHUNKS. CANCELLED. */
enum status text_chunk_document(const struct text_block *blocks, size_t n_blocks,
                                const struct text_chunk_options *options, struct arena *arena,
                                struct text_chunk **out_chunks, size_t *out_n,
                                struct error *err) MUST_USE;

#endif
