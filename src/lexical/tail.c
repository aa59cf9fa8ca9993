/* Exhaustive BM25 (Robertson and Zaragoza 2009): every row is looked at, so this is what the index
 * must equal. */
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "lexical/lexical.h"
#include "lexical/score.h"
#include "lexical/tail_constraints.h"
#include "lexical/terms.h"

struct match {
    uint32_t i_row, i_term, tf;
};

struct lexical_tail {
    const struct lexical_query *query;
    uint32_t *i_exact, *i_prefix; /* which of the query's terms are which */
    size_t n_exact, n_prefix;
    uint64_t *exact_prefixes; /* [n_exact], see term_prefix() */
    uint64_t *prefix_tf;      /* [n_prefix], of the row being added */
    struct match *matches;
    size_t n_matches, n_matches_max;
    uint32_t *lengths; /* [n_rows] */
    size_t n_rows, n_rows_max;
    uint64_t n_terms_total;
    uint64_t *is_refused; /* bitmap of the rows that a constraint forbids */
    size_t n_words, n_words_max;
    struct tail_constraints *constraints; /* NULL: none */
    int32_t *scores;                      /* [n_rows], made by lexical_tail_scores() */
};

static enum status prepare(struct lexical_tail *tail, struct error *err)
{
    size_t n = tail->query->n_terms;
    tail->i_exact = mem_array(n, sizeof *tail->i_exact);
    tail->i_prefix = mem_array(n, sizeof *tail->i_prefix);
    tail->exact_prefixes = mem_array(n, sizeof *tail->exact_prefixes);
    tail->prefix_tf = mem_zalloc(n, sizeof *tail->prefix_tf);
    if (!tail->i_exact || !tail->i_prefix || !tail->exact_prefixes || !tail->prefix_tf)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const struct lexical_query_term *term = &tail->query->terms[i];
        if (term->is_prefix) {
            tail->i_prefix[tail->n_prefix++] = (uint32_t)i;
        } else {
            tail->exact_prefixes[tail->n_exact] = term_prefix(term->term, term->len);
            tail->i_exact[tail->n_exact++] = (uint32_t)i;
        }
    }
    return lexical_query_is_restricted(tail->query)
               ? tail_constraints_new(tail->query, &tail->constraints, err)
               : STATUS_OK;
}

enum status lexical_tail_new(const struct lexical_query *query, struct lexical_tail **out,
                             struct error *err)
{
    struct lexical_tail *tail = mem_zalloc(1, sizeof *tail);
    if (!tail)
        return error_nomem(err);
    tail->query = query;
    enum status status = prepare(tail, err);
    if (status)
        lexical_tail_free(tail);
    else
        *out = tail;
    return status;
}

void lexical_tail_free(struct lexical_tail *tail)
{
    if (!tail)
        return;
    mem_free(tail->i_exact);
    mem_free(tail->i_prefix);
    mem_free(tail->exact_prefixes);
    mem_free(tail->prefix_tf);
    mem_free(tail->matches);
    mem_free(tail->lengths);
    mem_free(tail->is_refused);
    mem_free(tail->scores);
    tail_constraints_free(tail->constraints);
    mem_free(tail);
}

static enum status add_match(struct lexical_tail *tail, size_t i_term, uint64_t tf,
                             struct error *err)
{
    void *matches = tail->matches;
    enum status status = mem_reserve(&matches, &tail->n_matches_max, tail->n_matches + 1,
                                     sizeof *tail->matches, err);
    tail->matches = matches;
    if (!status)
        tail->matches[tail->n_matches++] =
            (struct match){(uint32_t)tail->n_rows, (uint32_t)i_term, tf_clamp(tf)};
    return status;
}

/* The exact term that equals `entry`, or the first one behind it, from *i on. */
static bool find_exact(const struct lexical_tail *tail, const struct term_entry *entry, size_t *i)
{
    size_t at = *i, n = tail->n_exact;
    int order = 1;
    while (at < n && tail->exact_prefixes[at] < entry->prefix)
        at++;
    for (; at < n && tail->exact_prefixes[at] == entry->prefix; at++) {
        const struct lexical_query_term *term = &tail->query->terms[tail->i_exact[at]];
        order = term_compare(term->term, term->len, entry->term, entry->len);
        if (order >= 0)
            break;
    }
    *i = at;
    return order == 0;
}

/* Both lists ascend: one walk, which ends with the shorter of them. */
static enum status match_exact(struct lexical_tail *tail, const void *blob, size_t len,
                               struct error *err)
{
    struct span_reader reader = span_reader_init(blob, len);
    struct term_entry entry;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < tail->n_exact && !status && term_entry_read(&reader, &entry);)
        if (find_exact(tail, &entry, &i))
            status = add_match(tail, tail->i_exact[i], entry.tf, err);
    if (!status && reader.is_short)
        status = error_set(err, STATUS_DAMAGED, "the words of passage row %zu are damaged",
                           tail->n_rows);
    return status;
}

