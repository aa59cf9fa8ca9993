#include "engine/search.h"

#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "engine/hits.h"
#include "engine/lexical_leg.h"
#include "engine/query_syntax.h"
#include "engine/recall.h"
#include "engine/rerank.h"
#include "engine/vector_leg.h"

#define LEG_ROWS ((size_t)100)
#define COVERAGE_PASSAGES 5
#define COVERAGE_WEIGHT 0.5
#define LEXICAL_ONLY_FLOOR 0.5

/* Everything one search holds while it runs. */
struct search {
    struct engine *engine;
    const struct engine_search_options *options;
    struct engine_hits *hits;
    struct search_query *query;
    struct store *store;
    struct analyzer *analyzer;
    struct snapshot snapshot;
    const char *text; /* of the query: what is wanted, without signs */
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
static enum status degrade(struct search *s, enum engine_mode mode, const char *why,
                           const char *name, struct error *err)
{
    s->hits->mode = mode;
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena, "%s%s: searched by %s only", why, name,
                                  mode == ENGINE_MODE_VECTOR ? "meaning" : "words"),
                     err);
}

static enum status embed_query(struct search *s, struct error *err)
{
    struct error why = {0};
    struct embedder_work *work;
    enum status status = engine_get_embed_work(s->engine, &work, &why);
    float *vector = NULL;
    if (!status) {
        s->query->dim = embedder_dim(s->engine->embedder);
        vector = arena_zalloc(&s->hits->arena, s->query->dim, sizeof *vector);
        if (!vector)
            return error_nomem(err);
        struct embed_text one = {.text = s->text, .len = strlen(s->text)};
        status = embedder_embed(work, EMBED_QUERY, &one, 1, s->options->cancel, vector, &why);
    }
    if (!status) {
        s->query->vector = vector;
        return STATUS_OK;
    }
    bool is_degradable = status == STATUS_NOT_FOUND || status == STATUS_REMOTE ||
                         status == STATUS_FORMAT || status == STATUS_BUSY || status == STATUS_IO;
    if (!is_degradable || s->options->mode == ENGINE_MODE_VECTOR) {
        if (err)
            *err = why;
        return status;
    }
    return degrade(s, ENGINE_MODE_LEXICAL, "", why.message, err);
}

/* Vectors of another model say nothing about this query. */
static enum status check_fingerprint(struct search *s, struct error *err)
{
    const char *stored = NULL;
    enum status status =
        store_get_meta(s->store, ENGINE_META_FINGERPRINT, &s->hits->arena, &stored, err);
    if (status || !s->query->vector || !stored || !*stored)
        return status;
    const char *ours = embedder_fingerprint(s->engine->embedder);
    if (strcmp(stored, ours) == 0)
        return STATUS_OK;
    if (s->options->mode == ENGINE_MODE_VECTOR)
        return error_set(err, STATUS_INVALID,
                         "the library's vectors were made with \"%s\", not \"%s\"", stored, ours);
    s->query->vector = NULL;
    return degrade(s, ENGINE_MODE_LEXICAL, "the library's vectors were made with ", stored, err);
}

/* Words cut by other rules are not found as what they are. */
static enum status check_analyzer(struct search *s, struct error *err)
{
    const char *stored = NULL;
    enum status status =
        store_get_meta(s->store, ENGINE_META_ANALYZER, &s->hits->arena, &stored, err);
    const char *ours = analyzer_id(s->analyzer);
    if (status || s->hits->mode == ENGINE_MODE_VECTOR || !stored || !*stored ||
        strcmp(stored, ours) == 0)
        return status;
    if (s->query->vector)
        return degrade(s, ENGINE_MODE_VECTOR,
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
    if (!s->query->vector || n_with >= n_all)
        return STATUS_OK;
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena, "%zu of %zu passages have no vector yet and %s",
                                  n_all - n_with, n_all,
                                  s->hits->mode == ENGINE_MODE_VECTOR ? "can't be found by meaning"
                                                                      : "are found by words only"),
                     err);
}

static enum status warn_of_kind(struct search *s, const struct snapshot_kind *kind,
                                const char *what, struct error *err)
{
    if (!kind || kind->n_lost_rows == 0)
        return STATUS_OK;
    return hits_warn(
        s->hits,
        arena_printf(&s->hits->arena,
                     "%zu passages are not found by %s (%s); `ragged reindex` repairs that",
                     kind->n_lost_rows, what, kind->lost),
        err);
}

static enum status warn_of_lost(struct search *s, struct error *err)
{
    enum status status = warn_of_kind(s, s->snapshot.lexical, "words", err);
    return status ? status : warn_of_kind(s, s->snapshot.vector, "meaning", err);
}

/* Of those that were looked at: `ragged check` compares all. */
static enum status warn_of_damaged(struct search *s, struct error *err)
{
    if (s->vector.n_damaged == 0)
        return STATUS_OK;
    return hits_warn(s->hits,
                     arena_printf(&s->hits->arena,
                                  "%zu vectors are not what was written (`ragged check` names "
                                  "them): put the file back, or `ragged clear` and add again",
                                  s->vector.n_damaged),
                     err);
}

