#include "engine/lexical_leg.h"

#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"

/* ---- opening ---- */

struct tail_reader {
    struct lexical_leg *leg;
    const struct lexical_leg_options *options;
};

static enum status grow_tail(struct lexical_leg *leg, struct error *err)
{
    if (leg->n_tail < leg->n_tail_max)
        return STATUS_OK;
    size_t n_max = leg->n_tail_max ? 2 * leg->n_tail_max : 1024;
    int64_t *chunk_ids = mem_resize(leg->tail_chunk_ids, n_max, sizeof *chunk_ids);
    if (chunk_ids)
        leg->tail_chunk_ids = chunk_ids;
    int64_t *document_ids = mem_resize(leg->tail_document_ids, n_max, sizeof *document_ids);
    if (document_ids)
        leg->tail_document_ids = document_ids;
    if (!chunk_ids || !document_ids)
        return error_nomem(err);
    leg->n_tail_max = n_max;
    return STATUS_OK;
}

static enum status add_tail_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    const struct tail_reader *reader = ctx;
    struct lexical_leg *leg = reader->leg;
    if (leg->n_tail % 1024 == 0 && is_cancelled(reader->options->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    enum status status = grow_tail(leg, err);
    if (!status)
        status = lexical_tail_add(leg->tail, row->terms, row->terms_len, row->n_terms, err);
    if (status)
        return status;
    leg->tail_chunk_ids[leg->n_tail] = row->chunk_id;
    leg->tail_document_ids[leg->n_tail++] = row->document_id;
    return STATUS_OK;
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
    leg->tail_allowed = mem_zalloc(bitmap_n_words(leg->n_tail), sizeof *leg->tail_allowed);
    if (!leg->tail_allowed)
        return error_nomem(err);
    for (size_t i = 0; i < leg->n_tail; i++)
        if (filter_has_document(options->filter, leg->tail_document_ids[i]))
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
    l.n_allowed = bitmap_count(l.tail_allowed, bitmap_n_words(l.n_tail));
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
    mem_free(leg->tail_chunk_ids);
    mem_free(leg->tail_document_ids);
    mem_free(leg->tail_allowed);
    *leg = (struct lexical_leg){0};
}

/* ---- searching ---- */

static size_t search_tail(const struct lexical_leg *leg, struct leg_hit *out)
{
    size_t n = 0;
    for (size_t i = 0; i < leg->n_tail; i++)
        if (leg->tail_scores[i] > 0 && bitmap_has(leg->tail_allowed, i))
            out[n++] = (struct leg_hit){
                .chunk_id = leg->tail_chunk_ids[i],
                .document_id = leg->tail_document_ids[i],
                .score = leg->tail_scores[i],
            };
    return n;
}

/* Adds the segment's hits behind the n that there are; `floor` of them are better anyway. */
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

/* The largest segment first: its best scores spare the others most work. */
static size_t largest_first(const struct lexical_leg *leg, size_t i)
{
    size_t largest = 0;
    for (size_t k = 1; k < leg->n_segments; k++)
        if (segment_n_rows(leg->segments[k].from->segment) >
            segment_n_rows(leg->segments[largest].from->segment))
            largest = k;
    return (largest + i) % leg->n_segments;
}

enum status lexical_leg_search(struct lexical_leg *leg, size_t n_best, struct leg_hit *out,
                               size_t *out_n, struct error *err)
{
    size_t n_max = leg->n_tail > n_best ? leg->n_tail : n_best;
    struct leg_hit *hits = mem_array(n_max + n_best, sizeof *hits);
    struct lexical_hit *found = mem_array(n_best, sizeof *found);
    enum status status = hits && found ? STATUS_OK : error_nomem(err);
    size_t n = status ? 0 : leg_rank(hits, search_tail(leg, hits), n_best);
    for (size_t i = 0; i < leg->n_segments && !status; i++) {
        size_t n_more = 0;
        /* An equal score may still win by the older chunk. */
        int32_t floor = n == n_best ? (int32_t)hits[n - 1].score - 1 : 0;
        status = search_segment(&leg->segments[largest_first(leg, i)], n_best, floor, found,
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

/* Which rows of one source are asked, and for whom. */
struct asked {
    uint32_t *rows;  /* ascending */
    size_t *i_owner; /* candidate */
    bool *is_near;   /* a neighbour's row */
    size_t n;
};

static enum status asked_init(struct asked *asked, size_t n_candidates, struct error *err)
{
    size_t n_max = 3 * n_candidates;
    *asked = (struct asked){
        .rows = mem_array(n_max, sizeof *asked->rows),
        .i_owner = mem_array(n_max, sizeof *asked->i_owner),
        .is_near = mem_array(n_max, sizeof *asked->is_near),
    };
    return asked->rows && asked->i_owner && asked->is_near ? STATUS_OK : error_nomem(err);
}

static void asked_clear(struct asked *asked)
{
    mem_free(asked->rows);
    mem_free(asked->i_owner);
    mem_free(asked->is_near);
}

static void give(struct fuse_candidate *candidate, double score, bool is_near)
{
    if (!is_near)
        candidate->lexical = score;
    else if (score > candidate->near_lexical)
        candidate->near_lexical = score;
}

static void score_in_tail(const struct lexical_leg *leg, struct fuse_candidate *c)
{
    size_t i = leg_find(leg->tail_chunk_ids, leg->n_tail, c->chunk_id);
    if (i == leg->n_tail)
        return;
    give(c, leg->tail_scores[i] / leg->query->scale, false);
    if (i > 0 && leg->tail_document_ids[i - 1] == c->document_id)
        give(c, leg->tail_scores[i - 1] / leg->query->scale, true);
    if (i + 1 < leg->n_tail && leg->tail_document_ids[i + 1] == c->document_id)
        give(c, leg->tail_scores[i + 1] / leg->query->scale, true);
}

static void ask(struct asked *asked, size_t row, size_t i_owner, bool is_near)
{
    asked->rows[asked->n] = (uint32_t)row;
    asked->i_owner[asked->n] = i_owner;
    asked->is_near[asked->n++] = is_near;
}

/* Rows ascend, though neighbours of one candidate may be the next one's own: equal rows follow each
 * other, and a row that would go back has been asked for its neighbour already. */
static void ask_segment(const struct segment *segment, const struct fuse_candidate *candidates,
                        size_t n, struct asked *asked)
{
    size_t row, n_rows = segment_n_rows(segment);
    asked->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (!segment_find_row(segment, candidates[i].chunk_id, &row))
            continue;
        int64_t document_id = candidates[i].document_id;
        if (row > 0 && segment_document_of_row(segment, row - 1) == document_id)
            ask(asked, row - 1, i, true);
        ask(asked, row, i, false);
        if (row + 1 < n_rows && segment_document_of_row(segment, row + 1) == document_id)
            ask(asked, row + 1, i, true);
    }
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The distinct rows, ascending, and their scores; returns how many. */
static size_t score_rows(const struct lexical_leg_segment *s, const struct asked *asked,
                         uint32_t *rows, int32_t *scores)
{
    size_t n = 0;
    memcpy(rows, asked->rows, asked->n * sizeof *rows);
    qsort(rows, asked->n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < asked->n; i++)
        if (n == 0 || rows[n - 1] != rows[i])
            rows[n++] = rows[i];
    lexical_lookup_score(s->lookup, rows, n, scores);
    return n;
}

static enum status score_in_segment(const struct lexical_leg *leg,
                                    const struct lexical_leg_segment *s, struct asked *asked,
                                    struct fuse_candidate *candidates, size_t n, struct error *err)
{
    ask_segment(s->from->segment, candidates, n, asked);
    if (asked->n == 0)
        return STATUS_OK;
    uint32_t *rows = mem_array(asked->n, sizeof *rows);
    int32_t *scores = mem_array(asked->n, sizeof *scores);
    enum status status = rows && scores ? STATUS_OK : error_nomem(err);
    size_t n_rows = status ? 0 : score_rows(s, asked, rows, scores);
    for (size_t i = 0; i < asked->n && !status; i++) {
        const uint32_t *found = bsearch(&asked->rows[i], rows, n_rows, sizeof *rows, compare_rows);
        give(&candidates[asked->i_owner[i]], scores[found - rows] / leg->query->scale,
             asked->is_near[i]);
    }
    mem_free(rows);
    mem_free(scores);
    return status;
}

enum status lexical_leg_score(struct lexical_leg *leg, struct fuse_candidate *candidates, size_t n,
                              struct error *err)
{
    struct asked asked;
    enum status status = asked_init(&asked, n, err);
    for (size_t i = 0; i < n && !status; i++)
        score_in_tail(leg, &candidates[i]);
    for (size_t i = 0; i < leg->n_segments && !status; i++)
        status = score_in_segment(leg, &leg->segments[i], &asked, candidates, n, err);
    asked_clear(&asked);
    return status;
}

/* ---- chunks that may be found ---- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

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
    for (size_t i = 0; i < leg->n_tail; i++)
        if (bitmap_has(leg->tail_allowed, i))
            ids[n++] = leg->tail_chunk_ids[i];
    for (size_t i = 1; i < n; i++)
        if (ids[i - 1] > ids[i]) {
            qsort(ids, n, sizeof *ids, compare_ids);
            break;
        }
    *out = (struct chunk_set){.chunk_ids = ids, .n = n};
    return STATUS_OK;
}
