#include "lexical/lookup.h"

#include <string.h>

#include "base/mem.h"

static uint32_t *new_array(struct lexical_lookup *lookup, size_t n)
{
    size_t n_padded = (n + KERNEL_LANES_MAX - 1) / KERNEL_LANES_MAX * KERNEL_LANES_MAX;
    return arena_zalloc(&lookup->arena, n_padded, sizeof(uint32_t));
}

static enum status make_array(struct lexical_lookup *lookup, struct lookup_term *term, size_t n,
                              struct error *err)
{
    term->df = (uint32_t)n;
    term->rows = new_array(lookup, n);
    term->tfs = new_array(lookup, n);
    term->scores = (int32_t *)new_array(lookup, n);
    return term->rows && term->tfs && term->scores ? STATUS_OK : error_nomem(err);
}

static enum status read_short(struct lexical_lookup *lookup, struct lookup_term *term,
                              struct error *err)
{
    struct block block;
    postings_read(lookup->index, lookup->kernel, &term->list, 0, &block);
    enum status status = make_array(lookup, term, block.n, err);
    if (!status && block.n > 0) {
        memcpy(term->rows, block.rows, block.n * sizeof *term->rows);
        memcpy(term->tfs, block.tfs, block.n * sizeof *term->tfs);
    }
    return status;
}

static enum status make_blocks(struct lexical_lookup *lookup, struct lookup_term *term,
                               struct error *err)
{
    term->df = term->list.df;
    term->block = arena_alloc(&lookup->arena, sizeof *term->block + _Alignof(struct block));
    term->scores = (int32_t *)new_array(lookup, BLOCK_POSTINGS);
    if (!term->block || !term->scores)
        return error_nomem(err);
    uintptr_t at = (uintptr_t)term->block;
    at = (at + _Alignof(struct block) - 1) / _Alignof(struct block) * _Alignof(struct block);
    term->block = (struct block *)at;
    return STATUS_OK;
}

/* Adds the tfs of every list that the cursor passes to those of the rows. */
static void add_up(struct lexical_lookup *lookup, const struct lexical_query_term *prefix,
                   uint32_t *tf_of_row)
{
    struct dictionary_cursor cursor;
    struct block block;
    bool is_there = dictionary_seek(&cursor, lookup->index, prefix->term, prefix->len);
    for (; is_there && dictionary_has_prefix(&cursor, prefix->term, prefix->len);
         is_there = dictionary_next(&cursor))
        for (size_t i = 0; i < list_n_blocks(&cursor.list); i++)
            if (postings_read(lookup->index, lookup->kernel, &cursor.list, i, &block))
                for (size_t k = 0; k < block.n; k++)
                    tf_of_row[block.rows[k]] =
                        tf_clamp((uint64_t)tf_of_row[block.rows[k]] + block.tfs[k]);
}

static enum status read_prefix(struct lexical_lookup *lookup,
                               const struct lexical_query_term *prefix, struct lookup_term *term,
                               struct error *err)
{
    size_t n_rows = lookup->index->n_rows, n = 0;
    uint32_t *tf_of_row = mem_zalloc(n_rows, sizeof *tf_of_row);
    if (!tf_of_row)
        return error_nomem(err);
    add_up(lookup, prefix, tf_of_row);
    for (size_t row = 0; row < n_rows; row++)
        n += tf_of_row[row] > 0;
    enum status status = make_array(lookup, term, n, err);
    n = 0;
    for (size_t row = 0; !status && row < n_rows; row++)
        if (tf_of_row[row] > 0) {
            term->rows[n] = (uint32_t)row;
            term->tfs[n++] = tf_of_row[row];
        }
    mem_free(tf_of_row);
    return status;
}

