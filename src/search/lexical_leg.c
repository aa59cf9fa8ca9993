#include "search/lexical_leg.h"

#include <stdlib.h>

#include "base/bitmap.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/trace.h"
#include "index/ids.h"

/* ---- opening ---- */

struct tail_reader {
    struct lexical_leg *leg;
    const struct lexical_leg_options *options;
};

static enum status add_tail_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    const struct tail_reader *reader = ctx;
    struct lexical_leg *leg = reader->leg;
    if (leg->tail_rows.n % 1024 == 0 && is_cancelled(reader->options->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    enum status status = lexical_tail_add(leg->tail, row->terms, row->terms_len, row->n_terms, err);
    return status ? status : row_list_add(&leg->tail_rows, row->chunk_id, row->document_id, 0, err);
}

static enum status open_tail(struct lexical_leg *leg, const struct lexical_leg_options *options,
                             struct error *err)
{
    struct tail_reader reader = {.leg = leg, .options = options};
    enum status status = lexical_tail_new(leg->query, &leg->tail, err);
    if (!status)
        status = store_each_tail(leg->snapshot->store, 0, SIZE_MAX, add_tail_row, &reader, err);
    if (status)
        return status;
    leg->tail_allowed = mem_zalloc(bitmap_n_words(leg->tail_rows.n), sizeof *leg->tail_allowed);
    if (!leg->tail_allowed)
        return error_nomem(err);
    for (size_t i = 0; i < leg->tail_rows.n; i++)
        if (filter_has_document(options->filter, leg->tail_rows.document_ids[i]))
            bitmap_add(leg->tail_allowed, i);
    return STATUS_OK;
}

static enum status open_segment(struct lexical_leg *leg, const struct lexical_leg_options *options,
                                const struct snapshot_segment *from, struct error *err)
{
    struct lexical_leg_segment s = {.from = from};
    enum status status = filter_rows(options->filter, from, &s.allowed, &s.n_allowed, err);
    if (!status)
        status = lexical_lookup_new(from->lexical, leg->query, &s.lookup, err);
    if (status) {
        mem_free(s.allowed);
        return status;
    }
    leg->segments[leg->n_segments++] = s;
    return STATUS_OK;
}

/* A query's idf is of the whole library: every source is counted before one is asked. */
static enum status weigh(struct lexical_leg *leg, struct error *err)
{
    struct lexical_stats stats = {0};
    size_t n;
    lexical_tail_count(leg->tail, &stats, leg->query);
    for (size_t i = 0; i < leg->n_segments; i++)
        lexical_lookup_count(leg->segments[i].lookup, &stats, leg->query);
    lexical_query_weigh(leg->query, &stats, LEXICAL_PARAMS_DEFAULT);
    return lexical_tail_scores(leg->tail, &leg->tail_scores, &n, err);
}

static enum status restrict_segment(struct lexical_leg_segment *s, struct error *err)
{
    size_t n_rows = segment_n_rows(s->from->segment), n_words = bitmap_n_words(n_rows);
    if (!s->allowed) {
        s->allowed = mem_zalloc(n_words, sizeof *s->allowed);
        if (!s->allowed)
            return error_nomem(err);
        bitmap_set_range(s->allowed, 0, n_rows, true);
    }
    enum status status = lexical_lookup_restrict(s->lookup, s->allowed, err);
    s->n_allowed = bitmap_count(s->allowed, n_words);
    return status;
}

static enum status restrict_rows(struct lexical_leg *leg, struct error *err)
{
    enum status status = STATUS_OK;
    if (!lexical_query_is_restricted(leg->query))
        return STATUS_OK;
    lexical_tail_restrict(leg->tail, leg->tail_allowed);
    for (size_t i = 0; i < leg->n_segments && !status; i++)
        status = restrict_segment(&leg->segments[i], err);
    return status;
}

enum status lexical_leg_init(struct lexical_leg *leg, const struct lexical_leg_options *options,
                             struct error *err)
{
    TRACE(TRACE_STAGE_WORDS_LEG);
    const struct snapshot_kind *kind = options->snapshot->lexical;
    struct lexical_leg l = {.snapshot = options->snapshot, .query = options->query};
    enum status status = STATUS_OK;
    l.segments = mem_array(kind->n, sizeof *l.segments);
    if (!l.segments)
        status = error_nomem(err);
    for (size_t i = 0; i < kind->n && !status; i++)
        status = open_segment(&l, options, kind->segments[i], err);
    if (!status)
        status = open_tail(&l, options, err);
    if (!status)
        status = weigh(&l, err);
    if (!status)
        status = restrict_rows(&l, err);
    if (status) {
        lexical_leg_clear(&l);
        return status;
    }
    l.n_allowed = bitmap_count(l.tail_allowed, bitmap_n_words(l.tail_rows.n));
    for (size_t i = 0; i < l.n_segments; i++)
        l.n_allowed += l.segments[i].n_allowed;
    *leg = l;
    return STATUS_OK;
}

void lexical_leg_clear(struct lexical_leg *leg)
{
    for (size_t i = 0; i < leg->n_segments; i++) {
        lexical_lookup_free(leg->segments[i].lookup);
        mem_free(leg->segments[i].allowed);
    }
    mem_free(leg->segments);
    lexical_tail_free(leg->tail);
    row_list_clear(&leg->tail_rows);
    mem_free(leg->tail_allowed);
    *leg = (struct lexical_leg){0};
}

/* ---- searching ---- */

static size_t search_tail(const struct lexical_leg *leg, struct leg_hit *out)
{
    size_t n = 0;
    for (size_t i = 0; i < leg->tail_rows.n; i++)
        if (leg->tail_scores[i] > 0 && bitmap_has(leg->tail_allowed, i))
            out[n++] = (struct leg_hit){
                .chunk_id = leg->tail_rows.chunk_ids[i],
                .document_id = leg->tail_rows.document_ids[i],
                .score = leg->tail_scores[i],
            };
    return n;
}

/* The segment's best hits with a score above `floor`. found, out: [n_best]. */
static enum status search_segment(const struct lexical_leg_segment *s, size_t n_best, int32_t floor,
                                  struct lexical_hit *found, struct leg_hit *out, size_t *out_n,
                                  struct error *err)
{
    size_t n = 0;
    enum status status =
        lexical_lookup_search(s->lookup, s->allowed, n_best, floor, found, &n, err);
    if (status)
        return status;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct leg_hit){
            .chunk_id = segment_chunk_id(s->from->segment, found[i].row),
            .document_id = segment_document_of_row(s->from->segment, found[i].row),
            .score = found[i].score,
        };
    *out_n = n;
    return STATUS_OK;
}

