/* The rows of a merged segment. */
#include "base/bitmap.h"
#include "base/mem.h"
#include "segment/segment_format.h"

static bool is_dead(const struct segment_merge_input *input, size_t row)
{
    return input->dead && bitmap_has(input->dead, row);
}

/* The next living row from `row` on, n_rows when there is none. */
static size_t skip_dead(const struct segment_merge_input *input, size_t row)
{
    while (row < segment_n_rows(input->segment) && is_dead(input, row))
        input->new_rows[row++] = SEGMENT_ROW_NONE;
    return row;
}

static enum status alloc_rows(struct segment_merge *merge, size_t *next, struct error *err)
{
    size_t n_max = 0;
    for (size_t i = 0; i < merge->n_inputs; i++) {
        struct segment_merge_input *input = &merge->inputs[i];
        size_t n = segment_n_rows(input->segment);
        input->new_rows = mem_array(n, sizeof *input->new_rows);
        if (!input->new_rows)
            return error_nomem(err);
        n_max += n; /* of 2^31 rows each: no sum of them overflows */
        next[i] = skip_dead(input, 0);
    }
    if (n_max > SEGMENT_N_ROWS_MAX)
        return error_set(err, STATUS_LIMIT, "%zu rows do not fit in one segment", n_max);
    merge->chunk_ids = mem_array(n_max, sizeof *merge->chunk_ids);
    merge->document_ids = mem_array(n_max, sizeof *merge->document_ids);
    return merge->chunk_ids && merge->document_ids ? STATUS_OK : error_nomem(err);
}

/* The input whose next row has the lowest chunk id; n_inputs when all are at their end. */
static size_t find_lowest(const struct segment_merge *merge, const size_t *next)
{
    size_t lowest = merge->n_inputs;
    int64_t lowest_id = INT64_MAX;
    for (size_t i = 0; i < merge->n_inputs; i++) {
        const struct segment *segment = merge->inputs[i].segment;
        if (next[i] == segment_n_rows(segment))
            continue;
        int64_t id = segment_chunk_id(segment, next[i]);
        if (lowest == merge->n_inputs || id < lowest_id) {
            lowest = i;
            lowest_id = id;
        }
    }
    return lowest;
}

static enum status fill(struct segment_merge *merge, size_t *next, struct error *err)
{
    for (size_t i; (i = find_lowest(merge, next)) < merge->n_inputs;) {
        struct segment_merge_input *input = &merge->inputs[i];
        int64_t id = segment_chunk_id(input->segment, next[i]);
        if (merge->n_rows > 0 && merge->chunk_ids[merge->n_rows - 1] >= id)
            return error_set(err, STATUS_INVALID, "two segments have passage %lld", (long long)id);
        merge->chunk_ids[merge->n_rows] = id;
        merge->document_ids[merge->n_rows] = segment_document_of_row(input->segment, next[i]);
        input->new_rows[next[i]] = (uint32_t)merge->n_rows++;
        next[i] = skip_dead(input, next[i] + 1);
    }
    return STATUS_OK;
}

enum status segment_merge_init(struct segment_merge *merge, struct segment_merge_input *inputs,
                               size_t n_inputs, struct error *err)
{
    struct segment_merge m = {.inputs = inputs, .n_inputs = n_inputs};
    for (size_t i = 0; i < n_inputs; i++)
        inputs[i].new_rows = NULL;
    size_t *next = mem_zalloc(n_inputs, sizeof *next);
    enum status status = next ? alloc_rows(&m, next, err) : error_nomem(err);
    if (!status)
        status = fill(&m, next, err);
    mem_free(next);
    if (status)
        segment_merge_clear(&m);
    else
        *merge = m;
    return status;
}

void segment_merge_clear(struct segment_merge *merge)
{
    for (size_t i = 0; i < merge->n_inputs; i++) {
        mem_free(merge->inputs[i].new_rows);
        merge->inputs[i].new_rows = NULL;
    }
    mem_free(merge->chunk_ids);
    mem_free(merge->document_ids);
    *merge = (struct segment_merge){0};
}
