#include "index/rebuild.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "index/dead_ranges.h"
#include "index/ids.h"
#include "index/new_segment.h"

#define PAGE_CHUNKS 1024
#define SEGMENT_ROWS 32768 /* the memory of the words that one segment is built from */
#define SEGMENTS_MAX 4096

struct rebuild {
    struct maintainer *maintainer;
    enum store_kind kind;
    enum maintain_rebuild what;
    struct analyzer *analyzer;
    struct snapshot snapshot;
    const struct snapshot_kind *all;
    struct dead_ranges dead;
    int64_t *tail; /* chunk ids in the tail, ascending */
    size_t n_tail, n_tail_max;
    char (*old)[64]; /* names of segments that go */
    size_t n_old, n_old_max;
    struct new_segment *segments; /* [n], the last one is being filled */
    size_t n_segments, n_segments_max;
    struct lexical_builder *builder;
    bool is_open;
    int64_t last_chunk_id;
    size_t n_page, n_rows;
};

/* ---- what there is ---- */

static enum status note_tail_id(struct rebuild *r, int64_t chunk_id, struct error *err)
{
    void *tail = r->tail;
    enum status status = mem_reserve(&tail, &r->n_tail_max, r->n_tail + 1, sizeof *r->tail, err);
    r->tail = tail;
    if (!status)
        r->tail[r->n_tail++] = chunk_id;
    return status;
}

static enum status note_tail_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    return note_tail_id(ctx, row->chunk_id, err);
}

static enum status note_vector_row(void *ctx, const struct store_vector_row *row, struct error *err)
{
    return note_tail_id(ctx, row->chunk_id, err);
}

static bool is_open_segment(const struct rebuild *r, const char *name)
{
    for (size_t i = 0; i < r->all->n; i++)
        if (strcmp(r->all->segments[i]->name, name) == 0)
            return true;
    return false;
}

static enum status note_old(void *ctx, const struct store_segment *listed, struct error *err)
{
    struct rebuild *r = ctx;
    if (listed->kind != r->kind ||
        (r->what == MAINTAIN_REBUILD_LOST && is_open_segment(r, listed->name)))
        return STATUS_OK;
    void *old = r->old;
    enum status status = mem_reserve(&old, &r->n_old_max, r->n_old + 1, sizeof *r->old, err);
    r->old = old;
    if (!status)
        snprintf(r->old[r->n_old++], sizeof *r->old, "%s", listed->name);
    return status;
}

static enum status read_state(struct rebuild *r, struct error *err)
{
    struct store *store = r->maintainer->store;
    enum status status = store_each_segment(store, note_old, r, err);
    if (!status)
        status = dead_ranges_init(&r->dead, store, r->kind, err);
    if (!status)
        status = r->kind == STORE_KIND_LEXICAL
                     ? store_each_tail(store, 0, SIZE_MAX, note_tail_row, r, err)
                     : store_each_vector_tail(store, 0, SIZE_MAX, note_vector_row, r, err);
    return status;
}

/* In the tail, or in a segment that stays. */
static bool is_covered(const struct rebuild *r, int64_t chunk_id)
{
    size_t row;
    if (ids_find(r->tail, r->n_tail, chunk_id) < r->n_tail)
        return true;
    for (size_t i = 0; r->what == MAINTAIN_REBUILD_LOST && i < r->all->n; i++)
        if (segment_find_row(r->all->segments[i]->segment, chunk_id, &row))
            return true;
    return false;
}

/* ---- new segments ---- */

static enum status begin_segment(struct rebuild *r, struct error *err)
{
    void *segments = r->segments;
    if (r->n_segments == SEGMENTS_MAX)
        return error_set(err, STATUS_LIMIT, "more than %d segments", SEGMENTS_MAX);
    enum status status =
        mem_reserve(&segments, &r->n_segments_max, r->n_segments + 1, sizeof *r->segments, err);
    r->segments = segments;
    if (!status)
        status = new_segment_init(&r->segments[r->n_segments], r->kind,
                                  r->kind == STORE_KIND_LEXICAL ? analyzer_id(r->analyzer) : NULL,
                                  r->maintainer, err);
    if (status)
        return status;
    r->n_segments++;
    r->is_open = true;
    return r->kind == STORE_KIND_LEXICAL
               ? lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &r->builder, err)
               : STATUS_OK;
}

static enum status end_segment(struct rebuild *r, struct error *err)
{
    if (!r->is_open)
        return STATUS_OK;
    struct new_segment *segment = &r->segments[r->n_segments - 1];
    enum status status =
        r->kind == STORE_KIND_LEXICAL
            ? lexical_builder_write(r->builder, segment->writer, err)
            : new_segment_write_codes(segment, &r->snapshot.rows, r->maintainer->n_threads, err);
    lexical_builder_free(r->builder);
    r->builder = NULL;
    r->is_open = false;
    if (!status)
        status = new_segment_publish(segment, err);
    row_list_forget(&segment->rows);
    return status;
}

