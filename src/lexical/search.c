/* Block-max MaxScore over windows of rows; README.md says how. */
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/checked.h"
#include "base/mem.h"
#include "lexical/lookup.h"
#include "lexical/top.h"

#define WINDOW_ROWS 8192      /* whose sums the first-level cache holds */
#define WINDOW_ROWS_FIRST 512 /* windows double while little is known of the best scores */
#define MANY_CANDIDATES 12    /* for each block */
#define SPARSE_SHARE 32  /* fewer postings than a 32nd of the window: look at their rows only */
#define BOUND_SLACK 1e-5 /* far above the rounding of fp32 */
#define BOUND_ROUNDING 2

/* Where a scoring term stands in the window. */
struct runner {
    struct lookup_term *term;
    int32_t most;   /* no score of the term is higher */
    size_t at, end; /* blocks (or postings of the array) that reach into the window */
    int32_t bound;  /* no score in the window is higher */
    int32_t bounds[IMPACT_STEPS + 1]; /* of blocks, by their impact */
};

/* What a search works in; kept for the next one. */
struct search_space {
    _Alignas(64) int32_t sums[WINDOW_ROWS]; /* zero between windows */
    uint64_t touched[WINDOW_ROWS / 64];     /* likewise */
    uint32_t rows[WINDOW_ROWS];             /* candidates of the window, ascending */
    int32_t scores[WINDOW_ROWS];
};

struct search {
    struct lexical_lookup *lookup;
    const uint64_t *allowed;
    struct top top;
    bool is_exhaustive;
    struct search_space *space;
    struct runner *runners; /* [n_runners] */
    struct runner **order;  /* in the window: first those that need not be read, by bound */
    size_t n_runners;
    uint32_t base, end; /* the window */
};

static double ratio_of(double then, double now)
{
    if (then > 0)
        return then / now;
    return now > 0 ? 0 : 1;
}

/* Stored impacts are tf / (tf + K) for the K of their time; another K changes them by K then / K
 * now at most, and that lies between the ratios of its two parts. */
struct impact_ratio {
    double most, least; /* impact now / impact then; most >= 1, least <= 1 */
};

static struct impact_ratio impact_ratio(const struct lexical_lookup *lookup)
{
    const struct lexical_index *index = lookup->index;
    const struct lexical_query *query = lookup->query;
    double base = ratio_of(index->k1 * (1 - index->b), (double)query->length_base);
    double slope = ratio_of(index->k1 * index->b / index->mean_length, (double)query->length_slope);
    double most = base > slope ? base : slope, least = base < slope ? base : slope;
    return (struct impact_ratio){most > 1 ? most : 1, least < 1 ? least : 1};
}

static void set_bounds(const struct search *s, struct runner *runner)
{
    const struct lookup_term *term = runner->term;
    double most = (double)lookup_weights(s->lookup, term).factor * (1 + BOUND_SLACK);
    if (lookup_is_array(term)) {
        int32_t best = 0;
        for (size_t i = 0; i < term->df; i++)
            best = term->scores[i] > best ? term->scores[i] : best;
        runner->most = best;
        return;
    }
    double impact = (double)term->list.max_impact * impact_ratio(s->lookup).most;
    double step = most * (impact < 1 ? impact : 1) / IMPACT_STEPS;
    for (size_t i = 0; i <= IMPACT_STEPS; i++)
        runner->bounds[i] = (int32_t)(step * (double)i) + BOUND_ROUNDING;
    runner->most = runner->bounds[IMPACT_STEPS];
}

/* The best postings of different blocks are different rows: when k blocks of one term have an
 * impact, k rows have the score of it. What the impact was rounded up by is taken off again. */
static int32_t sure_score(const struct search *s, const struct runner *r)
{
    const struct lookup_term *term = r->term;
    size_t n_by_impact[IMPACT_STEPS + 1] = {0}, n = 0, impact = IMPACT_STEPS;
    if (lookup_is_array(term) || term->list.n_blocks < s->top.k)
        return 0;
    const uint8_t *impacts = s->lookup->index->block_impacts + term->list.first_block;
    for (size_t i = 0; i < term->list.n_blocks; i++)
        n_by_impact[impacts[i]]++;
    for (; impact > 0 && (n += n_by_impact[impact]) < s->top.k;)
        impact--;
    if (impact == 0)
        return 0;
    double least = (double)lookup_weights(s->lookup, term).factor * (1 - BOUND_SLACK) *
                   (double)term->list.max_impact * impact_ratio(s->lookup).least;
    double score = least * (double)(impact - 1) / IMPACT_STEPS - BOUND_ROUNDING;
    return score > 0 ? (int32_t)score : 0;
}