static enum status match_prefixes(struct lexical_tail *tail, const void *blob, size_t len,
                                  struct error *err)
{
    if (tail->n_prefix == 0)
        return STATUS_OK;
    struct span_reader reader = span_reader_init(blob, len);
    struct term_entry entry;
    memset(tail->prefix_tf, 0, tail->n_prefix * sizeof *tail->prefix_tf);
    while (term_entry_read(&reader, &entry))
        for (size_t i = 0; i < tail->n_prefix; i++) {
            const struct lexical_query_term *term = &tail->query->terms[tail->i_prefix[i]];
            if (term->len <= entry.len && memcmp(term->term, entry.term, term->len) == 0)
                tail->prefix_tf[i] += tf_clamp(entry.tf);
        }
    if (reader.is_short)
        return error_set(err, STATUS_DAMAGED, "the words of passage row %zu are damaged",
                         tail->n_rows);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < tail->n_prefix && !status; i++)
        if (tail->prefix_tf[i] > 0)
            status = add_match(tail, tail->i_prefix[i], tail->prefix_tf[i], err);
    return status;
}

static enum status constrain(struct lexical_tail *tail, size_t first_match, const void *blob,
                             size_t len, struct error *err)
{
    void *words = tail->is_refused;
    size_t n_words = bitmap_n_words(tail->n_rows + 1);
    enum status status =
        mem_reserve(&words, &tail->n_words_max, n_words, sizeof *tail->is_refused, err);
    tail->is_refused = words;
    if (status || !tail->constraints)
        return status;
    for (; tail->n_words < n_words; tail->n_words++)
        tail->is_refused[tail->n_words] = 0;
    tail_constraints_begin(tail->constraints);
    for (size_t i = first_match; i < tail->n_matches; i++)
        tail_constraints_mark(tail->constraints, tail->matches[i].i_term);
    bool is_allowed = true;
    status = tail_constraints_allow(tail->constraints, blob, len, &is_allowed, err);
    if (!status && !is_allowed)
        bitmap_add(tail->is_refused, tail->n_rows);
    return status;
}

enum status lexical_tail_add(struct lexical_tail *tail, const void *blob, size_t len,
                             uint32_t n_terms, struct error *err)
{
    if (tail->n_rows >= UINT32_MAX)
        return error_set(err, STATUS_LIMIT, "more than %zu passage rows", tail->n_rows);
    void *lengths = tail->lengths;
    enum status status =
        mem_reserve(&lengths, &tail->n_rows_max, tail->n_rows + 1, sizeof *tail->lengths, err);
    tail->lengths = lengths;
    size_t n_matches = tail->n_matches;
    if (!status)
        status = match_exact(tail, blob, len, err);
    if (!status)
        status = match_prefixes(tail, blob, len, err);
    if (!status)
        status = constrain(tail, n_matches, blob, len, err);
    if (status) {
        tail->n_matches = n_matches;
        return status;
    }
    tail->lengths[tail->n_rows++] = length_clamp(n_terms);
    tail->n_terms_total += length_clamp(n_terms);
    return STATUS_OK;
}

void lexical_tail_count(const struct lexical_tail *tail, struct lexical_stats *io_stats,
                        struct lexical_query *io_query)
{
    io_stats->n_rows += tail->n_rows;
    io_stats->n_terms += tail->n_terms_total;
    for (size_t i = 0; i < tail->n_matches; i++)
        io_query->terms[tail->matches[i].i_term].df++;
}

enum status lexical_tail_scores(struct lexical_tail *tail, const int32_t **out_scores,
                                size_t *out_n, struct error *err)
{
    int32_t *scores = mem_zalloc(tail->n_rows, sizeof *scores);
    if (!scores)
        return error_nomem(err);
    for (size_t i = 0; i < tail->n_matches; i++) {
        const struct match *m = &tail->matches[i];
        if (tail->query->terms[m->i_term].weight > 0)
            scores[m->i_row] +=
                score_of(score_weights_of(tail->query, m->i_term), m->tf, tail->lengths[m->i_row]);
    }
    mem_free(tail->scores);
    tail->scores = scores;
    *out_scores = scores;
    *out_n = tail->n_rows;
    return STATUS_OK;
}

void lexical_tail_restrict(const struct lexical_tail *tail, uint64_t *io_allowed)
{
    for (size_t i = 0; tail->constraints && i < bitmap_n_words(tail->n_rows); i++)
        io_allowed[i] &= ~tail->is_refused[i];
}