static size_t find_largest(const struct lexical_leg *leg)
{
    size_t largest = 0;
    for (size_t i = 1; i < leg->n_segments; i++)
        if (segment_n_rows(leg->segments[i].from->segment) >
            segment_n_rows(leg->segments[largest].from->segment))
            largest = i;
    return largest;
}

enum status lexical_leg_search(struct lexical_leg *leg, size_t n_best, struct leg_hit *out,
                               size_t *out_n, struct error *err)
{
    TRACE(TRACE_STAGE_WORDS_LEG);
    size_t n_max = leg->tail_rows.n > n_best ? leg->tail_rows.n : n_best;
    struct leg_hit *hits = mem_array(n_max + n_best, sizeof *hits);
    struct lexical_hit *found = mem_array(n_best, sizeof *found);
    enum status status = hits && found ? STATUS_OK : error_nomem(err);
    size_t n = status ? 0 : leg_rank(hits, search_tail(leg, hits), n_best);
    /* The largest segment first: its best scores spare the others most work. */
    size_t first = find_largest(leg);
    for (size_t i = 0; i < leg->n_segments && !status; i++) {
        size_t n_more = 0;
        /* An equal score may still win by the older chunk. */
        int32_t floor = n == n_best ? (int32_t)hits[n - 1].score - 1 : 0;
        status = search_segment(&leg->segments[(first + i) % leg->n_segments], n_best, floor, found,
                                hits + n, &n_more, err);
        n = leg_rank(hits, n + n_more, n_best);
    }
    if (!status) {
        for (size_t i = 0; i < n; i++) {
            out[i] = hits[i];
            out[i].score /= leg->query->scale;
        }
        *out_n = n;
    }
    mem_free(hits);
    mem_free(found);
    return status;
}

/* ---- scores of known chunks ---- */

/* A row whose score is asked, and for which candidate. */
struct ask {
    uint32_t row;
    bool is_near; /* it is a neighbour's */
    size_t i_candidate;
};

static void give(struct fuse_candidate *candidate, double score, bool is_near)
{
    if (!is_near)
        candidate->lexical = score;
    else if (score > candidate->near_lexical)
        candidate->near_lexical = score;
}

