#include "answer/candidates.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/degraded.h"
#include "text/text.h"
#include "vector/vector.h"

#define EMBEDDED_MAX 16 /* sentences whose vector is computed: about one long passage */
#define RANK_DISCOUNT 0.08

struct list {
    struct generate_sentence *sentences;
    size_t n, n_max;
};

static enum status add_sentence(struct list *list, const struct generate_sentence *sentence,
                                struct error *err)
{
    void *sentences = list->sentences;
    enum status status =
        mem_reserve(&sentences, &list->n_max, list->n + 1, sizeof *list->sentences, err);
    list->sentences = sentences;
    if (!status)
        list->sentences[list->n++] = *sentence;
    return status;
}

static enum status split_passage(struct engine *engine, const struct engine_hit *hit,
                                 size_t i_passage, const struct search_query *query,
                                 struct list *list, struct error *err)
{
    size_t len = strlen(hit->text);
    double heading = 0;
    enum status status = lexical_coverage(engine->analyzer, &query->terms, hit->heading,
                                          strlen(hit->heading), &heading, err);
    for (size_t at = 0; at < len && !status;) {
        size_t end = text_sentence_end(hit->text, len, at), stop = end;
        while (stop > at && isspace((unsigned char)hit->text[stop - 1]))
            stop--;
        struct generate_sentence sentence = {
            .text = hit->text + at,
            .len = stop - at,
            .i_passage = i_passage,
            .is_first_in_passage = at == 0,
            .is_first_in_line = at == 0 || hit->text[at - 1] == '\n',
        };
        status = lexical_coverage(engine->analyzer, &query->terms, sentence.text, sentence.len,
                                  &sentence.coverage, err);
        double rest = 1 - sentence.coverage;
        sentence.context_coverage = heading < rest ? heading : rest;
        if (!status)
            status = add_sentence(list, &sentence, err);
        at = end;
    }
    return status;
}

static double promise(const struct generate_sentence *s)
{
    return s->coverage + 0.3 * s->context_coverage - RANK_DISCOUNT * (double)s->i_passage;
}

static int compare_promise(const void *a, const void *b)
{
    const struct generate_sentence *x = *(struct generate_sentence *const *)a;
    const struct generate_sentence *y = *(struct generate_sentence *const *)b;
    double p = promise(x), q = promise(y);
    return p > q ? -1 : p < q ? 1 : x < y ? -1 : x > y;
}

static enum status embed_best(struct engine *engine, const struct search_query *query,
                              struct list *list, struct arena *arena, struct error *err)
{
    struct embedder_work *work;
    if (!query->vector || list->n == 0 || engine_get_embed_work(engine, &work, NULL))
        return STATUS_OK;
    struct generate_sentence **order = arena_zalloc(arena, list->n, sizeof *order);
    float *vectors = arena_zalloc(arena, EMBEDDED_MAX * query->dim, sizeof *vectors);
    if (!order || !vectors)
        return error_nomem(err);
    for (size_t i = 0; i < list->n; i++)
        order[i] = &list->sentences[i];
    qsort(order, list->n, sizeof *order, compare_promise);
    size_t n = list->n < EMBEDDED_MAX ? list->n : EMBEDDED_MAX;
    struct embed_text texts[EMBEDDED_MAX];
    for (size_t i = 0; i < n; i++)
        texts[i] = (struct embed_text){.text = order[i]->text, .len = order[i]->len};
    struct error why = {0};
    enum status status = embedder_embed(work, EMBED_PASSAGE, texts, n, NULL, vectors, &why);
    if (status_is_of_peer(status) && degraded_is_allowed(engine)) {
        engine->has_embedder_failed = true; /* words alone decide */
        return STATUS_OK;
    }
    if (status && err)
        *err = why;
    for (size_t i = 0; i < n && !status; i++)
        order[i]->similarity =
            (double)vector_dot(query->vector, vectors + i * query->dim, query->dim);
    return status;
}

enum status candidates_collect(struct engine *engine, const struct engine_hits *hits, size_t n_hits,
                               const struct search_query *query, struct arena *arena,
                               struct generate_sentence **out, size_t *out_n, struct error *err)
{
    struct list list = {0};
    struct analyzer *analyzer;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    for (size_t i = 0; i < n_hits && !status; i++)
        status = split_passage(engine, &hits->hit[i], i, query, &list, err);
    if (!status)
        status = embed_best(engine, query, &list, arena, err);
    struct generate_sentence *sentences = NULL;
    if (!status) {
        sentences = arena_alloc(arena, (list.n + 1) * sizeof *sentences);
        if (!sentences)
            status = error_nomem(err);
    }
    if (!status) {
        if (list.n > 0)
            memcpy(sentences, list.sentences, list.n * sizeof *sentences);
        *out = sentences;
        *out_n = list.n;
    }
    mem_free(list.sentences);
    return status;
}
