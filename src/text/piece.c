#include "text/piece.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/heading_path.h"

static enum status add(struct pieces *pieces, const struct piece *piece, struct error *err)
{
    if (pieces->n >= 4 * RAGGED_LIMIT_CHUNKS)
        return error_set(err, STATUS_LIMIT, "more than %zu sentences", 4 * RAGGED_LIMIT_CHUNKS);
    void *grown = pieces->piece;
    enum status status =
        mem_reserve(&grown, &pieces->n_max, pieces->n + 1, sizeof *pieces->piece, err);
    pieces->piece = grown;
    if (!status)
        pieces->piece[pieces->n++] = *piece;
    return status;
}

/* The longest beginning of one word that has at most n_max tokens, at least one character. */
static size_t fit_characters(const struct text_counter *counter, const char *text, size_t len,
                             size_t n_max)
{
    size_t low = 1, high = len;
    while (low < high) {
        size_t middle = utf8_floor(text, len, low + (high - low + 1) / 2);
        if (middle <= low)
            break;
        if (counter->count(counter->model, text, middle) <= n_max)
            low = middle;
        else
            high = middle - 1;
    }
    size_t fit = utf8_floor(text, len, low);
    if (fit > 0)
        return fit;
    uint32_t codepoint;
    return utf8_decode(text, len, &codepoint);
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
        size_t n_tokens, fit = text_fit_words(counter, text + at, len - at, n_max, &n_tokens);
        if (fit == 0) {
            size_t word = 0;
            while (at + word < len && !isspace((unsigned char)text[at + word]))
                word++;
            fit = fit_characters(counter, text + at, word, n_max);
            n_tokens = counter->count(counter->model, text + at, fit);
        }
        piece.text = text + at;
        piece.len = fit;
        piece.n_tokens = n_tokens;
        piece.byte_start = byte_start + at;
        status = add(pieces, &piece, err);
        piece.is_block_start = false;
        at += fit;
        while (at < len && isspace((unsigned char)text[at]))
            at++;
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

enum status pieces_add_block(struct pieces *pieces, const struct text_block *block,
                             uint64_t byte_start, const struct text_counter *counter,
                             size_t n_tokens_max, struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t line = block->line;
    bool is_start = true;
    for (size_t at = 0; at < block->len && !status;) {
        size_t end = end_of_piece(block, at), from = at, stop = end;
        while (stop > from && isspace((unsigned char)block->text[stop - 1]))
            stop--;
        while (block->kind != TEXT_BLOCK_CODE && from < stop &&
               isspace((unsigned char)block->text[from]))
            from++;
        struct piece piece = {
            .block = block,
            .text = block->text + from,
            .len = stop - from,
            .line = line,
            .byte_start = byte_start + from,
            .is_block_start = is_start,
        };
        for (size_t i = at; block->line && i < end; i++)
            line += block->text[i] == '\n';
        at = end;
        if (piece.len == 0)
            continue;
        is_start = false;
        piece.n_tokens = counter->count(counter->model, piece.text, piece.len);
        status = piece.n_tokens <= n_tokens_max
                     ? add(pieces, &piece, err)
                     : add_split(pieces, piece, counter, n_tokens_max, err);
    }
    return status;
}
