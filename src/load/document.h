/* load/document.h - records from the worker become a document; every byte of them is suspicious.
 * One thread at a time. */
#ifndef RAGGED_LOAD_DOCUMENT_H
#define RAGGED_LOAD_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "load/load.h"
#include "load/metadata.h"
#include "load/record.h"

struct document_builder {
    struct arena *arena; /* borrowed; the finished document lives there */
    struct text_block *blocks;
    size_t n_blocks, n_blocks_max, n_text;
    struct load_document document;
    struct metadata metadata;
    bool is_part; /* a part of a file: it may have no text, and says how many lines it has */
    bool has_begun, has_ended, has_lines;
    bool has_failed;  /* a well-formed FAIL came */
    bool was_refused; /* and before any parser ran: the worker is still good */
};

void document_init(struct document_builder *builder, struct arena *arena);
void document_clear(struct document_builder *builder);

/* After END `has_ended` is set. CRASHED: a malformed or unexpected record. LIMIT: more text or
 * blocks than allowed. Any other failure is the worker's own, from a FAIL record. */
enum status document_add(struct document_builder *builder, const struct record *record,
                         struct error *err) MUST_USE;

/* The whole document, moved to the arena; only after `has_ended`. */
enum status document_take(struct document_builder *builder, struct load_document *out,
                          struct error *err) MUST_USE;

#endif
