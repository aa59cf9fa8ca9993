#include "eval/beir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

/* Calls each() for every line that is not empty; it sees the line without its end. */
static enum status each_line(const char *folder, const char *name,
                             enum status (*each)(void *ctx, const char *line, size_t len,
                                                 struct error *err),
                             void *ctx, struct error *err)
{
    char *path = path_join(folder, name);
    if (!path)
        return error_nomem(err);
    struct span map = {0};
    enum status status = file_map(path, &map, err);
    const char *at = map.bytes, *end = at ? at + map.len : at;
    for (size_t line = 1; !status && at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        if (len > 0)
            status = each(ctx, at, len, err);
        if (status)
            status = error_context(err, status, "\"%s\" line %zu", path, line);
        at += len + 1;
    }
    file_unmap(&map);
    mem_free(path);
    return status;
}

/* Ids are text in some collections and numbers in others. */
static const char *take_id(struct arena *arena, const json_t *object)
{
    const json_t *id = json_object_get(object, "_id");
    if (json_is_integer(id))
        return arena_printf(arena, "%lld", (long long)json_integer_value(id));
    const char *text = json_string_value(id);
    return arena_text(arena, text ? text : "", text ? strlen(text) : 0);
}

static enum status add_document(struct beir *beir, const json_t *object, struct error *err)
{
    void *documents = beir->documents;
    enum status status = mem_reserve(&documents, &beir->n_documents_max, beir->n_documents + 1,
                                     sizeof *beir->documents, err);
    if (status)
        return status;
    beir->documents = documents;
    const char *id = take_id(&beir->arena, object);
    const char *title = json_get_text(object, "title", "");
    const char *text = json_get_text(object, "text", "");
    struct buf clean = {0};
    text_normalize(text, strlen(text), TEXT_SPACE_COLLAPSE, &clean);
    struct beir_document document = {
        .path = id ? arena_printf(&beir->arena, "beir/%s", id) : NULL,
        .title = arena_text(&beir->arena, title, strlen(title)),
        .block = {.kind = TEXT_BLOCK_PARAGRAPH,
                  .text = arena_text(&beir->arena, buf_text(&clean), clean.len),
                  .len = clean.len},
    };
    status = buf_status(&clean, err);
    buf_clear(&clean);
    if (!status && (!document.path || !document.title || !document.block.text))
        status = error_nomem(err);
    /* Some documents have only a title; it is then the text as well. */
    if (!status && document.block.len == 0) {
        document.block.text = document.title;
        document.block.len = strlen(document.title);
    }
    if (!status && document.block.len > 0)
        beir->documents[beir->n_documents++] = document;
    return status;
}

static enum status read_document_line(void *ctx, const char *line, size_t len, struct error *err)
{
    json_t *object;
    enum status status = json_parse(line, len, &object, err);
    if (status)
        return status;
    status = add_document(ctx, object, err);
    json_decref(object);
    return status;
}

static int compare_queries(const void *a, const void *b)
{
    return strcmp(((const struct beir_query *)a)->id, ((const struct beir_query *)b)->id);
}

static enum status read_query_line(void *ctx, const char *line, size_t len, struct error *err)
{
    struct beir *beir = ctx;
    json_t *object;
    enum status status = json_parse(line, len, &object, err);
    if (status)
        return status;
    void *queries = beir->queries;
    status = mem_reserve(&queries, &beir->n_queries_max, beir->n_queries + 1, sizeof *beir->queries,
                         err);
    beir->queries = queries;
    const char *text = json_get_text(object, "text", "");
    struct beir_query query = {.id = take_id(&beir->arena, object),
                               .text = arena_text(&beir->arena, text, strlen(text))};
    if (!status && (!query.id || !query.text))
        status = error_nomem(err);
    if (!status)
        beir->queries[beir->n_queries++] = query;
    json_decref(object);
    return status;
}

static enum status add_judgement(struct beir *beir, struct beir_query *query, const char *document,
                                 size_t len, double gain, struct error *err)
{
    void *judgements = query->judgements;
    enum status status = mem_reserve(&judgements, &query->n_max, query->n_judgements + 1,
                                     sizeof *query->judgements, err);
    query->judgements = judgements;
    char *id = status ? NULL : arena_text(&beir->arena, document, len);
    if (!status && !id)
        status = error_nomem(err);
    if (!status)
        query->judgements[query->n_judgements++] =
            (struct beir_judgement){.document = id, .gain = gain};
    return status;
}

