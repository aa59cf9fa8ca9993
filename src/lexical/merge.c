/* Lists become one, term by term; then their positions, in a second walk, so that no more than one
 * list is held. */
#include <string.h>

#include "base/mem.h"
#include "lexical/index_writer.h"
#include "lexical/lexical_index.h"
#include "lexical/positions.h"
#include "lexical/postings.h"
#include "lexical/terms.h"
#include "lexical/varint.h"

#define TERMS_A_LOOK 64 /* merged between two looks at whether to go on */

struct input {
    const struct lexical_index *index;
    const uint32_t *new_rows; /* [n_rows] */
    struct dictionary_cursor terms;
    struct positions_cursor positions;
    struct span list_positions; /* of the term it stands at, in the second walk */
    uint64_t prefix;            /* of that term */
    bool is_over;
};

/* A posting on its way to its new row. */
struct moved {
    uint32_t row, tf;
    const unsigned char *positions;
    uint32_t positions_len;
};

struct merger {
    const struct segment_writer *writer;
    struct input *inputs;
    size_t n_inputs;
    bool has_positions; /* the second walk */
    bool is_in_order;   /* the inputs' rows, one input after the other */
    const struct lexical_kernel *kernel;
    struct moved *moved, *spare;
    uint32_t *rows, *tfs;
    size_t n, n_max, n_spare_max, n_rows_max, n_tfs_max;
    unsigned char term[TERM_BYTES_MAX]; /* that is being merged */
    size_t len;
    uint64_t prefix;
};

static enum status damaged(const struct input *input, struct error *err)
{
    return error_set(err, STATUS_DAMAGED, "the words of a segment are damaged near term %zu",
                     input->terms.i_next);
}

static enum status step(struct merger *m, struct input *input, struct error *err)
{
    input->is_over = !dictionary_next(&input->terms);
    input->prefix = term_prefix(input->terms.term, input->terms.len);
    if (input->terms.is_damaged)
        return damaged(input, err);
    if (m->has_positions && !input->is_over &&
        !positions_next(&input->positions, &input->list_positions))
        return damaged(input, err);
    return STATUS_OK;
}

static enum status begin(struct merger *m, bool has_positions, struct error *err)
{
    enum status status = STATUS_OK;
    m->has_positions = has_positions;
    for (size_t i = 0; i < m->n_inputs && !status; i++) {
        dictionary_begin(&m->inputs[i].terms, m->inputs[i].index);
        positions_begin(&m->inputs[i].positions, m->inputs[i].index);
        status = step(m, &m->inputs[i], err);
    }
    return status;
}

static bool is_at_term(const struct merger *m, const struct input *input)
{
    return !input->is_over && terms_are_equal(m->term, m->prefix, m->len, input->terms.term,
                                              input->prefix, input->terms.len);
}

static bool is_below(const struct input *a, const struct input *b)
{
    return a->prefix != b->prefix
               ? a->prefix < b->prefix
               : term_compare(a->terms.term, a->terms.len, b->terms.term, b->terms.len) < 0;
}

/* The lowest term of all inputs; false when all are over. */
static bool lowest_term(struct merger *m)
{
    const struct input *lowest = NULL;
    for (size_t i = 0; i < m->n_inputs; i++)
        if (!m->inputs[i].is_over && (!lowest || is_below(&m->inputs[i], lowest)))
            lowest = &m->inputs[i];
    if (!lowest)
        return false;
    memcpy(m->term, lowest->terms.term, lowest->terms.len);
    m->len = lowest->terms.len;
    m->prefix = lowest->prefix;
    return true;
}

static enum status reserve_moved(struct merger *m, size_t n, struct error *err)
{
    void *moved = m->moved;
    enum status status = mem_reserve(&moved, &m->n_max, n, sizeof *m->moved, err);
    m->moved = moved;
    return status;
}

static enum status reserve_list(struct merger *m, size_t n, struct error *err)
{
    void *rows = m->rows, *tfs = m->tfs;
    enum status status = mem_reserve(&rows, &m->n_rows_max, n, sizeof *m->rows, err);
    m->rows = rows;
    if (!status)
        status = mem_reserve(&tfs, &m->n_tfs_max, n, sizeof *m->tfs, err);
    m->tfs = tfs;
    return status;
}

/* ---- rows that come in any order ---- */

