#include "search/vector_leg.h"

#include <math.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/trace.h"
#include "index/ids.h"

/* ---- opening ---- */

struct tail_reader {
    struct vector_leg *leg;
    const struct vector_leg_options *options;
};

static enum status add_tail_row(void *ctx, const struct store_vector_row *row, struct error *err)
{
    const struct tail_reader *reader = ctx;
    const struct vector_leg_options *o = reader->options;
    struct vector_leg *leg = reader->leg;
    if (leg->tail.n % 1024 == 0 && is_cancelled(o->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    if (!filter_has_document(o->filter, row->document_id) ||
        row->slot >= o->snapshot->rows.n_slots ||
        (o->only && ids_find(o->only->chunk_ids, o->only->n, row->chunk_id) == o->only->n))
        return STATUS_OK;
    return row_list_add(&leg->tail, row->chunk_id, row->document_id, row->slot, err);
}

/* Both ascend by chunk id: one walk. */
static enum status keep_only(struct vector_leg_segment *s, const struct chunk_set *only,
                             struct error *err)
{
    size_t n_rows = segment_n_rows(s->from->segment), n_words = bitmap_n_words(n_rows);
    uint64_t *kept = mem_zalloc(n_words, sizeof *kept);
    if (!kept)
        return error_nomem(err);
    for (size_t i = 0, row = 0; i < only->n && row < n_rows;) {
        int64_t chunk_id = segment_chunk_id(s->from->segment, row);
        if (chunk_id == only->chunk_ids[i] && (!s->allowed || bitmap_has(s->allowed, row)))
            bitmap_add(kept, row);
        row += chunk_id <= only->chunk_ids[i];
        i += chunk_id > only->chunk_ids[i];
    }
    mem_free(s->allowed);
    s->allowed = kept;
    s->n_allowed = bitmap_count(kept, n_words);
    return STATUS_OK;
}

static enum status open_segment(struct vector_leg *leg, const struct vector_leg_options *o,
                                const struct snapshot_segment *from, struct error *err)
{
    if (vector_index_dim(from->vector) != leg->dim)
        return STATUS_OK; /* of another model; the fingerprints were compared before */
    struct vector_leg_segment s = {.from = from};
    enum status status = filter_rows(o->filter, from, &s.allowed, &s.n_allowed, err);
    if (!status && o->only)
        status = keep_only(&s, o->only, err);
    if (status) {
        mem_free(s.allowed);
        return status;
    }
    leg->n_allowed += s.n_allowed;
    leg->segments[leg->n_segments++] = s;
    return STATUS_OK;
}

enum status vector_leg_init(struct vector_leg *leg, const struct vector_leg_options *options,
                            struct error *err)
{
    TRACE(TRACE_STAGE_MEANING_LEG);
    const struct snapshot *snapshot = options->snapshot;
    struct vector_leg l = {
        .snapshot = snapshot,
        .query = options->query,
        .dim = options->dim,
        .n_threads = options->n_threads,
        .rescore_factor = options->rescore_factor ? options->rescore_factor : 1,
        .n_rescored = options->n_rescored,
    };
    if (snapshot->rows.n_slots == 0 || snapshot->rows.dim != options->dim) {
        *leg = l;
        return STATUS_OK;
    }
    struct tail_reader reader = {.leg = &l, .options = options};
    enum status status = STATUS_OK;
    l.segments = mem_array(snapshot->vector->n, sizeof *l.segments);
    if (!l.segments)
        status = error_nomem(err);
    for (size_t i = 0; i < snapshot->vector->n && !status; i++)
        status = open_segment(&l, options, snapshot->vector->segments[i], err);
    if (!status)
        status = store_each_vector_tail(snapshot->store, 0, SIZE_MAX, add_tail_row, &reader, err);
    if (status) {
        vector_leg_clear(&l);
        return status;
    }
    l.n_allowed += l.tail.n;
    *leg = l;
    return STATUS_OK;
}

void vector_leg_clear(struct vector_leg *leg)
{
    for (size_t i = 0; i < leg->n_segments; i++)
        mem_free(leg->segments[i].allowed);
    mem_free(leg->segments);
    row_list_clear(&leg->tail);
    *leg = (struct vector_leg){0};
}

/* ---- searching ---- */

static enum status search_tail(struct vector_leg *leg, struct leg_hit *out, size_t *out_n,
                               struct error *err)
{
    float *cosines = mem_array(leg->tail.n, sizeof *cosines);
    if (!cosines)
        return error_nomem(err);
    vector_cosines(&leg->snapshot->rows, leg->query, leg->tail.slots, leg->tail.n, cosines);
    size_t n = 0;
    for (size_t i = 0; i < leg->tail.n; i++)
        if (isfinite(cosines[i]))
            out[n++] = (struct leg_hit){
                .chunk_id = leg->tail.chunk_ids[i],
                .document_id = leg->tail.document_ids[i],
                .score = (double)cosines[i],
            };
    leg->n_damaged += leg->tail.n - n;
    *out_n = n;
    mem_free(cosines);
    return STATUS_OK;
}

static enum status search_segment(struct vector_leg *leg, const struct vector_leg_segment *s,
                                  size_t n_best, struct vector_hit *hits, struct leg_hit *out,
                                  size_t *out_n, struct error *err)
{
    size_t n_rows = segment_n_rows(s->from->segment);
    size_t k = leg->n_rescored ? size_min(n_best, leg->n_rescored) : n_best;
    const struct vector_search search = {
        .query = leg->query,
        .rows = &leg->snapshot->rows,
        .allowed = s->allowed,
        .k = k,
        .n_rescored = leg->n_rescored ? leg->n_rescored
                                      : leg->rescore_factor * vector_n_rescored(n_rows, n_best),
        .floor = -INFINITY,
        .n_threads = leg->n_threads,
    };
    size_t n = 0;
    enum status status = vector_index_search(s->from->vector, &search, hits, &n, err);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct leg_hit){
            .chunk_id = segment_chunk_id(s->from->segment, hits[i].row),
            .document_id = segment_document_of_row(s->from->segment, hits[i].row),
            .score = (double)hits[i].cosine,
        };
    leg->n_damaged += size_min(k, s->n_allowed) - n;
    *out_n = n;
    return STATUS_OK;
}

enum status vector_leg_search(struct vector_leg *leg, size_t n_best, struct leg_hit *out,
                              size_t *out_n, struct error *err)
{
    TRACE(TRACE_STAGE_MEANING_LEG);
    size_t n = 0, n_max = leg->tail.n > n_best ? leg->tail.n : n_best;
    struct leg_hit *hits = mem_array(n_max + n_best, sizeof *hits);
    struct vector_hit *found = mem_array(n_best, sizeof *found);
    enum status status = hits && found ? STATUS_OK : error_nomem(err);
    if (!status)
        status = search_tail(leg, hits, &n, err);
    for (size_t i = 0; i < leg->n_segments && !status; i++) {
        size_t n_more = 0;
        n = leg_rank(hits, n, n_best);
        status = search_segment(leg, &leg->segments[i], n_best, found, hits + n, &n_more, err);
        n += n_more;
    }
    if (!status) {
        n = leg_rank(hits, n, n_best);
        memcpy(out, hits, n * sizeof *hits);
        *out_n = n;
    }
    mem_free(hits);
    mem_free(found);
    return status;
}

static bool find_slot(const struct vector_leg *leg, int64_t chunk_id, uint32_t *out)
{
    size_t row = 0, i = ids_find(leg->tail.chunk_ids, leg->tail.n, chunk_id);
    if (i < leg->tail.n) {
        *out = leg->tail.slots[i];
        return true;
    }
    for (i = 0; i < leg->n_segments; i++)
        if (segment_find_row(leg->segments[i].from->segment, chunk_id, &row)) {
            *out = vector_index_slot(leg->segments[i].from->vector, row);
            return *out < leg->snapshot->rows.n_slots;
        }
    return false;
}

enum status vector_leg_cosine(struct vector_leg *leg, int64_t chunk_id, double *out, bool *out_has,
                              struct error *err)
{
    uint32_t slot = 0;
    bool is_right = false;
    if (!find_slot(leg, chunk_id, &slot)) {
        *out_has = false;
        return STATUS_OK;
    }
    const struct vector_rows *rows = &leg->snapshot->rows;
    size_t row_bytes = sizeof(uint16_t) * rows->dim;
    const char *row = (const char *)rows->bytes + slot * row_bytes;
    enum status status =
        store_check_vector(leg->snapshot->store, slot, row, row_bytes, &is_right, err);
    if (status)
        return status;
    float cosine;
    vector_cosines(rows, leg->query, &slot, 1, &cosine);
    leg->n_damaged += !is_right && isfinite(cosine); /* the others were left out of the search */
    *out = (double)cosine;
    *out_has = is_right && isfinite(cosine);
    return STATUS_OK;
}
