#include "app/answer_json.h"

#include <string.h>

#include "app/hit_json.h"
#include "app/place.h"
#include "app/session.h"

static json_t *citation_json(const struct engine_answer *answer,
                             const struct engine_citation *citation)
{
    const struct engine_hit *hit = &answer->hits.hit[citation->i_hit];
    json_t *object = json_object();
    bool is_whole = object &&
                    json_put(object, "number", json_integer((json_int_t)citation->number)) &&
                    records_put_path(object, "file", hit->path) &&
                    json_put(object, "uri", place_uri_json(hit)) &&
                    json_put(object, "title", json_text(hit->title)) && place_put(object, hit) &&
                    json_put(object, "quote",
                             place_snippet_json(hit->text + citation->quote_start,
                                                citation->quote_len, citation->quote_len)) &&
                    json_put(object, "score", json_score(hit->score)) &&
                    json_put(object, "support", json_score(citation->support)) &&
                    json_put(object, "chunk_id", json_integer(hit->chunk_id));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *citations_json(const struct engine_answer *answer)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < answer->n_citations; i++)
        if (json_array_append_new(list, citation_json(answer, &answer->citations[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *source_json(const struct engine_hit *hit)
{
    json_t *object = json_object();
    bool is_whole =
        object && records_put_path(object, "document", hit->path) &&
        json_put(object, "score", json_score(hit->score)) &&
        json_put(object, "text", json_text(hit->text)) &&
        json_put(object, "page", hit->page ? json_integer((json_int_t)hit->page) : json_null());
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *sources_json(const struct engine_answer *answer)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < answer->hits.n; i++)
        if (json_array_append_new(list, source_json(&answer->hits.hit[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *pair_json(const char *name_a, size_t a, const char *name_b, size_t b)
{
    json_t *object = json_object();
    bool is_whole = object && json_put(object, name_a, json_integer((json_int_t)a)) &&
                    json_put(object, name_b, json_integer((json_int_t)b));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *took_json(const struct engine_answer *answer)
{
    json_t *object = json_object();
    double search_ms = (double)answer->search_us / 1000.0;
    double generate_ms = (double)answer->generate_us / 1000.0;
    bool is_whole = object && json_put(object, "search", json_real(search_ms)) &&
                    json_put(object, "generate", json_real(generate_ms)) &&
                    json_put(object, "total", json_real(search_ms + generate_ms));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}

json_t *answer_json(const struct engine_answer *answer, const char *query)
{
    json_t *object = format_object_new();
    bool is_whole =
        object && json_put(object, "query", json_text(query)) &&
        json_put(object, "answer", json_text(answer->text)) &&
        json_put(object, "found", json_boolean(answer->is_found)) &&
        json_put(object, "is_found", json_boolean(answer->is_found)) &&
        json_put(object, "generator", json_text(answer->generator)) &&
        json_put(object, "model", json_text(answer->model)) &&
        json_put(object, "reasons", json_text(answer->reasons)) &&
        json_put(object, "label", json_text(answer->label)) &&
        json_put(object, "finish", json_text(answer->finish)) &&
        json_put(object, "citations", citations_json(answer)) &&
        json_put(
            object, "passages",
            pair_json("given", answer->n_passages_given, "dropped", answer->n_passages_dropped)) &&
        json_put(object, "usage",
                 pair_json("prompt_tokens", answer->n_tokens_prompt, "completion_tokens",
                           answer->n_tokens_answer)) &&
        json_put(object, "took_ms", took_json(answer)) &&
        json_put(object, "cached", json_boolean(answer->is_cached)) &&
        json_put(object, "unsupported_sentences",
                 json_integer((json_int_t)answer->n_unsupported)) &&
        json_put(object, "removed_citations", json_integer((json_int_t)answer->n_removed)) &&
        json_put(object, "retrieval_method", json_text(engine_mode_name(answer->hits.mode))) &&
        json_put(object, "reranked", json_integer((json_int_t)answer->hits.n_reranked)) &&
        json_put(object, "degraded", session_degraded_json(answer->degraded)) &&
        json_put(object, "warnings", session_warnings_json(answer->hits.warning)) &&
        json_put(object, "sources", sources_json(answer));
    if (is_whole)
        return object;
    json_decref(object);
    return NULL;
}
