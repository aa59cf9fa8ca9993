#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lexical/collector.h"
#include "lexical/fold.h"
#include "lexical/lexical.h"
#include "lexical/terms.h"
#include "text/text.h"

#define SCALE 65536.0
#define SCORE_SUM_MAX (double)(1 << 30)

/* Terms as they come; equal ones become one at the end. */
struct draft_term {
    struct lexical_query_term term;
    uint32_t i_added;
};

struct draft_constraint {
    size_t first_term, n;
    bool is_excluded;
};

struct draft {
    struct analyzer *analyzer;
    struct arena *arena;
    struct draft_term *terms;
    size_t n_terms, n_terms_max;
    struct draft_constraint *constraints;
    size_t n_constraints, n_constraints_max;
    struct collector collector;
    struct buf normal;
};

static enum status add_term(struct draft *draft, const char *bytes, size_t len, bool is_prefix,
                            double weight, struct error *err)
{
    void *terms = draft->terms;
    enum status status =
        mem_reserve(&terms, &draft->n_terms_max, draft->n_terms + 1, sizeof *draft->terms, err);
    draft->terms = terms;
    const char *copy = status ? NULL : arena_text(draft->arena, bytes, len);
    if (!copy)
        return status ? status : error_nomem(err);
    draft->terms[draft->n_terms] = (struct draft_term){
        .term = {.term = copy, .len = len, .is_prefix = is_prefix, .weight = weight},
        .i_added = (uint32_t)draft->n_terms};
    draft->n_terms++;
    return STATUS_OK;
}

/* What was added from `first_term` on, in order. */
static enum status add_constraint(struct draft *draft, size_t first_term, bool is_excluded,
                                  struct error *err)
{
    if (draft->n_terms == first_term)
        return STATUS_OK;
    void *constraints = draft->constraints;
    enum status status = mem_reserve(&constraints, &draft->n_constraints_max,
                                     draft->n_constraints + 1, sizeof *draft->constraints, err);
    draft->constraints = constraints;
    if (!status)
        draft->constraints[draft->n_constraints++] =
            (struct draft_constraint){first_term, draft->n_terms - first_term, is_excluded};
    return status;
}

/* A question comes from a keyboard or a pipe, not through a loader: its marks may be apart. */
static enum status normalize(struct draft *draft, const struct lexical_clause *clause,
                             struct error *err)
{
    buf_reset(&draft->normal);
    text_normalize(clause->text, size_min(clause->len, RAGGED_LIMIT_QUERY), TEXT_SPACE_COLLAPSE,
                   &draft->normal);
    return buf_status(&draft->normal, err);
}

static enum status analyze(struct draft *draft, const struct lexical_clause *clause,
                           enum analyzer_mode mode, struct error *err)
{
    collector_reset(&draft->collector);
    enum status status = normalize(draft, clause, err);
    return status ? status
                  : collector_add(&draft->collector, draft->analyzer, mode,
                                  buf_text(&draft->normal), draft->normal.len, err);
}

static enum status add_prefix(struct draft *draft, const struct lexical_clause *clause,
                              double weight, struct error *err)
{
    enum status status = normalize(draft, clause, err);
    if (status)
        return status;
    const char *text = buf_text(&draft->normal);
    size_t start = strspn(text, " "), len = strcspn(text + start, " ");
    char prefix[TERM_BYTES_MAX];
    len = fold_text(text + start, len, prefix);
    return len ? add_term(draft, prefix, len, true, weight, err) : STATUS_OK;
}

/* The words that score. */
static enum status add_words(struct draft *draft, const struct lexical_clause *clauses,
                             size_t n_clauses, enum analyzer_mode mode, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_clauses && !status; i++) {
        if (clauses[i].is_excluded || clauses[i].kind == LEXICAL_PREFIX)
            continue;
        status = analyze(draft, &clauses[i], mode, err);
        const struct collector *c = &draft->collector;
        for (size_t k = 0; k < c->n && !status; k++)
            status = add_term(draft, c->terms[k].bytes, c->terms[k].len, false, 1, err);
    }
    return status;
}

/* Wholes of compounds are left out: their parts say the same in either spelling. Excluded words are
 * a phrase each, so that of a compound not each part alone is unwanted. */
static enum status add_word_constraints(struct draft *draft, const struct lexical_clause *clause,
                                        struct error *err)
{
    enum status status = analyze(draft, clause, ANALYZER_INDEX, err);
    const struct collector *c = &draft->collector;
    size_t first = draft->n_terms;
    for (size_t i = 0; i < c->n && !status; i++) {
        bool is_next_word = i > 0 && c->terms[i].i_word != c->terms[i - 1].i_word;
        if (clause->kind == LEXICAL_WORDS && is_next_word) {
            status = add_constraint(draft, first, clause->is_excluded, err);
            first = draft->n_terms;
        }
        if (!status && !c->terms[i].is_compound)
            status = add_term(draft, c->terms[i].bytes, c->terms[i].len, false, 0, err);
    }
    return status ? status : add_constraint(draft, first, clause->is_excluded, err);
}

