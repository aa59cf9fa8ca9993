#include "search/search_run.h"

#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/trace.h"
#include "engine/degraded.h"
#include "index/recall.h"
#include "query/query_syntax.h"
#include "search/hits.h"
#include "search/lexical_leg.h"
#include "search/query_vector.h"
#include "search/relevance.h"
#include "search/rerank.h"
#include "search/search_cache.h"
#include "search/search_metrics.h"
#include "search/vector_leg.h"

#define LEG_ROWS ((size_t)100)

/* Everything one search holds while it runs. */
struct search {
    struct engine *engine;
    const struct engine_search_options *options;
    struct engine_hits *hits;
    struct search_query *query;
    struct store *store;
    struct analyzer *analyzer;
    struct snapshot snapshot;
    const char *text;        /* of the query: what is wanted, without signs */
    const char *fingerprint; /* of what made the query's vector */
    struct query_cache_key key;
    bool has_key, has_state; /* may be kept; the key's state is that of the snapshot */
    bool is_for_answer;      /* sentences are compared with the query's vector too */
    int64_t start_us;
    struct filter_wheres wheres;
    struct filter filter;
    struct lexical_leg lexical;
    struct vector_leg vector;
    struct chunk_set only; /* what phrases and exclusions leave; empty when nothing restricts */
};

struct engine_search_options engine_search_options_default(void)
{
    return (struct engine_search_options){
        .mode = ENGINE_MODE_HYBRID, .n = 10, .n_rerank = 50, .deadline_ms = 500};
}

const char *engine_mode_name(enum engine_mode mode)
{
    static const char *const names[] = {
        [ENGINE_MODE_HYBRID] = "hybrid",
        [ENGINE_MODE_LEXICAL] = "lexical",
        [ENGINE_MODE_VECTOR] = "vector",
    };
    return names[mode];
}

void engine_hits_clear(struct engine_hits *hits)
{
    arena_clear(&hits->arena);
    *hits = (struct engine_hits){0};
}

/* ---- the query ---- */

/* Goes on with one leg, and says so. */
static enum status degrade(struct search *s, enum engine_degraded bit, enum engine_mode mode,
                           const char *why, const char *name, struct error *err)
{
    s->hits->mode = mode;
    s->hits->degraded |= bit;
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena, "%s%s: searched by %s only", why, name,
                                  mode == ENGINE_MODE_VECTOR ? "meaning" : "words"),
                     err);
}

static enum status find_vector(struct search *s, struct error *err)
{
    const struct query_vector_options options = {.engine = s->engine,
                                                 .store = s->store,
                                                 .text = s->text,
                                                 .is_cached = s->has_key,
                                                 .cancel = s->options->cancel};
    struct query_vector found;
    enum status status = query_vector_get(&options, &s->hits->arena, &found, err);
    if (status)
        return status;
    s->query->vector = found.values;
    s->query->dim = found.dim;
    s->fingerprint = found.fingerprint;
    return STATUS_OK;
}

static enum status embed_query(struct search *s, struct error *err)
{
    TRACE(TRACE_STAGE_EMBED_QUERY);
    struct error why = {0};
    int64_t start_us = engine_stage_us(s->engine);
    enum status status = find_vector(s, &why);
    s->hits->took.embed_us = engine_stage_us(s->engine) - start_us;
    if (!status)
        return STATUS_OK;
    bool is_degradable = status_is_of_peer(status) || status == STATUS_NOT_FOUND ||
                         status == STATUS_FORMAT || status == STATUS_DAMAGED ||
                         status == STATUS_BUSY || status == STATUS_IO;
    if (!is_degradable || s->options->mode == ENGINE_MODE_VECTOR ||
        !degraded_is_allowed(s->engine)) {
        if (err)
            *err = why;
        return status;
    }
    return degrade(s, ENGINE_DEGRADED_EMBEDDER, ENGINE_MODE_LEXICAL, "", why.message, err);
}

/* To say that no passage has a vector takes no model. */
static enum status embed_if_of_use(struct search *s, struct error *err)
{
    bool is_of_use = s->is_for_answer;
    enum status status = STATUS_OK;
    if (s->options->mode == ENGINE_MODE_LEXICAL)
        return STATUS_OK;
    if (!is_of_use)
        status = query_vector_is_of_use(s->store, &s->hits->arena, &is_of_use, err);
    return status || !is_of_use ? status : embed_query(s, err);
}

