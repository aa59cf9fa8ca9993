#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "lexical/phrase_search.h"

static struct lookup_term *find_term(const struct lexical_lookup *lookup, uint32_t i_term)
{
    for (size_t i = 0; i < lookup->n_terms; i++)
        if (lookup->terms[i].i_term == i_term)
            return &lookup->terms[i];
    return NULL;
}

static void add_rows(uint64_t *io_found, const uint32_t *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bitmap_add(io_found, rows[i]);
}

/* All rows of one term. */
static enum status find_rows(struct lexical_lookup *lookup, struct lookup_term *term,
                             uint64_t *io_found, struct error *err)
{
    if (lookup_is_array(term)) {
        add_rows(io_found, term->rows, term->df);
        return STATUS_OK;
    }
    for (size_t i = 0; i < term->list.n_blocks; i++) {
        lookup_read_rows(lookup, term, i);
        if (term->block->n == 0)
            return error_set(err, STATUS_DAMAGED, "the postings of a word are damaged");
        add_rows(io_found, term->block->rows, term->block->n);
    }
    return STATUS_OK;
}

static enum status find_constraint(struct lexical_lookup *lookup,
                                   const struct lexical_constraint *constraint, uint64_t *io_found,
                                   struct error *err)
{
    struct lookup_term **terms = mem_array(constraint->n, sizeof(struct lookup_term *));
    bool has_all = true;
    if (!terms)
        return error_nomem(err);
    for (size_t i = 0; i < constraint->n; i++) {
        terms[i] = find_term(lookup, constraint->i_terms[i]);
        has_all &= terms[i] != NULL;
    }
    enum status status = STATUS_OK;
    if (has_all && constraint->n == 1)
        status = find_rows(lookup, terms[0], io_found, err);
    else if (has_all)
        status = phrase_search(lookup, terms, constraint->n, io_found, err);
    mem_free(terms);
    return status;
}

enum status lexical_lookup_restrict(struct lexical_lookup *lookup, uint64_t *io_allowed,
                                    struct error *err)
{
    size_t n_words = bitmap_n_words(lookup->index->n_rows);
    uint64_t *found = mem_array(n_words, sizeof *found);
    enum status status = found ? STATUS_OK : error_nomem(err);
    for (size_t i = 0; i < lookup->query->n_constraints && !status; i++) {
        const struct lexical_constraint *constraint = &lookup->query->constraints[i];
        memset(found, 0, n_words * sizeof *found);
        status = find_constraint(lookup, constraint, found, err);
        for (size_t w = 0; w < n_words && !status; w++)
            io_allowed[w] &= constraint->is_excluded ? ~found[w] : found[w];
    }
    mem_free(found);
    return status;
}
