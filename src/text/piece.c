#include "text/piece.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "text/fit.h"

#define PIECES_A_LOOK 64 /* cut between two looks at whether to go on */

static enum status add(struct pieces *pieces, struct piece piece, struct error *err)
{
    if (pieces->n >= 4 * RAGGED_LIMIT_CHUNKS)
        return error_set(err, STATUS_LIMIT, "more than %zu sentences", 4 * RAGGED_LIMIT_CHUNKS);
    if (pieces->n % PIECES_A_LOOK == 0 && is_cancelled(pieces->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    void *grown = pieces->piece;
    enum status status =
        mem_reserve(&grown, &pieces->n_max, pieces->n + 1, sizeof *pieces->piece, err);
    pieces->piece = grown;
    piece.n_room = fit_room(piece.n_tokens, piece.len);
    if (!status)
        pieces->piece[pieces->n++] = piece;
    return status;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && text_is_blank(text[at]))
        at++;
    return at;
}

/* A sentence that is too long is cut between words, a word that is too long between characters. */
static enum status add_split(struct pieces *pieces, struct piece piece,
                             const struct text_counter *counter, size_t n_max, struct error *err)
{
    enum status status = STATUS_OK;
    const char *text = piece.text;
    size_t len = piece.len;
    uint64_t byte_start = piece.byte_start;
    for (size_t at = 0; at < len && !status;) {
        size_t fit = fit_words(counter, text + at, len - at, n_max, &piece.n_tokens);
        if (fit == 0) {
            at = skip_blanks(text, len, at);
            fit = fit_characters(counter, text + at, len - at, n_max, &piece.n_tokens);
        }
        piece.text = text + at;
        piece.byte_start = byte_start + at;
        piece.len = fit;
        status = add(pieces, piece, err);
        piece.is_block_start = false;
        at = skip_blanks(text, len, at + fit);
    }
    return status;
}

static size_t end_of_piece(const struct text_block *block, size_t at)
{
    if (block->kind == TEXT_BLOCK_PARAGRAPH || block->kind == TEXT_BLOCK_LIST_ITEM ||
        block->kind == TEXT_BLOCK_HEADING)
        return text_sentence_end(block->text, block->len, at);
    if (block->kind != TEXT_BLOCK_CODE)
        return block->len;
    const char *line_end = memchr(block->text + at, '\n', block->len - at);
    return line_end ? (size_t)(line_end - block->text) + 1 : block->len;
}

/* Blanks at the ends go; a line of code keeps those in front. */
static void trim(struct piece *piece)
{
    while (piece->len > 0 && text_is_blank(piece->text[piece->len - 1]))
        piece->len--;
    if (piece->block->kind == TEXT_BLOCK_CODE)
        return;
    size_t n = skip_blanks(piece->text, piece->len, 0);
    piece->text += n;
    piece->len -= n;
    piece->byte_start += n;
}

static uint32_t count_lines(const char *text, size_t len)
{
    uint32_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

enum status pieces_add_block(struct pieces *pieces, const struct text_block *block,
                             uint64_t byte_start, const struct text_counter *counter,
                             size_t n_tokens_max, struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t line = block->line;
    bool is_start = true;
    for (size_t at = 0, end; at < block->len && !status; at = end) {
        end = end_of_piece(block, at);
        struct piece piece = {
            .block = block,
            .text = block->text + at,
            .len = end - at,
            .line = line,
            .byte_start = byte_start + at,
            .is_block_start = is_start,
        };
        if (block->line)
            line += count_lines(block->text + at, end - at);
        trim(&piece);
        is_start |= block->kind == TEXT_BLOCK_CODE; /* an empty line starts a paragraph of code */
        if (piece.len == 0)
            continue;
        is_start = false;
        piece.n_tokens = counter->count(counter->model, piece.text, piece.len);
        bool is_whole = piece.n_tokens <= n_tokens_max && !fit_has_long_word(piece.text, piece.len);
        status = is_whole ? add(pieces, piece, err)
                          : add_split(pieces, piece, counter, n_tokens_max, err);
    }
    return status;
}
