#include "lexical/tail_constraints.h"

#include <string.h>

#include "base/mem.h"
#include "lexical/phrase.h"
#include "lexical/terms.h"

struct tail_constraints {
    const struct lexical_query *query;
    bool *has_term;           /* [n_terms] */
    struct positions *found;  /* [n_terms], `at` set once everything was read */
    struct positions *phrase; /* [longest constraint] */
    size_t *first;            /* [n_terms], into pool */
    uint32_t *pool;           /* positions of the terms that the row has */
    size_t n_pool, n_pool_max;
    bool has_positions; /* of this row they were read */
};

enum status tail_constraints_new(const struct lexical_query *query, struct tail_constraints **out,
                                 struct error *err)
{
    struct tail_constraints *c = mem_zalloc(1, sizeof *c);
    if (!c)
        return error_nomem(err);
    size_t n_longest = 0;
    for (size_t i = 0; i < query->n_constraints; i++)
        if (query->constraints[i].n > n_longest)
            n_longest = query->constraints[i].n;
    c->query = query;
    c->has_term = mem_zalloc(query->n_terms, sizeof *c->has_term);
    c->found = mem_zalloc(query->n_terms, sizeof *c->found);
    c->first = mem_zalloc(query->n_terms, sizeof *c->first);
    c->phrase = mem_zalloc(n_longest, sizeof *c->phrase);
    if (!c->has_term || !c->found || !c->first || !c->phrase) {
        tail_constraints_free(c);
        return error_nomem(err);
    }
    *out = c;
    return STATUS_OK;
}

void tail_constraints_free(struct tail_constraints *constraints)
{
    if (!constraints)
        return;
    mem_free(constraints->has_term);
    mem_free(constraints->found);
    mem_free(constraints->phrase);
    mem_free(constraints->first);
    mem_free(constraints->pool);
    mem_free(constraints);
}

void tail_constraints_begin(struct tail_constraints *constraints)
{
    memset(constraints->has_term, 0, constraints->query->n_terms * sizeof *constraints->has_term);
    constraints->has_positions = false;
}

void tail_constraints_mark(struct tail_constraints *constraints, uint32_t i_term)
{
    constraints->has_term[i_term] = true;
}

/* Reads the positions of one entry, and keeps them when `i_term` is one of the query's. */
static enum status read_entry(struct tail_constraints *c, struct span_reader *positions,
                              uint64_t tf, size_t i_term, struct error *err)
{
    bool is_wanted = i_term < c->query->n_terms;
    uint64_t position = 0;
    if (is_wanted) {
        c->first[i_term] = c->n_pool;
        c->found[i_term].n = 0;
    }
    for (uint64_t i = 0; i < tf && !positions->is_short; i++) {
        position += span_take_varint(positions);
        if (!is_wanted || positions->is_short || position > UINT32_MAX)
            continue;
        void *pool = c->pool;
        enum status status =
            mem_reserve(&pool, &c->n_pool_max, c->n_pool + 1, sizeof *c->pool, err);
        c->pool = pool;
        if (status)
            return status;
        c->pool[c->n_pool++] = (uint32_t)position;
        c->found[i_term].n++;
    }
    return positions->is_short ? error_set(err, STATUS_DAMAGED, "positions of words are damaged")
                               : STATUS_OK;
}

/* Which of the query's exact terms an entry is, from `i` on; the entry's place if it is none. */
static size_t term_of(const struct tail_constraints *c, const struct term_entry *entry, size_t *i)
{
    const struct lexical_query *query = c->query;
    for (; *i < query->n_terms; ++*i) {
        const struct lexical_query_term *term = &query->terms[*i];
        int order = term_compare(term->term, term->len, entry->term, entry->len);
        if (order == 0 && !term->is_prefix)
            return *i;
        if (order > 0)
            break;
    }
    return SIZE_MAX;
}

static enum status read_positions(struct tail_constraints *c, const void *blob, size_t len,
                                  struct error *err)
{
    struct span_reader terms = span_reader_init(blob, len), positions;
    struct term_entry entry;
    for (size_t i = 0; i < c->query->n_terms; i++)
        c->found[i].n = 0;
    c->n_pool = 0;
    c->has_positions = true;
    while (term_entry_read(&terms, &entry))
        ;
    if (terms.is_short)
        return error_set(err, STATUS_DAMAGED, "the words of a passage are damaged");
    positions = terms;
    if (positions.n_left == 0)
        return STATUS_OK;
    span_take_u8(&positions);
    enum status status = STATUS_OK;
    terms = span_reader_init(blob, len);
    for (size_t i = 0; !status && term_entry_read(&terms, &entry);)
        status = read_entry(c, &positions, entry.tf, term_of(c, &entry, &i), err);
    for (size_t i = 0; i < c->query->n_terms; i++)
        c->found[i].at = c->found[i].n ? c->pool + c->first[i] : NULL;
    return status;
}

static enum status is_met(struct tail_constraints *c, const struct lexical_constraint *constraint,
                          const void *blob, size_t len, bool *out, struct error *err)
{
    *out = true;
    for (size_t i = 0; i < constraint->n; i++)
        *out &= c->has_term[constraint->i_terms[i]];
    if (!*out || constraint->n == 1)
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (!c->has_positions)
        status = read_positions(c, blob, len, err);
    for (size_t i = 0; i < constraint->n; i++)
        c->phrase[i] = c->found[constraint->i_terms[i]];
    *out = !status && phrase_occurs(c->phrase, constraint->n);
    return status;
}

enum status tail_constraints_allow(struct tail_constraints *constraints, const void *blob,
                                   size_t len, bool *out, struct error *err)
{
    const struct lexical_query *query = constraints->query;
    bool is_allowed = true;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < query->n_constraints && is_allowed && !status; i++) {
        bool is_there = false;
        status = is_met(constraints, &query->constraints[i], blob, len, &is_there, err);
        is_allowed = is_there != query->constraints[i].is_excluded;
    }
    if (!status)
        *out = is_allowed;
    return status;
}