static enum status add_rest(struct draft *draft, const struct lexical_clause *clauses,
                            size_t n_clauses, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_clauses && !status; i++) {
        const struct lexical_clause *clause = &clauses[i];
        size_t first = draft->n_terms;
        if (clause->kind == LEXICAL_PREFIX) {
            status = add_prefix(draft, clause, clause->is_excluded ? 0 : 1, err);
            if (!status && clause->is_excluded)
                status = add_constraint(draft, first, true, err);
        } else if (clause->is_excluded || clause->kind == LEXICAL_PHRASE) {
            status = add_word_constraints(draft, clause, err);
        }
    }
    return status;
}

static int compare_terms(const void *a, const void *b)
{
    const struct lexical_query_term *x = &((const struct draft_term *)a)->term;
    const struct lexical_query_term *y = &((const struct draft_term *)b)->term;
    int order = term_compare(x->term, x->len, y->term, y->len);
    return order ? order : x->is_prefix - y->is_prefix;
}

/* Folds equal terms; map[i_added] says which one a term became. */
static size_t fold_terms(struct draft *draft, uint32_t *map)
{
    size_t n = 0;
    if (draft->n_terms > 1)
        qsort(draft->terms, draft->n_terms, sizeof *draft->terms, compare_terms);
    for (size_t i = 0; i < draft->n_terms; i++) {
        struct draft_term *term = &draft->terms[i];
        uint32_t i_added = term->i_added;
        if (n > 0 && compare_terms(term, &draft->terms[n - 1]) == 0)
            draft->terms[n - 1].term.weight += term->term.weight;
        else
            draft->terms[n++] = *term;
        map[i_added] = (uint32_t)(n - 1);
    }
    return n;
}

static enum status finish(struct draft *draft, struct lexical_query *out, struct error *err)
{
    struct arena *arena = draft->arena;
    uint32_t *map = arena_zalloc(arena, draft->n_terms + 1, sizeof *map);
    if (!map)
        return error_nomem(err);
    struct lexical_query query = {.scale = SCALE, .n_constraints = draft->n_constraints};
    query.n_terms = fold_terms(draft, map);
    query.terms = arena_zalloc(arena, query.n_terms + 1, sizeof *query.terms);
    query.constraints = arena_zalloc(arena, query.n_constraints + 1, sizeof *query.constraints);
    if (!query.terms || !query.constraints)
        return error_nomem(err);
    for (size_t i = 0; i < query.n_terms; i++)
        query.terms[i] = draft->terms[i].term;
    for (size_t i = 0; i < query.n_constraints; i++) {
        const struct draft_constraint *from = &draft->constraints[i];
        query.constraints[i] = (struct lexical_constraint){
            .i_terms = map + from->first_term, .n = from->n, .is_excluded = from->is_excluded};
    }
    *out = query;
    return STATUS_OK;
}

enum status lexical_query_build(struct analyzer *analyzer, const struct lexical_clause *clauses,
                                size_t n_clauses, struct arena *arena, struct lexical_query *out,
                                struct error *err)
{
    struct draft draft = {.analyzer = analyzer, .arena = arena};
    bool has_prefix = false;
    for (size_t i = 0; i < n_clauses; i++)
        has_prefix |= clauses[i].kind == LEXICAL_PREFIX && !clauses[i].is_excluded;
    enum status status = add_words(&draft, clauses, n_clauses, ANALYZER_QUERY, err);
    if (!status && draft.n_terms == 0 && !has_prefix)
        status = add_words(&draft, clauses, n_clauses, ANALYZER_INDEX, err);
    if (!status)
        status = add_rest(&draft, clauses, n_clauses, err);
    if (!status)
        status = finish(&draft, out, err);
    mem_free(draft.terms);
    mem_free(draft.constraints);
    collector_clear(&draft.collector);
    buf_clear(&draft.normal);
    return status;
}

enum status lexical_query_parse(struct analyzer *analyzer, const char *text, size_t len,
                                struct arena *arena, struct lexical_query *out, struct error *err)
{
    struct lexical_clause clause = {.text = text, .len = len};
    return lexical_query_build(analyzer, &clause, 1, arena, out, err);
}

void lexical_query_weigh(struct lexical_query *query, const struct lexical_stats *stats,
                         struct lexical_params params)
{
    double n_rows = (double)stats->n_rows, best = 0, scale = SCALE;
    double mean = stats->n_rows ? (double)stats->n_terms / n_rows : 1;
    for (size_t i = 0; i < query->n_terms; i++) {
        struct lexical_query_term *term = &query->terms[i];
        double df = fmin((double)term->df, n_rows);
        term->idf = log(1 + (n_rows - df + 0.5) / (df + 0.5));
        best += term->weight * term->idf * (params.k1 + 1);
    }
    while (best * scale > SCORE_SUM_MAX)
        scale /= 2;
    for (size_t i = 0; i < query->n_terms; i++) {
        struct lexical_query_term *term = &query->terms[i];
        term->factor = (float)(term->weight * term->idf * (params.k1 + 1) * scale);
    }
    query->scale = scale;
    query->length_base = (float)(params.k1 * (1 - params.b));
    query->length_slope = (float)(params.k1 * params.b / (mean > 0 ? mean : 1));
}
