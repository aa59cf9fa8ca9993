/* Exhaustive BM25 (Robertson and Zaragoza 2009, with the idf of Lucene, which is never negative):
 * every row is looked at, so this is what any faster index must equal. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lexical/lexical.h"
#include "lexical/terms.h"

struct match {
    uint32_t i_row, i_term, tf;
};

struct lexical_scorer {
    struct lexical_query *query; /* borrowed; terms in byte order */
    struct lexical_params params;
    uint64_t *prefixes; /* [query->n_terms], see term_prefix() */
    struct match *matches;
    size_t n_matches, n_matches_max;
    uint32_t *lengths; /* [n_rows] */
    size_t n_rows, n_rows_max;
    double n_terms_total;
    float *scores; /* [n_rows], made by finish */
};

static int compare_query_terms(const void *a, const void *b)
{
    const struct lexical_query_term *x = a, *y = b;
    return term_compare(x->term, x->len, y->term, y->len);
}

enum status lexical_scorer_new(struct lexical_query *query, struct lexical_params params,
                               struct lexical_scorer **out, struct error *err)
{
    struct lexical_scorer *scorer = mem_zalloc(1, sizeof *scorer);
    if (!scorer)
        return error_nomem(err);
    scorer->prefixes = mem_array(query->n_terms, sizeof *scorer->prefixes);
    if (!scorer->prefixes) {
        mem_free(scorer);
        return error_nomem(err);
    }
    scorer->query = query;
    scorer->params = params;
    if (query->n_terms > 1)
        qsort(query->terms, query->n_terms, sizeof *query->terms, compare_query_terms);
    for (size_t i = 0; i < query->n_terms; i++)
        scorer->prefixes[i] = term_prefix(query->terms[i].term, query->terms[i].len);
    *out = scorer;
    return STATUS_OK;
}

void lexical_scorer_free(struct lexical_scorer *scorer)
{
    if (!scorer)
        return;
    mem_free(scorer->prefixes);
    mem_free(scorer->matches);
    mem_free(scorer->lengths);
    mem_free(scorer->scores);
    mem_free(scorer);
}

static enum status add_match(struct lexical_scorer *s, size_t i_term, uint64_t tf,
                             struct error *err)
{
    void *matches = s->matches;
    enum status status =
        mem_reserve(&matches, &s->n_matches_max, s->n_matches + 1, sizeof *s->matches, err);
    s->matches = matches;
    if (!status)
        s->matches[s->n_matches++] =
            (struct match){(uint32_t)s->n_rows, (uint32_t)i_term, (uint32_t)tf};
    return status;
}

/* The query's term that equals `entry`, or the first one behind it, from *i_term on. */
static bool find_term(const struct lexical_scorer *s, const struct term_entry *entry,
                      size_t *i_term)
{
    uint64_t prefix = entry->prefix;
    size_t i = *i_term, n = s->query->n_terms;
    while (i < n && s->prefixes[i] < prefix)
        i++;
    int order = 1;
    for (; i < n && s->prefixes[i] == prefix; i++) {
        const struct lexical_query_term *term = &s->query->terms[i];
        order = term_compare(term->term, term->len, entry->term, entry->len);
        if (order >= 0)
            break;
    }
    *i_term = i;
    return order == 0;
}

/* Both lists ascend: one walk, which ends with the shorter of them. */
static enum status match_row(struct lexical_scorer *s, const void *blob, size_t len,
                             struct error *err)
{
    struct span_reader reader = span_reader_init(blob, len);
    struct term_entry entry;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < s->query->n_terms && !status && term_entry_read(&reader, &entry);)
        if (find_term(s, &entry, &i))
            status = add_match(s, i, entry.tf, err);
    if (!status && reader.is_short)
        status =
            error_set(err, STATUS_FORMAT, "the words of passage row %zu are damaged", s->n_rows);
    return status;
}

enum status lexical_scorer_add(struct lexical_scorer *scorer, const void *blob, size_t len,
                               uint32_t n_terms, struct error *err)
{
    if (scorer->n_rows >= UINT32_MAX)
        return error_set(err, STATUS_LIMIT, "more than %zu passage rows", scorer->n_rows);
    void *lengths = scorer->lengths;
    enum status status = mem_reserve(&lengths, &scorer->n_rows_max, scorer->n_rows + 1,
                                     sizeof *scorer->lengths, err);
    scorer->lengths = lengths;
    size_t n_matches = scorer->n_matches;
    if (!status)
        status = match_row(scorer, blob, len, err);
    if (status) {
        scorer->n_matches = n_matches;
        return status;
    }
    scorer->lengths[scorer->n_rows++] = n_terms;
    scorer->n_terms_total += n_terms;
    return STATUS_OK;
}

static enum status compute_idf(struct lexical_scorer *s, struct error *err)
{
    size_t n = s->query->n_terms;
    double *df = mem_zalloc(n, sizeof *df);
    if (!df)
        return error_nomem(err);
    for (size_t i = 0; i < s->n_matches; i++)
        df[s->matches[i].i_term]++;
    for (size_t i = 0; i < n; i++)
        s->query->terms[i].idf = log(1 + ((double)s->n_rows - df[i] + 0.5) / (df[i] + 0.5));
    mem_free(df);
    return STATUS_OK;
}

enum status lexical_scorer_finish(struct lexical_scorer *scorer, const float **out_scores,
                                  size_t *out_n, struct error *err)
{
    double *sums = mem_zalloc(scorer->n_rows, sizeof *sums);
    float *scores = mem_zalloc(scorer->n_rows, sizeof *scores);
    enum status status = sums && scores ? compute_idf(scorer, err) : error_nomem(err);
    if (status) {
        mem_free(sums);
        mem_free(scores);
        return status;
    }
    double k1 = scorer->params.k1, b = scorer->params.b;
    double mean = scorer->n_rows ? scorer->n_terms_total / (double)scorer->n_rows : 1;
    for (size_t i = 0; i < scorer->n_matches; i++) {
        const struct match *m = &scorer->matches[i];
        const struct lexical_query_term *term = &scorer->query->terms[m->i_term];
        double tf = m->tf, len = scorer->lengths[m->i_row];
        sums[m->i_row] += term->weight * term->idf * tf * (k1 + 1) /
                          (tf + k1 * (1 - b + b * len / (mean > 0 ? mean : 1)));
    }
    for (size_t i = 0; i < scorer->n_rows; i++)
        scores[i] = (float)sums[i];
    mem_free(sums);
    mem_free(scorer->scores);
    scorer->scores = scores;
    *out_scores = scores;
    *out_n = scorer->n_rows;
    return STATUS_OK;
}
