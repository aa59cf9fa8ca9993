#include "index/flush.h"

#include "base/fault.h"
#include "base/trace.h"
#include "governor/disk_reserve.h"
#include "index/new_segment.h"

#define FLUSH_ROWS_MAX 4096 /* so the transaction that takes them over stays short */
#define ROW_BYTES 1024      /* of a segment and of the log, at most */

struct flush {
    struct new_segment segment;
    struct lexical_builder *builder; /* NULL: vectors */
};

static enum status add_words(void *ctx, const struct store_tail_row *row, struct error *err)
{
    struct flush *flush = ctx;
    enum status status =
        lexical_builder_add(flush->builder, row->terms, row->terms_len, row->n_terms, err);
    return status ? status
                  : row_list_add(&flush->segment.rows, row->chunk_id, row->document_id, 0, err);
}

static enum status add_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    struct flush *flush = ctx;
    return row_list_add(&flush->segment.rows, row->chunk_id, row->document_id, row->slot, err);
}

static enum status build_words(struct maintainer *m, struct flush *flush, struct error *err)
{
    enum status status = lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &flush->builder, err);
    if (!status)
        status = store_each_tail(m->store, 0, FLUSH_ROWS_MAX, add_words, flush, err);
    if (!status)
        status = lexical_builder_write(flush->builder, flush->segment.writer, err);
    lexical_builder_free(flush->builder);
    return status;
}

static enum status build_codes(struct maintainer *m, struct flush *flush, struct error *err)
{
    struct store_vectors vectors = {0};
    enum status status =
        store_each_vector_tail(m->store, 0, FLUSH_ROWS_MAX, add_vector, flush, err);
    if (!status)
        status = store_map_vectors(m->store, &vectors, err);
    const struct vector_rows rows = {
        .bytes = vectors.rows,
        .n_slots = vectors.n_slots,
        .dim = vectors.row_bytes / sizeof(uint16_t),
    };
    return status ? status : new_segment_write_codes(&flush->segment, &rows, m->n_threads, err);
}

static enum status build(struct maintainer *m, enum store_kind kind, struct flush *flush,
                         struct error *err)
{
    enum status status = store_read_begin(m->store, err);
    if (status)
        return status;
    status = new_segment_init(&flush->segment, kind, NULL, m, err);
    if (!status)
        status =
            kind == STORE_KIND_LEXICAL ? build_words(m, flush, err) : build_codes(m, flush, err);
    store_read_end(m->store);
    if (!status)
        status = new_segment_publish(&flush->segment, err);
    (void)fault_hit("segment.published");
    return status;
}

/* One document after the other: what a document lost meanwhile is dead from the start. */
static enum status take_rows(struct store *store, const struct new_segment *s, struct error *err)
{
    const struct row_list *rows = &s->rows;
    enum status status = STATUS_OK;
    for (size_t first = 0, end; first < rows->n && !status; first = end) {
        end = first + 1;
        while (end < rows->n && rows->document_ids[end] == rows->document_ids[first])
            end++;
        status = store_take_tail(store, s->kind, rows->chunk_ids + first, end - first, err);
    }
    return status;
}

static enum status commit(struct maintainer *m, struct new_segment *segment, struct error *err)
{
    enum status status = store_write_begin(m->store, err);
    if (status)
        return status;
    status = new_segment_list(segment, m->store, err);
    if (!status)
        status = take_rows(m->store, segment, err);
    if (!status) {
        new_segment_keep(segment);
        status = store_write_commit(m->store, err);
    }
    store_write_rollback(m->store);
    return status;
}

enum status flush_tail(struct maintainer *maintainer, enum store_kind kind, size_t n_rows_min,
                       bool *out_has_flushed, struct error *err)
{
    struct flush flush = {0};
    size_t n_words = 0, n_vectors = 0;
    enum status status = store_count_tail(maintainer->store, &n_words, &n_vectors, err);
    size_t n = kind == STORE_KIND_LEXICAL ? n_words : n_vectors;
    if (status || n == 0 || n < n_rows_min)
        return status;
    /* The tail serves searches too; a segment is not worth the last of a disk. */
    if (disk_reserve_check(maintainer->folder, 1, n * ROW_BYTES, 0, NULL))
        return STATUS_OK;
    TRACE(TRACE_STAGE_FLUSH);
    status = build(maintainer, kind, &flush, err);
    if (!status)
        status = commit(maintainer, &flush.segment, err);
    new_segment_clear(&flush.segment);
    if (status == STATUS_INVALID)
        return STATUS_OK; /* the library was cleared or got another model meanwhile */
    if (!status)
        *out_has_flushed = true;
    return status;
}