/* Vectors of another model say nothing about this query. */
static enum status check_fingerprint(struct search *s, struct error *err)
{
    const char *stored = NULL;
    enum status status =
        store_get_meta(s->store, STORE_META_FINGERPRINT, &s->hits->arena, &stored, err);
    const char *ours = s->fingerprint;
    if (status || !s->query->vector || !degraded_is_other(stored, ours))
        return status;
    if (s->options->mode == ENGINE_MODE_VECTOR || !degraded_is_allowed(s->engine))
        return error_set(err, STATUS_INVALID,
                         "the library's vectors were made with \"%s\", not \"%s\"", stored, ours);
    s->query->vector = NULL;
    return degrade(s, ENGINE_DEGRADED_VECTORS, ENGINE_MODE_LEXICAL,
                   "the library's vectors were made with ", stored, err);
}

/* Words cut by other rules are not found as what they are. */
static enum status check_analyzer(struct search *s, struct error *err)
{
    const char *stored = NULL;
    enum status status =
        store_get_meta(s->store, STORE_META_ANALYZER, &s->hits->arena, &stored, err);
    const char *ours = analyzer_id(s->analyzer);
    if (status || s->hits->mode == ENGINE_MODE_VECTOR || !degraded_is_other(stored, ours))
        return status;
    if (s->hits->mode == ENGINE_MODE_HYBRID && degraded_is_allowed(s->engine))
        return degrade(s, ENGINE_DEGRADED_WORDS, ENGINE_MODE_VECTOR,
                       "`ragged reindex` is due, the library's words were made with ", stored, err);
    error_set(err, STATUS_INVALID, "the library's words were made with \"%s\", not \"%s\"", stored,
              ours);
    error_hint(err, "set the language back, or run `ragged reindex`");
    return STATUS_INVALID;
}

/* ---- what is not searched ---- */

static enum status warn_of_missing(struct search *s, struct error *err)
{
    size_t n_all = s->lexical.n_allowed, n_with = s->vector.n_allowed;
    if (s->hits->mode == ENGINE_MODE_LEXICAL || n_with >= n_all)
        return STATUS_OK;
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena, "%zu of %zu passages have no vector yet and %s",
                                  n_all - n_with, n_all,
                                  s->hits->mode == ENGINE_MODE_VECTOR ? "can't be found by meaning"
                                                                      : "are found by words only"),
                     err);
}

static enum status warn_of_kind(struct search *s, const struct snapshot_kind *kind,
                                enum engine_degraded bit, const char *what, struct error *err)
{
    if (!kind || kind->n_lost_rows == 0)
        return STATUS_OK;
    if (!degraded_is_allowed(s->engine)) {
        error_set(err, STATUS_DAMAGED, "%zu passages can't be found by %s: %s", kind->n_lost_rows,
                  what, kind->lost);
        error_hint(err, "ragged reindex");
        return STATUS_DAMAGED;
    }
    s->hits->degraded |= bit;
    return hits_warn(
        s->hits,
        arena_printf(&s->hits->arena,
                     "%zu passages are not found by %s (%s); `ragged reindex` repairs that",
                     kind->n_lost_rows, what, kind->lost),
        err);
}

static enum status warn_of_lost(struct search *s, struct error *err)
{
    enum status status = warn_of_kind(s, s->snapshot.lexical, ENGINE_DEGRADED_WORDS, "words", err);
    return status ? status
                  : warn_of_kind(s, s->snapshot.vector, ENGINE_DEGRADED_VECTORS, "meaning", err);
}

/* Nothing found must not be said of a library of which nothing could be searched. */
static enum status check_anything_left(const struct search *s, struct error *err)
{
    const struct snapshot_kind *words = s->snapshot.lexical, *meaning = s->snapshot.vector;
    bool has_words = words->n > 0 || words->n_lost_rows == 0 || s->lexical.tail_rows.n > 0;
    bool has_meaning =
        meaning && (meaning->n > 0 || meaning->n_lost_rows == 0 || s->vector.tail.n > 0);
    if ((has_words && s->hits->mode != ENGINE_MODE_VECTOR) ||
        (has_meaning && s->hits->mode != ENGINE_MODE_LEXICAL))
        return STATUS_OK;
    error_set(err, STATUS_DAMAGED, "nothing of the library can be searched: %s",
              !has_words ? words->lost
              : meaning  ? meaning->lost
                         : "it has no vectors");
    error_hint(err, "ragged reindex");
    return STATUS_DAMAGED;
}