static enum status resolve(struct lexical_lookup *lookup, size_t i_term, struct error *err)
{
    const struct lexical_query_term *from = &lookup->query->terms[i_term];
    struct lookup_term *term = &lookup->terms[lookup->n_terms];
    *term = (struct lookup_term){.i_term = (uint32_t)i_term, .i_block = SIZE_MAX};
    enum status status = STATUS_OK;
    if (from->is_prefix) {
        status = read_prefix(lookup, from, term, err);
    } else {
        if (!dictionary_find(lookup->index, from->term, from->len, &term->list))
            return STATUS_OK;
        status =
            term->list.n_blocks ? make_blocks(lookup, term, err) : read_short(lookup, term, err);
    }
    lookup->n_terms += !status && term->df > 0;
    return status;
}

enum status lexical_lookup_new(const struct lexical_index *index, const struct lexical_query *query,
                               struct lexical_lookup **out, struct error *err)
{
    struct lexical_lookup *lookup = mem_zalloc(1, sizeof *lookup);
    if (!lookup)
        return error_nomem(err);
    lookup->index = index;
    lookup->query = query;
    lookup->kernel = lexical_kernel_best();
    lookup->terms = arena_zalloc(&lookup->arena, query->n_terms + 1, sizeof *lookup->terms);
    enum status status = lookup->terms ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < query->n_terms && !status; i++)
        status = resolve(lookup, i, err);
    if (status)
        lexical_lookup_free(lookup);
    else
        *out = lookup;
    return status;
}

void lexical_lookup_free(struct lexical_lookup *lookup)
{
    if (!lookup)
        return;
    mem_free(lookup->space);
    arena_clear(&lookup->arena);
    mem_free(lookup);
}

void lexical_lookup_count(const struct lexical_lookup *lookup, struct lexical_stats *io_stats,
                          struct lexical_query *io_query)
{
    io_stats->n_rows += lookup->index->n_rows;
    io_stats->n_terms += lookup->index->n_terms;
    for (size_t i = 0; i < lookup->n_terms; i++)
        io_query->terms[lookup->terms[i].i_term].df += lookup->terms[i].df;
}

static int32_t score_in_array(const struct lexical_lookup *lookup, struct lookup_term *term,
                              uint32_t row, size_t *io_i)
{
    *io_i += rows_lower_bound(term->rows + *io_i, term->df - *io_i, row);
    if (*io_i == term->df || term->rows[*io_i] != row)
        return 0;
    return score_of(lookup_weights(lookup, term), term->tfs[*io_i], lookup->index->lengths[row]);
}

/* The block that can have the row: doubling steps, then halves. */
static size_t block_of(const uint32_t *last_rows, size_t n, size_t i, uint32_t row)
{
    size_t step = 1;
    while (i + step < n && last_rows[i + step - 1] < row) {
        i += step;
        step *= 2;
    }
    size_t n_left = n - i < step ? n - i : step;
    return i + rows_lower_bound(last_rows + i, n_left, row);
}

int32_t lookup_score_at(const struct lexical_lookup *lookup, struct lookup_term *term, uint32_t row,
                        size_t *io_i)
{
    if (lookup_is_array(term))
        return score_in_array(lookup, term, row, io_i);
    const uint32_t *last_rows = lookup->index->block_rows + term->list.first_block;
    *io_i = block_of(last_rows, term->list.n_blocks, *io_i, row);
    if (*io_i >= term->list.n_blocks)
        return 0;
    lookup_read_rows(lookup, term, *io_i);
    const struct block *block = term->block;
    size_t i = rows_lower_bound(block->rows, block->n, row);
    if (i >= block->n || block->rows[i] != row)
        return 0;
    return score_of(lookup_weights(lookup, term), postings_tf(block, i),
                    lookup->index->lengths[row]);
}

void lexical_lookup_score(struct lexical_lookup *lookup, const uint32_t *rows, size_t n,
                          int32_t *out)
{
    memset(out, 0, n * sizeof *out);
    for (size_t t = 0; t < lookup->n_terms; t++) {
        struct lookup_term *term = &lookup->terms[t];
        size_t at = 0;
        if (lookup->query->terms[term->i_term].weight > 0)
            for (size_t i = 0; i < n; i++)
                out[i] += lookup_score_at(lookup, term, rows[i], &at);
    }
}