/* query-id TAB corpus-id TAB score; the header line has no number. */
static enum status read_judgement_line(void *ctx, const char *line, size_t len, struct error *err)
{
    struct beir *beir = ctx;
    char text[512];
    if (len >= sizeof text)
        return error_set(err, STATUS_FORMAT, "the line is too long");
    memcpy(text, line, len);
    text[len] = '\0';
    char *document = strchr(text, '\t'), *score = document ? strchr(document + 1, '\t') : NULL;
    if (!score)
        return error_set(err, STATUS_FORMAT, "not three fields");
    *document++ = '\0';
    char *end;
    double gain = strtod(score + 1, &end);
    if (end == score + 1 || gain <= 0)
        return STATUS_OK;
    struct beir_query key = {.id = text};
    struct beir_query *query =
        beir->n_queries ? bsearch(&key, beir->queries, beir->n_queries, sizeof key, compare_queries)
                        : NULL;
    if (!query)
        return STATUS_OK;
    return add_judgement(beir, query, document, (size_t)(score - document), gain, err);
}

static void drop_unjudged(struct beir *beir)
{
    size_t n = 0;
    for (size_t i = 0; i < beir->n_queries; i++)
        if (beir->queries[i].n_judgements > 0)
            beir->queries[n++] = beir->queries[i];
    beir->n_queries = n;
}

enum status beir_read(const char *folder, struct beir *out, struct error *err)
{
    struct beir beir = {0};
    enum status status = each_line(folder, "corpus.jsonl", read_document_line, &beir, err);
    if (!status)
        status = each_line(folder, "queries.jsonl", read_query_line, &beir, err);
    if (!status && beir.n_queries > 1)
        qsort(beir.queries, beir.n_queries, sizeof *beir.queries, compare_queries);
    if (!status)
        status = each_line(folder, "qrels/test.tsv", read_judgement_line, &beir, err);
    if (status) {
        beir_clear(&beir);
        return status;
    }
    drop_unjudged(&beir);
    *out = beir;
    return STATUS_OK;
}

void beir_clear(struct beir *beir)
{
    for (size_t i = 0; i < beir->n_queries; i++)
        mem_free(beir->queries[i].judgements);
    mem_free(beir->documents);
    mem_free(beir->queries);
    arena_clear(&beir->arena);
    *beir = (struct beir){0};
}

static double gain_of(const struct beir_query *query, const char *document)
{
    for (size_t i = 0; i < query->n_judgements; i++)
        if (strcmp(query->judgements[i].document, document) == 0)
            return query->judgements[i].gain;
    return 0;
}

static int compare_gains(const void *a, const void *b)
{
    double x = ((const struct beir_judgement *)a)->gain,
           y = ((const struct beir_judgement *)b)->gain;
    return x > y ? -1 : x < y;
}

double beir_ndcg(const struct beir_query *query, const char *const *ranking, size_t n, size_t cut)
{
    double got = 0, ideal = 0;
    for (size_t i = 0; i < n && i < cut; i++)
        got += gain_of(query, ranking[i]) / log2((double)i + 2);
    qsort(query->judgements, query->n_judgements, sizeof *query->judgements, compare_gains);
    for (size_t i = 0; i < query->n_judgements && i < cut; i++)
        ideal += query->judgements[i].gain / log2((double)i + 2);
    return ideal > 0 ? got / ideal : 0;
}

double beir_recall(const struct beir_query *query, const char *const *ranking, size_t n, size_t cut)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n && i < cut; i++)
        n_found += gain_of(query, ranking[i]) > 0;
    return query->n_judgements ? (double)n_found / (double)query->n_judgements : 0;
}

double beir_reciprocal_rank(const struct beir_query *query, const char *const *ranking, size_t n,
                            size_t cut)
{
    for (size_t i = 0; i < n && i < cut; i++)
        if (gain_of(query, ranking[i]) > 0)
            return 1.0 / (double)(i + 1);
    return 0;
}
