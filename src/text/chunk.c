#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/trace.h"
#include "text/heading_path.h"
#include "text/piece.h"

#define TOKENS_MIN 16

/* One document being cut. */
struct chunker {
    const struct text_chunk_options *options;
    struct arena *arena;
    struct pieces section; /* pieces since the last heading */
    struct heading_path path;
    struct heading_text heading;
    struct text_chunk *chunks;
    size_t n_chunks, n_chunks_max;
};

static bool is_prose(const struct piece *piece)
{
    return piece->block->kind == TEXT_BLOCK_PARAGRAPH ||
           piece->block->kind == TEXT_BLOCK_LIST_ITEM || piece->block->kind == TEXT_BLOCK_HEADING;
}

/* A citation opens one page, so a passage stays on it. */
static bool is_same_page(const struct piece *a, const struct piece *b)
{
    return a->block->page == b->block->page;
}

/* What stands between two pieces in a chunk's text; always white space, so that tokens add up. */
static const char *separator(const struct piece *before, const struct piece *piece)
{
    if (!before)
        return "";
    if (before->block == piece->block)
        return piece->block->kind != TEXT_BLOCK_CODE ? " " : piece->is_block_start ? "\n\n" : "\n";
    bool is_line = before->block->kind == piece->block->kind &&
                   piece->block->kind != TEXT_BLOCK_PARAGRAPH &&
                   piece->block->kind != TEXT_BLOCK_CODE;
    bool is_row = before->block->kind == TEXT_BLOCK_TABLE_HEADER &&
                  piece->block->kind == TEXT_BLOCK_TABLE_ROW;
    return is_line || is_row ? "\n" : "\n\n";
}

static enum status add_chunk(struct chunker *c, struct text_chunk *chunk, struct buf *text,
                             struct error *err)
{
    if (c->n_chunks >= RAGGED_LIMIT_CHUNKS)
        return error_set(err, STATUS_LIMIT, "more than %zu passages", RAGGED_LIMIT_CHUNKS);
    void *chunks = c->chunks;
    enum status status =
        mem_reserve(&chunks, &c->n_chunks_max, c->n_chunks + 1, sizeof *c->chunks, err);
    c->chunks = chunks;
    if (!status)
        status = buf_status(text, err);
    if (status)
        return status;
    chunk->text = arena_text(c->arena, buf_text(text), text->len);
    chunk->len = text->len;
    if (!chunk->text)
        return error_nomem(err);
    c->chunks[c->n_chunks++] = *chunk;
    return STATUS_OK;
}

/* Pieces [first, end) of the section, with `prefix` first: a repeated header or overlapping
 * sentences. */
static enum status emit(struct chunker *c, size_t prefix, size_t n_prefix, size_t first, size_t end,
                        struct error *err)
{
    const struct piece *pieces = c->section.piece, *before = NULL;
    struct text_chunk chunk = {
        .page = pieces[first].block->page,
        .line = pieces[first].line,
        .page_end = pieces[end - 1].block->page,
        .line_end = pieces[end - 1].line,
        .byte_start = pieces[first].byte_start,
        .byte_end = pieces[end - 1].byte_start + pieces[end - 1].len,
        .heading = c->heading.text,
        .heading_len = c->heading.len,
        .n_tokens = c->heading.n_tokens,
    };
    struct buf text = {0};
    for (size_t k = 0; k < n_prefix + (end - first); k++) {
        const struct piece *piece =
            k < n_prefix ? &pieces[prefix + k] : &pieces[first + k - n_prefix];
        buf_append_text(&text, separator(before, piece));
        buf_append(&text, piece->text, piece->len);
        chunk.n_tokens += piece->n_tokens;
        before = piece;
    }
    enum status status = add_chunk(c, &chunk, &text, err);
    buf_clear(&text);
    return status;
}

/* What the chunk that begins at piece `first` repeats: its table's header, or the sentences before
 * it. */
static size_t find_prefix(const struct chunker *c, size_t first, size_t budget, size_t *out_n,
                          size_t *out_n_room)
{
    const struct piece *pieces = c->section.piece;
    *out_n = *out_n_room = 0;
    if (first == 0)
        return 0;
    if (pieces[first].i_header && pieces[first].i_header - 1 < first) {
        const struct piece *header = &pieces[pieces[first].i_header - 1];
        if (header->n_room + pieces[first].n_room <= budget) {
            *out_n = 1;
            *out_n_room = header->n_room;
        }
        return pieces[first].i_header - 1;
    }
    size_t start = first;
    while (start > 0 && is_prose(&pieces[first]) && is_prose(&pieces[start - 1]) &&
           is_same_page(&pieces[first], &pieces[start - 1]) &&
           *out_n_room + pieces[start - 1].n_room <= c->options->n_tokens_overlap &&
           *out_n_room + pieces[start - 1].n_room + pieces[first].n_room <= budget) {
        start--;
        *out_n_room += pieces[start].n_room;
    }
    *out_n = first - start;
    return start;
}

/* What is still to be packed of a section. */
struct rest {
    size_t n_room;
    size_t n_fit;    /* what the next chunk has room for */
    size_t n_shares; /* chunks the rest needs */
};

/* A chunk of size `n_own` may end before `next`: at a block's end once three quarters of an even
 * share are in; inside a block at the even share, if the others can take the rest. */
