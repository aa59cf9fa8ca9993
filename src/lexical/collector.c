#include "lexical/collector.h"

#include "base/mem.h"

static void collect(void *ctx, const struct analyzer_term *term)
{
    struct collector *c = ctx;
    void *terms = c->terms;
    if (c->failed || (c->failed = mem_reserve(&terms, &c->n_max, c->n + 1, sizeof *c->terms, NULL)))
        return;
    c->terms = terms;
    struct analyzer_term copy = *term;
    copy.bytes = arena_text(&c->arena, term->bytes, term->len);
    if (!copy.bytes) {
        c->failed = STATUS_NOMEM;
        return;
    }
    c->terms[c->n++] = copy;
}

enum status collector_add(struct collector *collector, struct analyzer *analyzer,
                          enum analyzer_mode mode, const char *text, size_t len, struct error *err)
{
    enum status status = analyzer_terms(analyzer, mode, text, len, collect, collector, err);
    return status || !collector->failed ? status : error_nomem(err);
}

void collector_reset(struct collector *collector)
{
    arena_clear(&collector->arena);
    collector->n = 0;
}

void collector_clear(struct collector *collector)
{
    mem_free(collector->terms);
    arena_clear(&collector->arena);
}
