#include "lexical/terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/checked.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lexical/lexical.h"
#include "text/text.h"

struct term {
    const char *bytes;
    size_t len;
    uint64_t tf;
};

struct collector {
    struct arena arena;
    struct term *terms;
    size_t n, n_max;
    enum status failed;
};

static void collect(void *ctx, const char *term, size_t len)
{
    struct collector *c = ctx;
    void *terms = c->terms;
    if (c->failed || (c->failed = mem_reserve(&terms, &c->n_max, c->n + 1, sizeof *c->terms, NULL)))
        return;
    c->terms = terms;
    char *copy = arena_text(&c->arena, term, len);
    if (!copy) {
        c->failed = STATUS_NOMEM;
        return;
    }
    c->terms[c->n++] = (struct term){.bytes = copy, .len = len, .tf = 1};
}

static void collector_clear(struct collector *c)
{
    mem_free(c->terms);
    arena_clear(&c->arena);
}

static int compare_terms(const void *a, const void *b)
{
    const struct term *x = a, *y = b;
    return term_compare(x->bytes, x->len, y->bytes, y->len);
}

/* Sorts, and folds equal terms into one with their count. */
static void fold(struct collector *c)
{
    if (c->n < 2)
        return;
    qsort(c->terms, c->n, sizeof *c->terms, compare_terms);
    size_t n = 1;
    for (size_t i = 1; i < c->n; i++) {
        if (compare_terms(&c->terms[i], &c->terms[n - 1]) == 0)
            c->terms[n - 1].tf++;
        else
            c->terms[n++] = c->terms[i];
    }
    c->n = n;
}

static void append_varint(struct buf *out, uint64_t value)
{
    while (value >= 0x80) {
        buf_append_char(out, (char)(value | 0x80));
        value >>= 7;
    }
    buf_append_char(out, (char)value);
}

enum status lexical_terms_encode(struct analyzer *analyzer, const char *const *texts,
                                 const size_t *lens, size_t n_texts, struct buf *out_blob,
                                 uint32_t *out_n_terms, struct error *err)
{
    struct collector c = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_texts && !status; i++)
        status = analyzer_terms(analyzer, ANALYZER_INDEX, texts[i], lens[i], collect, &c, err);
    if (!status && c.failed)
        status = error_nomem(err);
    size_t n_terms = c.n, len_before = out_blob->len;
    if (!status) {
        fold(&c);
        for (size_t i = 0; i < c.n; i++) {
            buf_append_char(out_blob, (char)c.terms[i].len);
            buf_append(out_blob, c.terms[i].bytes, c.terms[i].len);
            append_varint(out_blob, c.terms[i].tf);
        }
        status = buf_status(out_blob, err);
    }
    if (!status)
        *out_n_terms = (uint32_t)n_terms;
    else if (out_blob->len > len_before)
        buf_truncate(out_blob, len_before);
    collector_clear(&c);
    return status;
}

static enum status query_copy(const struct collector *c, struct arena *arena,
                              struct lexical_query *out, struct error *err)
{
    struct lexical_query_term *terms = arena_zalloc(arena, c->n, sizeof *terms);
    if (!terms)
        return error_nomem(err);
    for (size_t i = 0; i < c->n; i++) {
        terms[i] = (struct lexical_query_term){
            .term = arena_text(arena, c->terms[i].bytes, c->terms[i].len),
            .len = c->terms[i].len,
            .weight = (double)c->terms[i].tf};
        if (!terms[i].term)
            return error_nomem(err);
    }
    *out = (struct lexical_query){.terms = terms, .n_terms = c->n};
    return STATUS_OK;
}

enum status lexical_query_parse(struct analyzer *analyzer, const char *text, size_t len,
                                struct arena *arena, struct lexical_query *out, struct error *err)
{
    /* A question comes from a keyboard or a pipe, not through a loader: its marks may be apart. */
    struct buf normal = {0};
    struct collector c = {0};
    text_normalize(text, size_min(len, RAGGED_LIMIT_QUERY), TEXT_SPACE_COLLAPSE, &normal);
    enum status status = buf_status(&normal, err);
    static const enum analyzer_mode modes[] = {ANALYZER_QUERY, ANALYZER_INDEX};
    for (size_t i = 0; i < 2 && !status && c.n == 0; i++) {
        status =
            analyzer_terms(analyzer, modes[i], buf_text(&normal), normal.len, collect, &c, err);
        if (!status && c.failed)
            status = error_nomem(err);
    }
    if (!status) {
        fold(&c);
        status = query_copy(&c, arena, out, err);
    }
    collector_clear(&c);
    buf_clear(&normal);
    return status;
}

static void mark_found(void *ctx, const char *term, size_t len)
{
    struct collector *found = ctx; /* terms: the query's, tf: 1 once seen */
    struct term key = {.bytes = term, .len = len};
    struct term *hit = bsearch(&key, found->terms, found->n, sizeof key, compare_terms);
    if (hit)
        hit->tf = 1;
}

enum status lexical_coverage(struct analyzer *analyzer, const struct lexical_query *query,
                             const char *text, size_t len, double *out, struct error *err)
{
    double covered = 0, total = 0;
    struct collector found = {.terms = mem_zalloc(query->n_terms, sizeof(struct term)),
                              .n = query->n_terms};
    if (!found.terms)
        return error_nomem(err);
    for (size_t i = 0; i < query->n_terms; i++)
        found.terms[i] = (struct term){.bytes = query->terms[i].term, .len = query->terms[i].len};
    enum status status = STATUS_OK;
    if (found.n > 0)
        status = analyzer_terms(analyzer, ANALYZER_INDEX, text, len, mark_found, &found, err);
    for (size_t i = 0; i < query->n_terms; i++) {
        total += query->terms[i].idf;
        covered += found.terms[i].tf ? query->terms[i].idf : 0;
    }
    mem_free(found.terms);
    if (!status)
        *out = total > 0 ? covered / total : 0;
    return status;
}