static bool is_good_end(const struct rest *rest, size_t n_own, const struct piece *next)
{
    if (rest->n_shares < 2)
        return false;
    size_t share = (rest->n_room + rest->n_shares - 1) / rest->n_shares;
    if (next->is_block_start && n_own >= share - share / 4)
        return true;
    return n_own + next->n_room / 2 > share &&
           rest->n_room - n_own <= (rest->n_shares - 1) * rest->n_fit;
}

static enum status pack_section(struct chunker *c, struct error *err)
{
    const struct piece *pieces = c->section.piece;
    size_t n = c->section.n, budget = c->options->n_tokens_max - c->heading.n_tokens;
    struct rest rest = {0};
    for (size_t i = 0; i < n; i++)
        rest.n_room += pieces[i].n_room;
    enum status status = STATUS_OK;
    for (size_t first = 0, end; first < n && !status; first = end) {
        size_t n_prefix, n_prefix_room, n_own = pieces[first].n_room;
        size_t prefix = find_prefix(c, first, budget, &n_prefix, &n_prefix_room);
        rest.n_fit = budget - n_prefix_room;
        rest.n_shares = rest.n_fit ? (rest.n_room + rest.n_fit - 1) / rest.n_fit : 1;
        for (end = first + 1; end < n && n_own + pieces[end].n_room <= rest.n_fit; end++) {
            if (!is_same_page(&pieces[first], &pieces[end]) ||
                is_good_end(&rest, n_own, &pieces[end]))
                break;
            n_own += pieces[end].n_room;
        }
        rest.n_room -= n_own;
        status = emit(c, prefix, n_prefix, first, end, err);
    }
    c->section.n = 0;
    return status;
}

/* A heading with nothing under it, or one too long for the path, becomes text as well. */
static bool is_lost_in_path(const struct chunker *c, const struct text_block *heading,
                            const struct text_block *next)
{
    const struct text_counter *counter = &c->options->counter;
    bool is_empty = !next || (next->kind == TEXT_BLOCK_HEADING && next->level <= heading->level);
    return is_empty ||
           counter->count(counter->model, heading->text, heading->len) > c->options->n_heading_max;
}

static enum status enter_heading(struct chunker *c, const struct text_block *block,
                                 struct error *err)
{
    heading_path_enter(&c->path, block);
    return heading_path_join(&c->path, c->options, c->arena, &c->heading, err);
}

/* Rows learn where their header is, so that it can be repeated. */
static void link_rows(struct chunker *c, size_t first, const struct text_block *block,
                      size_t *i_header)
{
    if (block->kind == TEXT_BLOCK_TABLE_HEADER)
        *i_header = first + 1;
    else if (block->kind != TEXT_BLOCK_TABLE_ROW)
        *i_header = 0;
    for (size_t i = first; block->kind == TEXT_BLOCK_TABLE_ROW && i < c->section.n; i++)
        c->section.piece[i].i_header = *i_header;
}

static enum status cut_blocks(struct chunker *c, const struct text_block *blocks, size_t n_blocks,
                              struct error *err)
{
    uint64_t byte_start = 0;
    size_t i_header = 0;
    enum status status = heading_path_join(&c->path, c->options, c->arena, &c->heading, err);
    for (size_t i = 0; i < n_blocks && !status; i++) {
        const struct text_block *block = &blocks[i], *next = i + 1 < n_blocks ? block + 1 : NULL;
        bool is_heading = block->kind == TEXT_BLOCK_HEADING;
        if (is_heading) {
            status = pack_section(c, err);
            i_header = 0;
            if (!status)
                status = enter_heading(c, block, err);
        }
        bool is_text = !is_heading || is_lost_in_path(c, block, next);
        size_t first = c->section.n;
        if (!status && is_text)
            status = pieces_add_block(&c->section, block, byte_start, &c->options->counter,
                                      c->options->n_tokens_max - c->heading.n_tokens, err);
        if (!status && is_text)
            link_rows(c, first, block, &i_header);
        byte_start += block->len + 2;
    }
    return status ? status : pack_section(c, err);
}

enum status text_chunk_document(const struct text_block *blocks, size_t n_blocks,
                                const struct text_chunk_options *options, struct arena *arena,
                                struct text_chunk **out_chunks, size_t *out_n, struct error *err)
{
    TRACE(TRACE_STAGE_CHUNK);
    if (options->n_tokens_max < TOKENS_MIN)
        return error_set(err, STATUS_INVALID, "a passage of %zu tokens is too small, least is %d",
                         options->n_tokens_max, TOKENS_MIN);
    struct text_chunk_options own = *options;
    own.n_heading_max = size_min(options->n_heading_max, options->n_tokens_max / 2);
    struct chunker c = {.options = &own, .arena = arena, .section = {.cancel = options->cancel}};
    enum status status = cut_blocks(&c, blocks, n_blocks, err);
    if (!status) {
        struct text_chunk *chunks = arena_alloc(arena, (c.n_chunks + 1) * sizeof *chunks);
        if (chunks) {
            if (c.n_chunks > 0)
                memcpy(chunks, c.chunks, c.n_chunks * sizeof *chunks);
            *out_chunks = chunks;
            *out_n = c.n_chunks;
        } else {
            status = error_nomem(err);
        }
    }
    mem_free(c.section.piece);
    mem_free(c.chunks);
    return status;
}