/* A filter may leave out just those rows. */
static void raise_floor(struct search *s)
{
    for (size_t i = 0; i < s->n_runners && !s->allowed && !s->is_exhaustive; i++) {
        int32_t score = sure_score(s, &s->runners[i]);
        if (score - 1 > s->top.floor)
            s->top.floor = score - 1;
    }
}

/* ---- windows ---- */

static void enter_array(struct runner *r, uint32_t base, uint32_t end)
{
    const struct lookup_term *term = r->term;
    r->at = r->end + rows_lower_bound(term->rows + r->end, term->df - r->end, base);
    r->end = r->at + rows_lower_bound(term->rows + r->at, term->df - r->at, end);
    r->bound = r->end > r->at ? r->most : 0;
}

static void enter_blocks(const struct lexical_index *index, struct runner *r, uint32_t base,
                         uint32_t end)
{
    const struct list *list = &r->term->list;
    const uint32_t *last_rows = index->block_rows + list->first_block;
    const uint8_t *impacts = index->block_impacts + list->first_block;
    unsigned best = 0;
    while (r->at < list->n_blocks && last_rows[r->at] < base)
        r->at++;
    r->end = r->at;
    while (r->end < list->n_blocks) {
        best = impacts[r->end] > best ? impacts[r->end] : best;
        if (last_rows[r->end++] >= end - 1)
            break;
    }
    r->bound = r->end > r->at ? r->bounds[best] : 0;
}

/* Only what costs much to read may be left for later. */
static bool is_optional(const struct search *s, const struct runner *r)
{
    return !s->is_exhaustive && !lookup_is_array(r->term) &&
           r->term->df > s->lookup->index->n_rows / 64;
}

static bool is_before(const struct search *s, const struct runner *a, const struct runner *b)
{
    bool a_optional = is_optional(s, a), b_optional = is_optional(s, b);
    return a_optional != b_optional ? a_optional : a->bound < b->bound;
}

/* Orders the runners that are in the window; returns how many, and the sum of their bounds. */
static size_t enter_window(struct search *s, int32_t *out_sum)
{
    size_t n = 0;
    *out_sum = 0;
    for (size_t i = 0; i < s->n_runners; i++) {
        struct runner *r = &s->runners[i];
        if (lookup_is_array(r->term))
            enter_array(r, s->base, s->end);
        else
            enter_blocks(s->lookup->index, r, s->base, s->end);
        if (r->end == r->at)
            continue;
        *out_sum += r->bound;
        size_t k = n++;
        for (; k > 0 && is_before(s, r, s->order[k - 1]); k--)
            s->order[k] = s->order[k - 1];
        s->order[k] = r;
    }
    return n;
}

/* ---- accumulation ---- */

/* Trims to the window. */
static void clip(const uint32_t *rows, size_t n, uint32_t base, uint32_t end, size_t *out_first,
                 size_t *out_n)
{
    size_t first = 0;
    if (n > 0 && rows[0] < base)
        first = rows_lower_bound(rows, n, base);
    if (n > 0 && rows[n - 1] >= end)
        n = rows_lower_bound(rows, n, end);
    *out_first = first;
    *out_n = n > first ? n - first : 0;
}

static void accumulate(struct search *s, const uint32_t *rows, const int32_t *scores, size_t n)
{
    int32_t *sums = s->space->sums;
    /* Unsigned: in a damaged list a row may come again and again. */
    for (size_t i = 0; i < n; i++) {
        int32_t *sum = &sums[rows[i] - s->base];
        *sum = (int32_t)((uint32_t)*sum + (uint32_t)scores[i]);
    }
}

static void accumulate_touching(struct search *s, const uint32_t *rows, const int32_t *scores,
                                size_t n)
{
    for (size_t i = 0; i < n; i++)
        bitmap_add(s->space->touched, rows[i] - s->base);
    accumulate(s, rows, scores, n);
}

/* `others`: what the other terms can add at most; a large number reads every block. */
static void add_runner(struct search *s, struct runner *r, int32_t others, bool is_sparse)
{
    void (*add)(struct search *, const uint32_t *, const int32_t *, size_t) =
        is_sparse ? accumulate_touching : accumulate;
    struct lookup_term *term = r->term;
    size_t first, n;
    if (lookup_is_array(term)) {
        add(s, term->rows + r->at, term->scores + r->at, r->end - r->at);
        return;
    }
    const uint8_t *impacts = s->lookup->index->block_impacts + term->list.first_block;
    for (size_t i = r->at; i < r->end; i++) {
        if (!s->is_exhaustive && (int64_t)r->bounds[impacts[i]] + others <= s->top.floor)
            continue;
        lookup_read_scores(s->lookup, term, i);
        clip(term->block->rows, term->block->n, s->base, s->end, &first, &n);
        add(s, term->block->rows + first, term->scores + first, n);
    }
}

