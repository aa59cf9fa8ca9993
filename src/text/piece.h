/* text/piece.h - the smallest units a chunk is packed from: sentences, lines, rows. Private to
 * text/. */
#ifndef RAGGED_TEXT_PIECE_H
#define RAGGED_TEXT_PIECE_H

#include <stdbool.h>

#include "text/text.h"

struct piece {
    const struct text_block *block;
    const char
        *text; /* borrowed from the block; no blanks at its ends (code keeps its leading ones) */
    size_t len, n_tokens;
    size_t n_room; /* see fit_room() */
    uint32_t line;
    uint64_t byte_start;
    bool is_block_start; /* in code also: behind an empty line */
    size_t i_header;     /* rows: index + 1 of their table's header among the pieces; 0: none */
};

struct pieces {
    struct piece *piece;
    size_t n, n_max;
    const struct cancel *cancel; /* NULL: never */
};

/* Appends the pieces of one block, each of at most n_tokens_max tokens. `byte_start` is the block's
 * place in the extracted text. */
enum status pieces_add_block(struct pieces *pieces, const struct text_block *block,
                             uint64_t byte_start, const struct text_counter *counter,
                             size_t n_tokens_max, struct error *err) MUST_USE;

#endif
