/* Everything that reading takes on trust, looked at once. */
#include <string.h>

#include "base/mem.h"
#include "lexical/lexical_index.h"
#include "lexical/positions.h"
#include "lexical/postings.h"
#include "lexical/terms.h"

struct checker {
    const struct lexical_index *index;
    const struct lexical_kernel *kernel;
    struct dictionary_cursor terms;
    struct positions_cursor positions;
    char previous[TERM_BYTES_MAX];
    size_t previous_len;
    struct block block;
};

static enum status damaged(const struct checker *c, const char *what, struct error *err)
{
    return error_set(err, STATUS_DAMAGED, "%s of term %zu", what, c->terms.i_next);
}

static float impact_of(const struct lexical_index *index, uint32_t row, uint32_t tf)
{
    double base = index->k1 * (1 - index->b), slope = index->k1 * index->b / index->mean_length;
    return (float)(tf / (tf + base + slope * index->lengths[row]));
}

/* Rounding of the writer's fp32 is far below this. */
#define IMPACT_SLACK 1e-6f

static enum status check_impacts(const struct checker *c, size_t i, struct error *err)
{
    const struct list *list = &c->terms.list;
    if (list->n_blocks == 0)
        return STATUS_OK;
    float bound = list->max_impact * c->index->block_impacts[list->first_block + i] / IMPACT_STEPS;
    for (size_t k = 0; k < c->block.n; k++)
        if (impact_of(c->index, c->block.rows[k], c->block.tfs[k]) > bound * (1 + IMPACT_SLACK))
            return damaged(c, "an impact is above the bound", err);
    return STATUS_OK;
}

static enum status check_positions(const struct checker *c, struct span_reader *reader,
                                   struct error *err)
{
    for (size_t k = 0; k < c->block.n; k++)
        for (uint32_t p = 0; p < c->block.tfs[k]; p++)
            span_take_varint(reader);
    return reader->is_short ? damaged(c, "positions are missing", err) : STATUS_OK;
}

/* Reading sees to it that rows ascend, and that full blocks end where they should. */
static enum status check_block(struct checker *c, struct span positions, size_t i,
                               struct span_reader *reader, struct error *err)
{
    const struct list *list = &c->terms.list;
    if (!postings_read(c->index, c->kernel, list, i, &c->block))
        return damaged(c, "postings are damaged", err);
    if (list->n_blocks && list_last_row(c->index, list, i) != c->block.rows[c->block.n - 1])
        return damaged(c, "a block does not end where it should", err);
    if (positions_of_block(positions, list, i).at != reader->at)
        return damaged(c, "positions are not where they should be", err);
    enum status status = check_impacts(c, i, err);
    return status ? status : check_positions(c, reader, err);
}

static enum status check_list(struct checker *c, struct error *err)
{
    struct span positions = {0};
    if (term_compare(c->previous, c->previous_len, c->terms.term, c->terms.len) >= 0)
        return damaged(c, "the order", err);
    memcpy(c->previous, c->terms.term, c->terms.len);
    c->previous_len = c->terms.len;
    if (!positions_next(&c->positions, &positions) ||
        positions_of_list(c->index, &c->terms.list).bytes != positions.bytes)
        return damaged(c, "a list of positions is not where it should be", err);
    struct span_reader reader = positions_of_block(positions, &c->terms.list, 0);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < list_n_blocks(&c->terms.list) && !status; i++)
        status = check_block(c, positions, i, &reader, err);
    if (!status && reader.n_left != 0)
        status = damaged(c, "there are too many positions", err);
    return status;
}

static enum status check_lengths(const struct lexical_index *index, struct error *err)
{
    uint64_t n_terms = 0;
    for (size_t row = 0; row < index->n_rows; row++)
        n_terms += index->lengths[row];
    if (n_terms != index->n_terms)
        return error_set(err, STATUS_DAMAGED, "the lengths of the rows don't add up");
    return STATUS_OK;
}

enum status lexical_index_check(const struct lexical_index *index, struct error *err)
{
    struct checker *c = mem_aligned(1, sizeof *c);
    if (!c)
        return error_nomem(err);
    *c = (struct checker){.index = index, .kernel = lexical_kernel_best()};
    dictionary_begin(&c->terms, index);
    positions_begin(&c->positions, index);
    enum status status = check_lengths(index, err);
    while (!status && dictionary_next(&c->terms))
        status = check_list(c, err);
    if (!status && c->terms.is_damaged)
        status = damaged(c, "the dictionary is damaged at or before the entry", err);
    if (!status && c->positions.reader.n_left > 0)
        status = error_set(err, STATUS_DAMAGED, "there are positions of no term");
    mem_free(c);
    return status;
}