static size_t sweep_touched(struct search *s, int32_t limit)
{
    struct search_space *space = s->space;
    size_t n = 0;
    for (size_t w = 0; w < WINDOW_ROWS / 64; w++) {
        for (uint64_t bits = space->touched[w]; bits; bits &= bits - 1) {
            size_t at = w * 64 + (size_t)__builtin_ctzll(bits);
            if (space->sums[at] > limit) {
                space->rows[n] = s->base + (uint32_t)at;
                space->scores[n++] = space->sums[at];
            }
            space->sums[at] = 0;
        }
        space->touched[w] = 0;
    }
    return n;
}

/* A block of a rare term reaches far beyond the window. */
static size_t n_postings_in(const struct search *s, const struct runner *r)
{
    size_t n_reached = (r->end - r->at) * BLOCK_POSTINGS, n_rows = s->end - s->base;
    if (lookup_is_array(r->term))
        return r->end - r->at;
    return size_min(n_reached, 2 * n_rows * r->term->df / s->lookup->index->n_rows);
}

/* Candidates: rows whose sum over order[first..n-1] passes `limit`. */
static size_t collect(struct search *s, size_t first, size_t n, int32_t sum, int32_t limit)
{
    size_t n_postings = 0, n_rows = s->end - s->base;
    for (size_t i = first; i < n; i++)
        n_postings += n_postings_in(s, s->order[i]);
    bool is_sparse = n_postings < n_rows / SPARSE_SHARE;
    for (size_t i = first; i < n; i++)
        add_runner(s, s->order[i], sum - s->order[i]->bound, is_sparse);
    if (is_sparse)
        return sweep_touched(s, limit);
    return s->lookup->kernel->sweep(s->space->sums, (n_rows + 63) / 64 * 64, limit, s->base,
                                    s->space->rows, s->space->scores);
}

/* ---- candidates ---- */

static size_t keep_allowed(struct search *s, size_t n)
{
    size_t n_kept = 0;
    for (size_t i = 0; s->allowed && i < n; i++) {
        s->space->rows[n_kept] = s->space->rows[i];
        s->space->scores[n_kept] = s->space->scores[i];
        n_kept += bitmap_has(s->allowed, s->space->rows[i]);
    }
    return s->allowed ? n_kept : n;
}

/* Adds the term's score to the candidates that it can lift above the floor, of which the terms that
 * come after it can add `rest` at most; drops the others. */
static size_t complete(struct search *s, struct runner *r, size_t n, int32_t rest)
{
    struct search_space *space = s->space;
    const struct lexical_index *index = s->lookup->index;
    const uint32_t *last_rows = index->block_rows + r->term->list.first_block;
    const uint8_t *impacts = index->block_impacts + r->term->list.first_block;
    size_t n_kept = 0, at = r->at;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = space->rows[i];
        int64_t score = space->scores[i];
        if (score + r->bound + rest <= s->top.floor)
            continue;
        while (at < r->end && last_rows[at] < row)
            at++;
        if (at < r->end && score + r->bounds[impacts[at]] + rest > s->top.floor)
            score += lookup_score_at(s->lookup, r->term, row, &at);
        if (score + rest > s->top.floor) {
            space->rows[n_kept] = row;
            space->scores[n_kept++] = (int32_t)score;
        }
    }
    return n_kept;
}

/* The same when there are so many candidates that reading the whole term costs less than looking
 * for each of them. */
static size_t complete_all(struct search *s, struct runner *r, size_t n, int32_t rest)
{
    struct search_space *space = s->space;
    size_t n_kept = 0;
    add_runner(s, r, INT32_MAX, false);
    for (size_t i = 0; i < n; i++) {
        uint32_t row = space->rows[i];
        int64_t score = (int64_t)space->scores[i] + space->sums[row - s->base];
        space->rows[n_kept] = row;
        space->scores[n_kept] = (int32_t)score;
        n_kept += score + rest > s->top.floor;
    }
    memset(space->sums, 0, (s->end - s->base) * sizeof *space->sums);
    return n_kept;
}