static enum status move_block(struct merger *m, struct input *input, const struct block *block,
                              struct span_reader *positions, struct error *err)
{
    for (size_t k = 0; k < block->n; k++) {
        const unsigned char *start = positions->at;
        if (m->has_positions)
            varints_skip(positions, block->tfs[k]);
        if (positions->is_short)
            return damaged(input, err);
        uint32_t row = input->new_rows[block->rows[k]];
        if (row != SEGMENT_ROW_NONE)
            m->moved[m->n++] = (struct moved){.row = row,
                                              .tf = block->tfs[k],
                                              .positions = start,
                                              .positions_len = (uint32_t)(positions->at - start)};
    }
    return STATUS_OK;
}

static enum status move_list(struct merger *m, struct input *input, struct error *err)
{
    const struct list *list = &input->terms.list;
    struct span_reader positions = {0};
    struct block block;
    enum status status = reserve_moved(m, m->n + list->df, err);
    if (m->has_positions)
        positions = positions_of_block(input->list_positions, list, 0);
    for (size_t i = 0; i < list_n_blocks(list) && !status; i++) {
        if (!postings_read(input->index, m->kernel, list, i, &block))
            return damaged(input, err);
        status = move_block(m, input, &block, &positions, err);
    }
    return status;
}

/* Inputs mostly follow each other: then nothing is out of order. Otherwise two ascending runs at a
 * time become one. */
static enum status merge_runs(struct merger *m, size_t first, struct error *err)
{
    if (first == 0 || first == m->n || m->moved[first - 1].row < m->moved[first].row)
        return STATUS_OK;
    void *spare = m->spare;
    enum status status = mem_reserve(&spare, &m->n_spare_max, first, sizeof *m->spare, err);
    m->spare = spare;
    if (status)
        return status;
    memcpy(m->spare, m->moved, first * sizeof *m->moved);
    for (size_t a = 0, b = first, out = 0; a < first; out++) {
        bool is_second = b < m->n && m->moved[b].row < m->spare[a].row;
        m->moved[out] = is_second ? m->moved[b++] : m->spare[a++];
    }
    return STATUS_OK;
}

static enum status split_moved(struct merger *m, struct error *err)
{
    enum status status = reserve_list(m, m->n, err);
    for (size_t i = 0; i < m->n && !status; i++) {
        m->rows[i] = m->moved[i].row;
        m->tfs[i] = m->moved[i].tf;
    }
    return status;
}

static void put_moved_positions(const struct merger *m, struct position_writer *writer)
{
    for (size_t i = 0; i < m->n; i++) {
        if (i > 0 && i % BLOCK_POSTINGS == 0)
            position_writer_end_block(writer);
        position_writer_add(writer, m->moved[i].positions, m->moved[i].positions_len);
    }
}

/* ---- rows in order ---- */

static enum status copy_list(struct merger *m, struct input *input, struct error *err)
{
    const struct list *list = &input->terms.list;
    struct block block;
    enum status status = reserve_list(m, m->n + list->df + 1, err);
    for (size_t i = 0; i < list_n_blocks(list) && !status; i++) {
        if (!postings_read(input->index, m->kernel, list, i, &block))
            return damaged(input, err);
        for (size_t k = 0; k < block.n; k++) {
            m->rows[m->n] = input->new_rows[block.rows[k]];
            m->tfs[m->n] = block.tfs[k];
            m->n += m->rows[m->n] != SEGMENT_ROW_NONE;
        }
    }
    return status;
}

/* What stays is copied in runs, which end at a row that goes and at the end of a written block. */
static bool copy_block_positions(struct merger *m, const struct input *input,
                                 const struct block *block, struct span_reader *positions,
                                 struct position_writer *writer)
{
    const unsigned char *run = positions->at;
    for (size_t k = 0; k < block->n; k++) {
        const unsigned char *start = positions->at;
        bool stays = input->new_rows[block->rows[k]] != SEGMENT_ROW_NONE;
        bool begins_block = stays && m->n > 0 && m->n % BLOCK_POSTINGS == 0;
        if (!stays || begins_block) {
            position_writer_add(writer, run, (size_t)(start - run));
            run = start;
        }
        if (begins_block)
            position_writer_end_block(writer);
        varints_skip(positions, block->tfs[k]);
        if (!stays)
            run = positions->at;
        m->n += stays;
    }
    if (!positions->is_short)
        position_writer_add(writer, run, (size_t)(positions->at - run));
    return !positions->is_short;
}

static enum status copy_positions(struct merger *m, struct input *input,
                                  struct position_writer *writer, struct error *err)
{
    const struct list *list = &input->terms.list;
    struct span_reader positions = positions_of_block(input->list_positions, list, 0);
    struct block block;
    for (size_t i = 0; i < list_n_blocks(list); i++)
        if (!postings_read(input->index, m->kernel, list, i, &block) ||
            !copy_block_positions(m, input, &block, &positions, writer))
            return damaged(input, err);
    return STATUS_OK;
}