static void score_in_tail(const struct lexical_leg *leg, struct fuse_candidate *c)
{
    size_t i = ids_find(leg->tail_rows.chunk_ids, leg->tail_rows.n, c->chunk_id);
    if (i == leg->tail_rows.n)
        return;
    give(c, leg->tail_scores[i] / leg->query->scale, false);
    if (i > 0 && leg->tail_rows.document_ids[i - 1] == c->document_id)
        give(c, leg->tail_scores[i - 1] / leg->query->scale, true);
    if (i + 1 < leg->tail_rows.n && leg->tail_rows.document_ids[i + 1] == c->document_id)
        give(c, leg->tail_scores[i + 1] / leg->query->scale, true);
}

static int compare_asks(const void *a, const void *b)
{
    const struct ask *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows of the candidates that the segment has, and of their neighbours in the document, by row;
 * returns how many. out: [3 * n]. */
static size_t ask_segment(const struct segment *segment, const struct fuse_candidate *candidates,
                          size_t n, struct ask *out)
{
    size_t row, n_asks = 0, n_rows = segment_n_rows(segment);
    for (size_t i = 0; i < n; i++) {
        if (!segment_find_row(segment, candidates[i].chunk_id, &row))
            continue;
        size_t first = row > 0 ? row - 1 : row, end = size_min(row + 2, n_rows);
        for (size_t k = first; k < end; k++)
            if (k == row || segment_document_of_row(segment, k) == candidates[i].document_id)
                out[n_asks++] = (struct ask){(uint32_t)k, k != row, i};
    }
    if (n_asks > 1)
        qsort(out, n_asks, sizeof *out, compare_asks);
    return n_asks;
}

/* rows, scores: room for those of every ask. */
static void score_asks(const struct lexical_leg *leg, const struct lexical_leg_segment *s,
                       const struct ask *asks, size_t n_asks, uint32_t *rows, int32_t *scores,
                       struct fuse_candidate *candidates)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < n_asks; i++)
        if (i == 0 || asks[i].row != asks[i - 1].row)
            rows[n_rows++] = asks[i].row;
    lexical_lookup_score(s->lookup, rows, n_rows, scores);
    for (size_t i = 0, k = 0; i < n_asks; i++) {
        k += rows[k] != asks[i].row;
        give(&candidates[asks[i].i_candidate], scores[k] / leg->query->scale, asks[i].is_near);
    }
}

enum status lexical_leg_score(struct lexical_leg *leg, struct fuse_candidate *candidates, size_t n,
                              struct error *err)
{
    TRACE(TRACE_STAGE_WORDS_LEG);
    struct ask *asks = mem_array(3 * n, sizeof *asks);
    uint32_t *rows = mem_array(3 * n, sizeof *rows);
    int32_t *scores = mem_array(3 * n, sizeof *scores);
    enum status status = asks && rows && scores ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < n && !status; i++)
        score_in_tail(leg, &candidates[i]);
    for (size_t i = 0; i < leg->n_segments && !status; i++) {
        const struct lexical_leg_segment *s = &leg->segments[i];
        size_t n_asks = ask_segment(s->from->segment, candidates, n, asks);
        score_asks(leg, s, asks, n_asks, rows, scores, candidates);
    }
    mem_free(asks);
    mem_free(rows);
    mem_free(scores);
    return status;
}

/* ---- chunks that may be found ---- */

enum status lexical_leg_chunks(const struct lexical_leg *leg, struct chunk_set *out,
                               struct error *err)
{
    size_t n = 0;
    int64_t *ids = mem_array(leg->n_allowed, sizeof *ids);
    if (!ids)
        return error_nomem(err);
    for (size_t i = 0; i < leg->n_segments; i++) {
        const struct lexical_leg_segment *s = &leg->segments[i];
        for (size_t row = 0; row < segment_n_rows(s->from->segment); row++)
            if (!s->allowed || bitmap_has(s->allowed, row))
                ids[n++] = segment_chunk_id(s->from->segment, row);
    }
    for (size_t i = 0; i < leg->tail_rows.n; i++)
        if (bitmap_has(leg->tail_allowed, i))
            ids[n++] = leg->tail_rows.chunk_ids[i];
    ids_sort(ids, n);
    *out = (struct chunk_set){.chunk_ids = ids, .n = n};
    return STATUS_OK;
}