static enum status add_words(struct rebuild *r, const struct store_chunk *chunk, struct error *err)
{
    struct buf terms = {0};
    uint32_t n_terms = 0;
    const char *const texts[] = {chunk->heading, chunk->text};
    const size_t lens[] = {strlen(chunk->heading), strlen(chunk->text)};
    enum status status = lexical_terms_encode(r->analyzer, texts, lens, 2, &terms, &n_terms, err);
    if (!status)
        status = lexical_builder_add(r->builder, buf_text(&terms), terms.len, n_terms, err);
    buf_clear(&terms);
    return status;
}

static enum status add_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                             const struct store_chunk *chunk, struct error *err)
{
    struct rebuild *r = ctx;
    enum status status = STATUS_OK;
    uint32_t slot = 0;
    bool has_vector = true;
    r->last_chunk_id = chunk_id;
    r->n_page++;
    if (is_covered(r, chunk_id))
        return STATUS_OK;
    if (r->kind == STORE_KIND_VECTOR)
        status = store_get_chunk_vector(r->maintainer->store, chunk_id, &slot, &has_vector, err);
    if (status || !has_vector)
        return status;
    if (r->is_open && r->segments[r->n_segments - 1].rows.n == SEGMENT_ROWS)
        status = end_segment(r, err);
    if (!status && !r->is_open)
        status = begin_segment(r, err);
    if (!status && r->kind == STORE_KIND_LEXICAL)
        status = add_words(r, chunk, err);
    if (!status)
        status =
            row_list_add(&r->segments[r->n_segments - 1].rows, chunk_id, document_id, slot, err);
    r->n_rows += !status;
    return status;
}

static enum status build(struct rebuild *r, struct error *err)
{
    enum status status = STATUS_OK;
    do {
        r->n_page = 0;
        if (is_cancelled(r->maintainer->cancel))
            return error_set(err, STATUS_CANCELLED, "stopped");
        status = store_each_chunk(r->maintainer->store, r->last_chunk_id, PAGE_CHUNKS, add_chunk, r,
                                  err);
    } while (!status && r->n_page == PAGE_CHUNKS);
    return status ? status : end_segment(r, err);
}

/* ---- the manifest ---- */

static enum status list_changes(struct rebuild *r, struct error *err)
{
    struct store *store = r->maintainer->store;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < r->n_old && !status; i++)
        status = store_remove_segment(store, r->old[i], err);
    for (size_t i = 0; i < r->n_segments && !status; i++)
        status = new_segment_list(&r->segments[i], store, err);
    bool is_all = r->what == MAINTAIN_REBUILD_ALL;
    if (!status)
        status = dead_ranges_forget(&r->dead, store, r->kind, is_all ? NULL : r->all->segments,
                                    is_all ? 0 : r->all->n, err);
    if (!status && r->kind == STORE_KIND_LEXICAL)
        status = store_set_meta(store, STORE_META_ANALYZER, analyzer_id(r->analyzer), err);
    return status;
}

static enum status commit(struct rebuild *r, struct error *err)
{
    enum status status = store_write_begin(r->maintainer->store, err);
    if (status)
        return status;
    status = list_changes(r, err);
    if (!status) {
        for (size_t i = 0; i < r->n_segments; i++)
            new_segment_keep(&r->segments[i]);
        status = store_write_commit(r->maintainer->store, err);
    }
    store_write_rollback(r->maintainer->store);
    if (status == STATUS_NOT_FOUND)
        status = error_set(err, STATUS_BUSY, "the library was changed by another ragged meanwhile");
    return status;
}

static void rebuild_clear(struct rebuild *r)
{
    snapshot_end(&r->snapshot);
    lexical_builder_free(r->builder);
    for (size_t i = 0; i < r->n_segments; i++)
        new_segment_clear(&r->segments[i]);
    dead_ranges_clear(&r->dead);
    mem_free(r->segments);
    mem_free(r->tail);
    mem_free(r->old);
}

enum status rebuild_kind(struct maintainer *maintainer, enum store_kind kind,
                         enum maintain_rebuild what, struct analyzer *analyzer, size_t *out_n,
                         struct error *err)
{
    struct rebuild r = {.maintainer = maintainer, .kind = kind, .what = what, .analyzer = analyzer};
    enum status status = maintainer_snapshot(maintainer, kind, &r.snapshot, &r.all, err);
    if (status)
        return status;
    status = read_state(&r, err);
    bool is_needed = what == MAINTAIN_REBUILD_ALL || r.all->n_lost_rows > 0;
    if (!status && is_needed)
        status = build(&r, err);
    snapshot_end(&r.snapshot);
    if (!status && is_needed)
        status = commit(&r, err);
    if (!status)
        *out_n += r.n_rows;
    rebuild_clear(&r);
    return status;
}