/* Of those that were looked at: `ragged check` compares all. */
static enum status warn_of_damaged(struct search *s, struct error *err)
{
    if (s->vector.n_damaged == 0)
        return STATUS_OK;
    s->has_state = false; /* the file may be put back */
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena,
                                  "%zu vectors are not what was written (`ragged check` names "
                                  "them): put the file back, or `ragged clear` and add again",
                                  s->vector.n_damaged),
                     err);
}

/* ---- results ---- */

/* Each candidate gets the score of the leg that did not find it too. */
static enum status complete(struct search *s, struct fuse_candidate *candidates, size_t n,
                            struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = vector_leg_cosine(&s->vector, candidates[i].chunk_id, &candidates[i].cosine,
                                   &candidates[i].has_vector, err);
    if (!status)
        status = warn_of_damaged(s, err);
    return status ? status : lexical_leg_score(&s->lexical, candidates, n, err);
}

static enum status find_candidates(struct search *s, struct fuse_candidate **out, size_t *out_n,
                                   struct error *err)
{
    struct arena *arena = &s->hits->arena;
    size_t n_leg = size_max(2 * rerank_depth(s->options), LEG_ROWS);
    size_t n_lexical = 0, n_vector = 0;
    struct leg_hit *lexical = arena_zalloc(arena, n_leg, sizeof *lexical);
    struct leg_hit *vector = arena_zalloc(arena, n_leg, sizeof *vector);
    struct fuse_candidate *candidates = arena_zalloc(arena, 2 * n_leg, sizeof *candidates);
    if (!lexical || !vector || !candidates)
        return error_nomem(err);
    enum status status = STATUS_OK;
    if (s->hits->mode != ENGINE_MODE_VECTOR)
        status = lexical_leg_search(&s->lexical, n_leg, lexical, &n_lexical, err);
    if (!status && s->hits->mode != ENGINE_MODE_LEXICAL)
        status = vector_leg_search(&s->vector, n_leg, vector, &n_vector, err);
    if (status)
        return status;
    *out = candidates;
    *out_n = fuse_union(lexical, n_lexical, vector, n_vector, candidates);
    return complete(s, candidates, *out_n, err);
}

static enum status rank_and_fetch(struct search *s, struct error *err)
{
    struct engine_hits *hits = s->hits;
    struct fuse_candidate *candidates = NULL;
    size_t n = 0;
    int64_t start_us = engine_stage_us(s->engine);
    enum status status = find_candidates(s, &candidates, &n, err);
    int64_t scanned_us = engine_stage_us(s->engine);
    hits->took.scan_us += scanned_us - start_us;
    if (status)
        return status;
    fuse_rank(hits->mode, s->options->fusion, candidates, n);
    double best_cosine = 0;
    for (size_t i = 0; i < n; i++)
        if (candidates[i].has_vector && candidates[i].cosine > best_cosine)
            best_cosine = candidates[i].cosine;
    int64_t fused_us = engine_stage_us(s->engine);
    hits->took.fuse_us = fused_us - scanned_us;
    hits->n_candidates = n;
    status = hits_fetch(s->store, s->options, candidates, n, rerank_depth(s->options),
                        rerank_min_score(s->options), hits, err);
    if (!status)
        status = rerank_step(s->engine, s->text, s->options, s->start_us, hits, err);
    if (!status)
        status = hits_join(s->store, s->options, hits, err);
    if (!status)
        status = relevance_judge(hits,
                                 &(struct relevance_input){
                                     .analyzer = s->analyzer,
                                     .terms = &s->query->terms,
                                     .best_cosine = best_cosine,
                                     .has_vectors = s->vector.n_allowed > 0,
                                 },
                                 err);
    hits->took.fetch_us = engine_stage_us(s->engine) - fused_us - hits->took.rerank_us;
    return status;
}

/* Both legs, ready to be asked. The lexical one is opened in vector mode too: its idf is what
 * coverage weighs words with. */