/* Windows begin and end with words of the bitmap, but for the last. */
static bool has_allowed(const struct search *s)
{
    size_t i = s->base / 64, end = bitmap_n_words(s->end);
    while (s->allowed && i < end && s->allowed[i] == 0)
        i++;
    return i < end;
}

static void search_window(struct search *s)
{
    int32_t sum, optional = 0;
    if (!has_allowed(s))
        return;
    size_t n_optional = 0, n = enter_window(s, &sum);
    if (n == 0 || (!s->is_exhaustive && sum <= s->top.floor))
        return;
    while (n_optional < n && is_optional(s, s->order[n_optional]) &&
           optional + s->order[n_optional]->bound <= s->top.floor)
        optional += s->order[n_optional++]->bound;
    int32_t limit = s->is_exhaustive ? 0 : s->top.floor - optional;
    size_t n_found = keep_allowed(s, collect(s, n_optional, n, sum, limit));
    for (size_t i = n_optional; i-- > 0 && n_found > 0;) {
        optional -= s->order[i]->bound;
        bool are_many = n_found > MANY_CANDIDATES * (s->order[i]->end - s->order[i]->at);
        n_found = (are_many ? complete_all : complete)(s, s->order[i], n_found, optional);
    }
    for (size_t i = 0; i < n_found; i++)
        top_add(&s->top, s->space->rows[i], s->space->scores[i]);
}

/* ---- a search ---- */

static enum status get_space(struct lexical_lookup *lookup, struct error *err)
{
    if (!lookup->space) {
        lookup->space = mem_aligned(1, sizeof *lookup->space);
        if (!lookup->space)
            return error_nomem(err);
        memset(lookup->space->sums, 0, sizeof lookup->space->sums);
        memset(lookup->space->touched, 0, sizeof lookup->space->touched);
    }
    return STATUS_OK;
}

/* Scores depend on the weights, which may be others than at the last search. */
static void forget_scores(struct lexical_lookup *lookup)
{
    for (size_t i = 0; i < lookup->n_terms; i++) {
        struct lookup_term *term = &lookup->terms[i];
        term->has_scores = lookup_is_array(term);
        if (lookup_is_array(term))
            lookup->kernel->score(term->rows, term->tfs, term->df, lookup->index->lengths,
                                  lookup_weights(lookup, term), term->scores);
    }
}

static enum status begin(struct search *s, struct error *err)
{
    struct lexical_lookup *lookup = s->lookup;
    enum status status = get_space(lookup, err);
    s->space = lookup->space;
    s->runners = mem_zalloc(lookup->n_terms, sizeof *s->runners);
    s->order = mem_zalloc(lookup->n_terms, sizeof(struct runner *));
    if (status || !s->runners || !s->order)
        return status ? status : error_nomem(err);
    forget_scores(lookup);
    for (size_t i = 0; i < lookup->n_terms; i++) {
        if (lookup->query->terms[lookup->terms[i].i_term].weight <= 0)
            continue;
        struct runner *runner = &s->runners[s->n_runners++];
        runner->term = &lookup->terms[i];
        set_bounds(s, runner);
    }
    raise_floor(s);
    return STATUS_OK;
}

static enum status run(struct search *s, size_t *out_n, struct error *err)
{
    size_t n_rows = s->lookup->index->n_rows;
    enum status status = begin(s, err);
    for (size_t base = 0, n; base < n_rows && !status; base += n) {
        n = size_min(size_max(base, WINDOW_ROWS_FIRST), WINDOW_ROWS);
        s->base = (uint32_t)base;
        s->end = (uint32_t)size_min(base + n, n_rows);
        search_window(s);
    }
    top_sort(&s->top);
    mem_free(s->runners);
    mem_free(s->order);
    if (!status)
        *out_n = s->top.n;
    return status;
}

enum status lexical_lookup_search(struct lexical_lookup *lookup, const uint64_t *allowed, size_t k,
                                  int32_t floor, struct lexical_hit *out, size_t *out_n,
                                  struct error *err)
{
    struct search s = {
        .lookup = lookup, .allowed = allowed, .top = {.hits = out, .k = k, .floor = floor}};
    return run(&s, out_n, err);
}

enum status lexical_lookup_search_all(struct lexical_lookup *lookup, const uint64_t *allowed,
                                      size_t k, int32_t floor, struct lexical_hit *out,
                                      size_t *out_n, struct error *err)
{
    struct search s = {.lookup = lookup,
                       .allowed = allowed,
                       .top = {.hits = out, .k = k, .floor = floor},
                       .is_exhaustive = true};
    return run(&s, out_n, err);
}
