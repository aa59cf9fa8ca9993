#include "answer/answer_cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/trace.h"
#include "cache/blob.h"
#include "engine/identity.h"

#define CITATION_BYTES 40
#define EXTRACTIVE "extractive"

bool answer_cache_key(struct engine *engine, const char *question,
                      const struct engine_answer_options *options, const struct search_query *query,
                      struct query_cache_key *out)
{
    const struct identity *identity;
    const struct engine_options *o = &engine->options;
    bool is_extractive = strcmp(o->generator, EXTRACTIVE) == 0;
    if (!query->is_kept || !(is_extractive || o->has_answer_cache) ||
        identity_get(engine, &identity, NULL))
        return false;
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    const char *texts[] = {question,      o->generator,  o->llm_model,
                           o->ollama_url, o->openai_url, o->gguf_path};
    uint64_t numbers[] = {options->n_tokens_max, options->seed, o->is_offline};
    double temperature = options->temperature;
    buf_append(&bytes, &identity->all, sizeof identity->all);
    buf_append(&bytes, &query->key.hash, sizeof query->key.hash);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        blob_text(&blob, &texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        blob_uint(&blob, &numbers[i], 8);
    blob_double(&blob, &temperature);
    bool is_whole = blob_is_whole(&blob);
    if (is_whole) {
        *out = query->key;
        out->kind = QUERY_CACHE_ANSWER;
        out->hash = hash128_of(bytes.data, bytes.len);
    }
    buf_clear(&bytes);
    return is_whole;
}

static void pass_citation(struct blob *blob, const struct engine_hits *hits,
                          struct engine_citation *citation)
{
    blob_size(blob, &citation->number);
    blob_size(blob, &citation->i_hit);
    blob_size(blob, &citation->quote_start);
    blob_size(blob, &citation->quote_len);
    blob_double(blob, &citation->support);
    blob->is_bad = blob->is_bad || citation->i_hit >= hits->n;
    if (blob->is_bad)
        return;
    size_t len = strlen(hits->hit[citation->i_hit].text);
    blob->is_bad = citation->quote_start > len || citation->quote_len > len - citation->quote_start;
}

static void pass_citations(struct blob *blob, struct engine_answer *answer)
{
    blob_count(blob, &answer->n_citations, CITATION_BYTES);
    if (!blob->out)
        answer->citations =
            arena_zalloc(&answer->arena, answer->n_citations + 1, sizeof *answer->citations);
    if (!answer->citations && answer->n_citations > 0) {
        blob->is_bad = true;
        return;
    }
    for (size_t i = 0; i < answer->n_citations && blob_is_whole(blob); i++)
        pass_citation(blob, &answer->hits, &answer->citations[i]);
}

/* They are of all paths of the library, which takes longer to look through than the rest. */
static void pass_short_paths(struct blob *blob, struct engine_hits *hits)
{
    size_t n = hits->n;
    blob_count(blob, &n, 8);
    blob->is_bad = blob->is_bad || n != hits->n;
    for (size_t i = 0; i < hits->n && blob_is_whole(blob); i++) {
        struct engine_hit *hit = &hits->hit[i];
        size_t len = strlen(hit->path), start = len - strlen(hit->short_path);
        blob_size(blob, &start);
        blob->is_bad = blob->is_bad || start > len;
        if (!blob->out && !blob->is_bad)
            hit->short_path = hit->path + start;
    }
}

bool answer_pass(struct blob *blob, struct engine_answer *answer, const char **io_text)
{
    const char **const texts[] = {io_text,          &answer->generator, &answer->model,
                                  &answer->reasons, &answer->label,     &answer->finish};
    size_t *const sizes[] = {&answer->n_unsupported,    &answer->n_removed,
                             &answer->n_passages_given, &answer->n_passages_dropped,
                             &answer->n_tokens_prompt,  &answer->n_tokens_answer};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        blob_text(blob, texts[i]);
        blob->is_bad = blob->is_bad || !*texts[i];
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        blob_size(blob, sizes[i]);
    blob_bool(blob, &answer->is_found);
    pass_citations(blob, answer);
    pass_short_paths(blob, &answer->hits);
    return blob_is_whole(blob);
}

bool answer_cache_find(struct engine *engine, const struct query_cache_key *key,
                       struct engine_answer *answer)
{
    TRACE(TRACE_STAGE_CACHE_LOOKUP);
    struct span found;
    if (!query_cache_find(engine->cache, key, &found))
        return false;
    struct engine_answer read = *answer;
    const char *text = NULL;
    char *copy = arena_text(&read.arena, found.bytes, found.len), *owned = NULL;
    struct blob blob = blob_reader((struct span){copy, copy ? found.len : 0});
    if (copy && answer_pass(&blob, &read, &text) && blob.in.n_left == 0)
        owned = mem_text(text);
    if (!owned) {
        answer->arena = read.arena; /* what grew in it goes with the answer */
        return false;
    }
    read.text = owned;
    read.is_cached = true;
    *answer = read;
    return true;
}

static bool is_lasting(struct engine *engine, const struct query_cache_key *key,
                       const struct engine_answer *answer)
{
    const char *wanted = engine->options.generator;
    bool is_whole = strcmp(answer->finish, "stop") == 0 || strcmp(answer->finish, "length") == 0;
    bool is_extractive = strcmp(answer->generator, EXTRACTIVE) == 0;
    bool is_instead = is_extractive && strcmp(wanted, EXTRACTIVE) != 0;
    /* Without their model, sentences are weighed by their words alone. */
    bool has_meaning = !is_extractive || answer->hits.mode != ENGINE_MODE_LEXICAL;
    bool is_half_weighed = has_meaning && !engine->embed_work;
    struct hash128 state;
    return is_whole && !is_instead && !is_half_weighed && !answer->degraded &&
           !engine->has_embedder_failed && store_state(engine->reader, &state, NULL) == STATUS_OK &&
           memcmp(&state, &key->state, sizeof state) == 0;
}

void answer_cache_put(struct engine *engine, const struct query_cache_key *key,
                      const struct engine_answer *answer)
{
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    struct engine_answer copy = *answer;
    const char *text = answer->text;
    if (is_lasting(engine, key, answer) && answer_pass(&blob, &copy, &text))
        query_cache_put(engine->cache, key, bytes.data, bytes.len);
    buf_clear(&bytes);
}