/* ---- results ---- */
static enum status cover(struct search *s, const struct engine_hit *hit, double *out,
                         struct error *err)
{
    struct buf both = {0};
    buf_printf(&both, "%s\n%s", hit->heading, hit->text);
    enum status status = buf_status(&both, err);
    if (!status)
        status =
            lexical_coverage(s->analyzer, &s->query->terms, buf_text(&both), both.len, out, err);
    buf_clear(&both);
    return status;
}

/* cos_top1 + 0.5 * coverage, and whether it clears the floor (RETRIEVAL study, section 6). Passages
 * without a vector are judged by their words, as all are where there is none. */
static enum status judge(struct search *s, double best_cosine, struct error *err)
{
    double best_coverage = 0, best_bare_coverage = 0;
    for (size_t i = 0; i < s->hits->n && i < COVERAGE_PASSAGES; i++) {
        const struct engine_hit *hit = &s->hits->hit[i];
        double coverage = 0;
        enum status status = cover(s, hit, &coverage, err);
        if (status)
            return status;
        if (coverage > best_coverage)
            best_coverage = coverage;
        if (!hit->has_vector && coverage > best_bare_coverage)
            best_bare_coverage = coverage;
    }
    bool has_vectors = s->vector.n_allowed > 0;
    s->hits->relevance =
        has_vectors ? best_cosine + COVERAGE_WEIGHT * best_coverage : best_coverage;
    s->hits->is_relevant =
        s->hits->n > 0 && ((has_vectors && s->hits->relevance >= SEARCH_RELEVANCE_FLOOR) ||
                           best_bare_coverage >= LEXICAL_ONLY_FLOOR);
    return STATUS_OK;
}

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
    int64_t start_us = clock_monotonic_us();
    enum status status = find_candidates(s, &candidates, &n, err);
    int64_t scanned_us = clock_monotonic_us();
    hits->took.scan_us += scanned_us - start_us;
    if (status)
        return status;
    fuse_rank(hits->mode, s->options->fusion, candidates, n);
    double best_cosine = 0;
    for (size_t i = 0; i < n; i++)
        if (candidates[i].has_vector && candidates[i].cosine > best_cosine)
            best_cosine = candidates[i].cosine;
    int64_t fused_us = clock_monotonic_us();
    hits->took.fuse_us = fused_us - scanned_us;
    hits->n_candidates = n;
    status = hits_fetch(s->store, s->options, candidates, n, rerank_depth(s->options),
                        rerank_min_score(s->options), hits, err);
    if (!status)
        status = rerank_step(s->engine, s->text, s->options, s->start_us, hits, err);
    if (!status)
        status = hits_join(s->store, s->options, hits, err);
    if (!status)
        status = judge(s, best_cosine, err);
    hits->took.fetch_us = clock_monotonic_us() - fused_us - hits->took.rerank_us;
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
    if (status || !s->query->vector)
        return status;
    if (is_restricted)
        status = lexical_leg_chunks(&s->lexical, &s->only, err);
    size_t rescore_factor = 1;
    if (!status)
        status = recall_factor_read(s->store, &rescore_factor, err);
    const struct vector_leg_options vector = {
        .snapshot = &s->snapshot,
        .filter = &s->filter,
        .only = is_restricted ? &s->only : NULL,
        .query = s->query->vector,
        .dim = s->query->dim,
        .n_threads = engine_n_threads(s->engine),
        .rescore_factor = rescore_factor,
        .cancel = s->options->cancel,
    };
    return status ? status : vector_leg_init(&s->vector, &vector, err);
}

static enum status search_snapshot(struct search *s, struct error *err)
{
    int64_t start_us = clock_monotonic_us();
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
    s->hits->took.scan_us = clock_monotonic_us() - start_us;
    return status ? status : rank_and_fetch(s, err);
}

static enum status run_snapshot(struct search *s, struct error *err)
{
    unsigned want = SNAPSHOT_LEXICAL | (s->query->vector ? SNAPSHOT_VECTOR : 0u);
    enum status status = snapshot_begin(&s->engine->segments, s->store,
                                        s->engine->options.data_folder, want, &s->snapshot, err);
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
    int64_t start_us = clock_monotonic_us();
    if (!status && s->options->mode != ENGINE_MODE_LEXICAL)
        status = embed_query(s, err);
    s->hits->took.embed_us = clock_monotonic_us() - start_us;
    return status ? status : run_snapshot(s, err);
}

enum status search_run(struct engine *engine, const char *text,
                       const struct engine_search_options *options, struct engine_hits *out,
                       struct search_query *out_query, struct error *err)
{
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
                       .start_us = clock_monotonic_us()};
    enum status status = run_search(&s, err);
    /* No library yet is an empty one. */
    if (status == STATUS_NOT_FOUND && !s.store)
        status = STATUS_OK;
    if (status) {
        engine_hits_clear(&hits);
        return status;
    }
    hits.took.total_us = clock_monotonic_us() - s.start_us;
    *out = hits;
    *out_query = query;
    return STATUS_OK;
}

enum status engine_search(struct engine *engine, const char *query,
                          const struct engine_search_options *options, struct engine_hits *out,
                          struct error *err)
{
    struct search_query parsed;
    return search_run(engine, query, options, out, &parsed, err);
}
