/* The rows of a segment: reading the section, finding a chunk or a document in it. */
#include "base/checked.h"
#include "segment/segment_format.h"

static enum status damaged(struct error *err)
{
    return error_set(err, STATUS_DAMAGED, "its list of rows is damaged");
}

enum status segment_rows_read(struct span section, struct segment_rows *out, struct error *err)
{
    struct span_reader reader = span_reader_init(section.bytes, section.len);
    uint64_t n = span_take_u64(&reader), n_documents = span_take_u64(&reader);
    int64_t first = (int64_t)span_take_u64(&reader);
    uint64_t reserved = span_take_u64(&reader);
    if (reader.is_short || reserved != 0 || n > SEGMENT_N_ROWS_MAX || n_documents > n ||
        first < 0 || first > INT64_MAX - (int64_t)UINT32_MAX)
        return damaged(err);
    struct segment_rows rows = {
        .n = (size_t)n, .n_documents = (size_t)n_documents, .first_chunk_id = first};
    rows.offsets = span_take(&reader, (rows.n + rows.n % 2) * sizeof *rows.offsets);
    rows.document_ids = span_take(&reader, rows.n_documents * sizeof *rows.document_ids);
    rows.first_rows = span_take(&reader, (rows.n_documents + 1) * sizeof *rows.first_rows);
    if (reader.is_short || reader.n_left != 0)
        return damaged(err);
    *out = rows;
    return STATUS_OK;
}

enum status segment_rows_check(const struct segment_rows *rows, struct error *err)
{
    for (size_t i = 1; i < rows->n; i++)
        if (rows->offsets[i] <= rows->offsets[i - 1])
            return damaged(err);
    for (size_t i = 0; i < rows->n_documents; i++)
        if (rows->first_rows[i] >= rows->first_rows[i + 1])
            return damaged(err);
    if (rows->first_rows[0] != 0 || rows->first_rows[rows->n_documents] != rows->n)
        return damaged(err);
    return STATUS_OK;
}

size_t segment_n_rows(const struct segment *segment)
{
    return segment_rows_of(segment)->n;
}

int64_t segment_chunk_id(const struct segment *segment, size_t row)
{
    const struct segment_rows *rows = segment_rows_of(segment);
    return rows->first_chunk_id + rows->offsets[row];
}

size_t segment_lower_row(const struct segment *segment, int64_t chunk_id)
{
    const struct segment_rows *rows = segment_rows_of(segment);
    if (chunk_id <= rows->first_chunk_id)
        return 0;
    uint64_t offset = (uint64_t)(chunk_id - rows->first_chunk_id);
    size_t first = 0, n = rows->n;
    while (n > 0) {
        size_t half = n / 2;
        if (rows->offsets[first + half] < offset) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

bool segment_find_row(const struct segment *segment, int64_t chunk_id, size_t *out_row)
{
    size_t row = segment_lower_row(segment, chunk_id);
    if (row == segment_n_rows(segment) || segment_chunk_id(segment, row) != chunk_id)
        return false;
    *out_row = row;
    return true;
}

size_t segment_n_documents(const struct segment *segment)
{
    return segment_rows_of(segment)->n_documents;
}

int64_t segment_document_id(const struct segment *segment, size_t i_document)
{
    return segment_rows_of(segment)->document_ids[i_document];
}

/* Held within the rows whatever the file says: not every open looks at all of it. */
void segment_document_rows(const struct segment *segment, size_t i_document, size_t *out_first,
                           size_t *out_end)
{
    const struct segment_rows *rows = segment_rows_of(segment);
    size_t end = size_min(rows->first_rows[i_document + 1], rows->n);
    *out_first = size_min(rows->first_rows[i_document], end);
    *out_end = end;
}

int64_t segment_document_of_row(const struct segment *segment, size_t row)
{
    const struct segment_rows *rows = segment_rows_of(segment);
    size_t first = 0, n = rows->n_documents;
    while (n > 1) {
        size_t half = n / 2;
        if (rows->first_rows[first + half] <= row) {
            first += half;
            n -= half;
        } else {
            n = half;
        }
    }
    return rows->document_ids[first];
}