static enum status open_legs(struct search *s, struct error *err)
{
    const struct lexical_leg_options lexical = {
        .snapshot = &s->snapshot,
        .filter = &s->filter,
        .query = &s->query->terms,
        .cancel = s->options->cancel,
    };
    enum status status = lexical_leg_init(&s->lexical, &lexical, err);
    bool is_restricted = lexical_query_is_restricted(&s->query->terms);
    if (status || s->hits->mode == ENGINE_MODE_LEXICAL)
        return status;
    if (is_restricted)
        status = lexical_leg_chunks(&s->lexical, &s->only, err);
    size_t rescore_factor = RECALL_FACTOR_MAX;
    if (!status && feature_is_on(&s->engine->options.features, FEATURE_ADAPTIVE_TUNING))
        status = recall_factor_read(s->store, &rescore_factor, NULL, err);
    const struct vector_leg_options vector = {
        .snapshot = &s->snapshot,
        .filter = &s->filter,
        .only = is_restricted ? &s->only : NULL,
        .query = s->query->vector,
        .dim = s->query->dim,
        .n_threads = engine_n_threads(s->engine),
        .rescore_factor = rescore_factor,
        .n_rescored = s->options->n_estimates,
        .cancel = s->options->cancel,
    };
    return status ? status : vector_leg_init(&s->vector, &vector, err);
}

static enum status search_snapshot(struct search *s, struct error *err)
{
    int64_t start_us = engine_stage_us(s->engine);
    s->hits->generation = s->snapshot.generation;
    enum status status = check_fingerprint(s, err);
    if (!status)
        status = check_analyzer(s, err);
    if (!status)
        status = filter_init(&s->filter, s->store, s->options, &s->wheres, err);
    if (!status)
        status = open_legs(s, err);
    if (!status)
        status = warn_of_missing(s, err);
    if (!status)
        status = warn_of_lost(s, err);
    if (!status)
        status = check_anything_left(s, err);
    s->hits->took.scan_us = engine_stage_us(s->engine) - start_us;
    return status ? status : rank_and_fetch(s, err);
}

/* The file of vectors may be gone while everything else is there. */
static enum status try_snapshot(struct search *s, struct error *err)
{
    bool has_meaning = s->hits->mode != ENGINE_MODE_LEXICAL;
    struct snapshot_cache *cache = &s->engine->segments;
    const char *folder = s->engine->options.data_folder;
    unsigned want = SNAPSHOT_LEXICAL | (has_meaning ? SNAPSHOT_VECTOR : 0u);
    struct error why = {0};
    enum status status = snapshot_begin(cache, s->store, folder, want, &s->snapshot, &why);
    if (snapshot_is_without_vectors(status) && has_meaning &&
        s->options->mode != ENGINE_MODE_VECTOR && degraded_is_allowed(s->engine)) {
        s->query->vector = NULL;
        status = degrade(s, ENGINE_DEGRADED_VECTORS, ENGINE_MODE_LEXICAL, "", why.message, err);
        return status
                   ? status
                   : snapshot_begin(cache, s->store, folder, SNAPSHOT_LEXICAL, &s->snapshot, err);
    }
    if (status && err)
        *err = why;
    return status;
}

/* The first vectors may have come since embed_if_of_use() looked. */
static enum status begin_snapshot(struct search *s, struct error *err)
{
    enum status status = try_snapshot(s, err);
    bool is_vector_due = !status && s->hits->mode != ENGINE_MODE_LEXICAL && !s->query->vector &&
                         s->snapshot.rows.n_slots > 0;
    if (!is_vector_due)
        return status;
    snapshot_end(&s->snapshot); /* no transaction waits for a model */
    status = embed_query(s, err);
    return status ? status : try_snapshot(s, err);
}

static enum status run_snapshot(struct search *s, struct error *err)
{
    enum status status = begin_snapshot(s, err);
    s->has_state = !status && s->has_key && store_state(s->store, &s->key.state, NULL) == STATUS_OK;
    if (!status)
        status = search_snapshot(s, err);
    vector_leg_clear(&s->vector);
    lexical_leg_clear(&s->lexical);
    filter_clear(&s->filter);
    mem_free(s->only.chunk_ids);
    snapshot_end(&s->snapshot);
    return status;
}