/* ---- the walks ---- */

/* Gathers the postings of the term that is next, ascending by row. In the second walk rows that are
 * in order are written at once. */
static enum status gather(struct merger *m, struct position_writer *writer, struct error *err)
{
    enum status status = STATUS_OK;
    m->n = 0;
    for (size_t i = 0; i < m->n_inputs && !status; i++) {
        struct input *input = &m->inputs[i];
        size_t first = m->n;
        if (!is_at_term(m, input))
            continue;
        if (!m->is_in_order)
            status = move_list(m, input, err);
        else if (m->has_positions)
            status = copy_positions(m, input, writer, err);
        else
            status = copy_list(m, input, err);
        if (!status && !m->is_in_order)
            status = merge_runs(m, first, err);
        if (!status)
            status = step(m, input, err);
    }
    return status;
}

static enum status merge_lists(struct merger *m, struct index_writer *writer, struct error *err)
{
    enum status status = begin(m, false, err);
    for (size_t i = 0; !status && lowest_term(m); i++) {
        status = gather(m, NULL, err);
        if (!status && !m->is_in_order)
            status = split_moved(m, err);
        if (!status && m->n > 0)
            index_writer_add(writer, m->term, m->len, m->rows, m->tfs, m->n);
        if (!status && i % TERMS_A_LOOK == 0)
            status = segment_writer_status(m->writer, err);
    }
    return status ? status : index_writer_finish(writer, err);
}

static enum status merge_positions(struct merger *m, struct position_writer *writer,
                                   struct error *err)
{
    enum status status = begin(m, true, err);
    for (size_t i = 0; !status && lowest_term(m); i++) {
        status = gather(m, writer, err);
        if (!status && !m->is_in_order)
            put_moved_positions(m, writer);
        if (!status && m->n > 0)
            position_writer_end_list(writer);
        if (!status && i % TERMS_A_LOOK == 0)
            status = segment_writer_status(m->writer, err);
    }
    return status ? status : position_writer_finish(writer, err);
}

static bool are_in_order(const struct merger *m)
{
    int64_t last = -1;
    for (size_t i = 0; i < m->n_inputs; i++)
        for (size_t row = 0; row < m->inputs[i].index->n_rows; row++) {
            uint32_t new_row = m->inputs[i].new_rows[row];
            if (new_row == SEGMENT_ROW_NONE)
                continue;
            if (new_row <= last)
                return false;
            last = new_row;
        }
    return true;
}

static void copy_lengths(const struct merger *m, uint16_t *out)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        const struct input *input = &m->inputs[i];
        for (size_t row = 0; row < input->index->n_rows; row++)
            if (input->new_rows[row] != SEGMENT_ROW_NONE)
                out[input->new_rows[row]] = input->index->lengths[row];
    }
}

enum status lexical_merge(const struct lexical_index *const *inputs,
                          const struct segment_merge *merge, struct lexical_params params,
                          struct segment_writer *writer, struct error *err)
{
    struct index_writer lists = {0};
    struct position_writer positions = {0};
    struct merger m = {
        .writer = writer, .n_inputs = merge->n_inputs, .kernel = lexical_kernel_best()};
    uint16_t *lengths = mem_zalloc(merge->n_rows, sizeof *lengths);
    m.inputs = mem_zalloc(merge->n_inputs, sizeof *m.inputs);
    enum status status = lengths && m.inputs ? STATUS_OK : error_nomem(err);
    if (status)
        goto done;
    for (size_t i = 0; i < merge->n_inputs; i++) {
        m.inputs[i].index = inputs[i];
        m.inputs[i].new_rows = merge->inputs[i].new_rows;
    }
    m.is_in_order = are_in_order(&m);
    copy_lengths(&m, lengths);
    index_writer_init(&lists, writer, lengths, merge->n_rows, params);
    status = merge_lists(&m, &lists, err);
    if (status)
        goto done;
    position_writer_init(&positions);
    position_writer_begin(&positions, writer);
    status = merge_positions(&m, &positions, err);
done:
    index_writer_clear(&lists);
    position_writer_clear(&positions);
    mem_free(m.moved);
    mem_free(m.spare);
    mem_free(m.rows);
    mem_free(m.tfs);
    mem_free(m.inputs);
    mem_free(lengths);
    return status;
}
