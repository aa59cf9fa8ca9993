#include <string.h>

#include "base/mem.h"
#include "lexical/lexical.h"
#include "lexical/terms.h"

struct coverage {
    const struct lexical_query *query;
    bool *is_found; /* [n_terms] */
    bool has_prefixes;
};

static void mark_prefixes(struct coverage *c, const struct analyzer_term *term)
{
    for (size_t i = 0; i < c->query->n_terms; i++) {
        const struct lexical_query_term *t = &c->query->terms[i];
        if (t->is_prefix && t->len <= term->len && memcmp(t->term, term->bytes, t->len) == 0)
            c->is_found[i] = true;
    }
}

static void mark(void *ctx, const struct analyzer_term *term)
{
    struct coverage *c = ctx;
    size_t low = 0, high = c->query->n_terms;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct lexical_query_term *t = &c->query->terms[middle];
        if (term_compare(t->term, t->len, term->bytes, term->len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct lexical_query_term *t = &c->query->terms[low];
    if (low < c->query->n_terms && term_compare(t->term, t->len, term->bytes, term->len) == 0)
        c->is_found[low] = true;
    if (c->has_prefixes)
        mark_prefixes(c, term);
}

enum status lexical_coverage(struct analyzer *analyzer, const struct lexical_query *query,
                             const char *text, size_t len, double *out, struct error *err)
{
    double covered = 0, total = 0;
    struct coverage c = {.query = query,
                         .is_found = mem_zalloc(query->n_terms + 1, sizeof *c.is_found)};
    if (!c.is_found)
        return error_nomem(err);
    for (size_t i = 0; i < query->n_terms; i++)
        c.has_prefixes |= query->terms[i].is_prefix;
    enum status status = STATUS_OK;
    if (query->n_terms > 0)
        status = analyzer_terms(analyzer, ANALYZER_INDEX, text, len, mark, &c, err);
    for (size_t i = 0; i < query->n_terms; i++) {
        double idf = query->terms[i].weight > 0 ? query->terms[i].idf : 0;
        total += idf;
        covered += c.is_found[i] ? idf : 0;
    }
    mem_free(c.is_found);
    if (!status)
        *out = total > 0 ? covered / total : 0;
    return status;
}