/* What the words ask for: terms, conditions on documents, and the text to embed. */
static enum status read_query(struct search *s, struct error *err)
{
    TRACE(TRACE_STAGE_READ_QUERY);
    struct arena *arena = &s->hits->arena;
    struct query_syntax syntax;
    enum status status =
        where_compile_filter(&s->options->filter, arena, &s->wheres.wheres[0], err);
    if (!status && !s->options->has_query_syntax)
        return lexical_query_parse(s->analyzer, s->text, strlen(s->text), arena, &s->query->terms,
                                   err);
    if (!status)
        status = query_syntax_parse(s->text, arena, &syntax, err);
    if (status)
        return status;
    s->text = syntax.text;
    s->wheres.wheres[1] = syntax.where;
    return lexical_query_build(s->analyzer, syntax.clauses, syntax.n_clauses, arena,
                               &s->query->terms, err);
}

static enum status run_search(struct search *s, struct error *err)
{
    enum status status = engine_get_reader(s->engine, &s->store, err);
    if (status)
        return status;
    status = engine_get_analyzer(s->engine, &s->analyzer, err);
    if (!status)
        status = read_query(s, err);
    if (!status)
        status = embed_if_of_use(s, err);
    return status ? status : run_snapshot(s, err);
}

/* ---- what was found before ---- */

/* What an answer needs of a query beside the hits. */
static bool restore_query(struct search *s, struct span weights)
{
    enum status status = engine_get_analyzer(s->engine, &s->analyzer, NULL);
    if (!status)
        status = read_query(s, NULL);
    if (status || !search_cache_weigh(weights, &s->query->terms))
        return false;
    return s->hits->mode == ENGINE_MODE_LEXICAL || find_vector(s, NULL) == STATUS_OK;
}

static bool find_before(struct search *s, bool is_query_wanted)
{
    TRACE(TRACE_STAGE_CACHE_LOOKUP);
    struct span weights;
    s->has_state = engine_get_reader(s->engine, &s->store, NULL) == STATUS_OK &&
                   store_state(s->store, &s->key.state, NULL) == STATUS_OK;
    return s->has_state && search_cache_find(s->engine, &s->key, s->hits, &weights) &&
           (!is_query_wanted || restore_query(s, weights));
}

/* Half of a library, or an order that a deadline cut short, is not kept. */
static void keep(struct search *s)
{
    s->has_state = s->has_state && !s->hits->degraded;
    if (s->has_state)
        search_cache_put(s->engine, &s->key, s->hits, &s->query->terms);
}

/* ---- the whole ---- */

static enum status search_anew(struct search *s, struct error *err)
{
    enum status status = run_search(s, err);
    /* No library yet is an empty one. */
    if (status == STATUS_NOT_FOUND && !s->store)
        status = STATUS_OK;
    if (!status)
        keep(s);
    return status;
}

enum status search_run(struct engine *engine, const char *text,
                       const struct engine_search_options *options, struct engine_hits *out,
                       struct search_query *out_query, struct error *err)
{
    TRACE(TRACE_STAGE_SEARCH);
    size_t len = strlen(text);
    if (len > RAGGED_LIMIT_QUERY)
        return error_set(err, STATUS_LIMIT, "the question is longer than %zu bytes",
                         RAGGED_LIMIT_QUERY);
    struct engine_hits hits = {.mode = options->mode, .warning = ""};
    struct search_query query = {0};
    struct search s = {.engine = engine,
                       .options = options,
                       .hits = &hits,
                       .query = &query,
                       .text = text,
                       .is_for_answer = out_query != NULL};
    s.start_us =
        options->rerank && options->deadline_ms ? clock_monotonic_us() : engine_stage_us(engine);
    s.has_key = search_cache_key(engine, text, options, &s.key);
    const struct search fresh = s;
    enum status status = STATUS_OK;
    if (!s.has_key || !find_before(&s, out_query != NULL)) {
        engine_hits_clear(&hits);
        hits = (struct engine_hits){.mode = options->mode, .warning = ""};
        query = (struct search_query){0};
        s = fresh;
        status = search_anew(&s, err);
    }
    if (status) {
        search_metrics_add_failure(status);
        engine_hits_clear(&hits);
        return status;
    }
    int64_t end_us = engine_stage_us(engine);
    hits.took.total_us = end_us ? end_us - s.start_us : 0;
    search_metrics_add(&hits);
    degraded_count(engine, hits.degraded);
    query.key = s.key;
    query.is_kept = s.has_state;
    *out = hits;
    if (out_query)
        *out_query = query;
    return STATUS_OK;
}

enum status engine_search(struct engine *engine, const char *query,
                          const struct engine_search_options *options, struct engine_hits *out,
                          struct error *err)
{
    return search_run(engine, query, options, out, NULL, err);
}
