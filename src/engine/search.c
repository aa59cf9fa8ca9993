#include "engine/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "engine/fuse.h"
#include "engine/rerank.h"
#include "vector/vector.h"

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
    const char *text; /* of the query */
    int64_t start_us;
    struct store *store;
    struct analyzer *analyzer;
    struct lexical_scorer *scorer;
    int64_t *allowed; /* sorted document ids; NULL: no filter */
    size_t n_allowed, n_allowed_max;
    struct fuse_row *rows;
    size_t n_rows, n_rows_max;
    size_t n_allowed_rows, n_bare_rows; /* the filter lets through; of them without a vector */
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

/* Takes `text`, from the arena of the hits; NULL: out of memory. */
static enum status warn(struct search *s, const char *text, struct error *err)
{
    struct engine_hits *hits = s->hits;
    if (text && *hits->warning)
        text = arena_printf(&hits->arena, "%s; %s", hits->warning, text);
    if (!text)
        return error_nomem(err);
    hits->warning = text;
    return STATUS_OK;
}

/* Goes on with one leg, and says so. */
static enum status degrade(struct search *s, enum engine_mode mode, const char *why,
                           const char *name, struct error *err)
{
    s->hits->mode = mode;
    return warn(s,
                arena_printf(&s->hits->arena, "%s%s: searched by %s only", why, name,
                             mode == ENGINE_MODE_VECTOR ? "meaning" : "words"),
                err);
}

static enum status embed_query(struct search *s, const char *text, struct error *err)
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
        struct embed_text one = {.text = text, .len = strlen(text)};
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
        return degrade(s, ENGINE_MODE_VECTOR, "the library's words were made with ", stored, err);
    error_set(err, STATUS_INVALID, "the library's words were made with \"%s\", not \"%s\"", stored,
              ours);
    error_hint(err, "set the language back, or `ragged clear` and add again");
    return STATUS_INVALID;
}

/* ---- filters ---- */

struct filter {
    struct search *s;
    bool has_collection;
};

static enum status filter_document(void *ctx, const struct store_document *document,
                                   struct error *err)
{
    struct filter *filter = ctx;
    struct search *s = filter->s;
    if (s->options->collection) {
        if (strcmp(s->options->collection, document->collection) != 0)
            return STATUS_OK;
        filter->has_collection = true;
    }
    if (s->options->path_glob && !path_matches(document->path, s->options->path_glob))
        return STATUS_OK;
    void *allowed = s->allowed;
    enum status status =
        mem_reserve(&allowed, &s->n_allowed_max, s->n_allowed + 1, sizeof *s->allowed, err);
    if (!status) {
        s->allowed = allowed;
        s->allowed[s->n_allowed++] = document->id;
    }
    return status;
}

static enum status add_name(void *ctx, const char *collection, size_t n_documents,
                            struct error *err)
{
    (void)n_documents, (void)err;
    struct buf *names = ctx;
    buf_printf(names, "%s%s", names->len ? ", " : "", collection);
    return STATUS_OK;
}

static enum status no_collection(struct search *s, struct error *err)
{
    struct buf names = {0};
    enum status status = store_each_collection(s->store, add_name, &names, err);
    if (!status)
        status = buf_status(&names, err);
    if (!status) {
        status = error_set(err, STATUS_NOT_FOUND, "there is no collection \"%s\"",
                           s->options->collection);
        error_hint(err, "collections: %s", names.len ? buf_text(&names) : "none yet");
    }
    buf_clear(&names);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static enum status build_filter(struct search *s, struct error *err)
{
    if (!s->options->collection && !s->options->path_glob)
        return STATUS_OK;
    void *allowed = NULL;
    enum status status = mem_reserve(&allowed, &s->n_allowed_max, 1, sizeof *s->allowed, err);
    if (status)
        return status;
    s->allowed = allowed;
    struct filter filter = {.s = s};
    status = store_each_document(s->store, filter_document, &filter, err);
    if (!status && s->options->collection && !filter.has_collection)
        status = no_collection(s, err);
    if (!status && s->n_allowed > 1)
        qsort(s->allowed, s->n_allowed, sizeof *s->allowed, compare_ids);
    return status;
}

/* ---- the scan ---- */

static enum status scan_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    struct search *s = ctx;
    if (s->n_rows % 1024 == 0 && is_cancelled(s->options->cancel))
        return error_set(err, STATUS_CANCELLED, "stopped");
    void *rows = s->rows;
    enum status status = mem_reserve(&rows, &s->n_rows_max, s->n_rows + 1, sizeof *s->rows, err);
    s->rows = rows;
    if (!status)
        status = lexical_scorer_add(s->scorer, row->terms, row->terms_len, row->n_terms, err);
    if (status)
        return status;
    bool has_vector = s->query->vector && row->vector && row->vector_bytes == 2 * s->query->dim;
    bool is_allowed = !s->allowed || bsearch(&row->document_id, s->allowed, s->n_allowed,
                                             sizeof *s->allowed, compare_ids) != NULL;
    s->rows[s->n_rows++] = (struct fuse_row){
        .chunk_id = row->chunk_id,
        .document_id = row->document_id,
        .cosine = has_vector ? vector_dot_fp16(s->query->vector, row->vector, s->query->dim)
                             : FUSE_NO_VECTOR,
        .is_allowed = is_allowed,
    };
    s->n_allowed_rows += is_allowed;
    s->n_bare_rows += is_allowed && !has_vector;
    return STATUS_OK;
}

static enum status scan_tail(struct search *s, const float **out_lexical, struct error *err)
{
    /* The scorer runs in vector mode too: its idf is what coverage weighs words with. */
    enum status status =
        lexical_scorer_new(&s->query->terms, LEXICAL_PARAMS_DEFAULT, &s->scorer, err);
    unsigned want = STORE_TAIL_TERMS | (s->query->vector ? STORE_TAIL_VECTORS : 0u);
    if (!status)
        status = store_each_tail(s->store, want, scan_row, s, err);
    size_t n = 0;
    if (!status)
        status = lexical_scorer_finish(s->scorer, out_lexical, &n, err);
    return status;
}

static enum status warn_of_missing(struct search *s, struct error *err)
{
    if (!s->query->vector || s->n_bare_rows == 0)
        return STATUS_OK;
    return warn(s,
                arena_printf(&s->hits->arena, "%zu of %zu passages have no vector yet and %s",
                             s->n_bare_rows, s->n_allowed_rows,
                             s->hits->mode == ENGINE_MODE_VECTOR ? "can't be found by meaning"
                                                                 : "are found by words only"),
                err);
}

/* ---- results ---- */

static void fill_hit(const struct store_passage *passage, const struct fuse_candidate *candidate,
                     double lexical, const struct fuse_row *row, struct engine_hit *hit)
{
    *hit = (struct engine_hit){
        .chunk_id = passage->chunk_id,
        .document_id = passage->document_id,
        .score = candidate->score,
        .fused_score = candidate->score,
        .lexical_rank = candidate->lexical_rank,
        .vector_rank = candidate->vector_rank,
        .lexical_score = lexical,
        .has_vector = fuse_has_vector(row),
        .vector_score = fuse_has_vector(row) ? (double)row->cosine : 0,
        .lexical_part = candidate->lexical_part,
        .vector_part = candidate->vector_part,
        .path = passage->path,
        .short_path = passage->path,
        .title = passage->title,
        .heading = passage->chunk.heading,
        .kind = passage->kind,
        .collection = passage->collection,
        .text = passage->chunk.text,
        .ord = passage->ord,
        .page = passage->chunk.page,
        .page_end = passage->chunk.page_end,
        .line = passage->chunk.line,
        .line_end = passage->chunk.line_end,
        .byte_start = passage->chunk.byte_start,
        .byte_end = passage->chunk.byte_end,
        .mtime_ms = passage->mtime_ns / 1000000,
    };
}

/* One neighbour's text before (step -1) or after the hit; past the ends of a document nothing
 * happens. */
static enum status join_neighbour(struct search *s, struct engine_hit *hit, uint32_t ord,
                                  bool is_before, struct error *err)
{
    struct store_passage near;
    struct error none;
    enum status status =
        store_get_neighbour(s->store, hit->document_id, ord, &s->hits->arena, &near, &none);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status) {
        if (err)
            *err = none;
        return status;
    }
    const char *first = is_before ? near.chunk.text : hit->text;
    const char *second = is_before ? hit->text : near.chunk.text;
    hit->text = arena_printf(&s->hits->arena, "%s\n\n%s", first, second);
    if (!hit->text)
        return error_nomem(err);
    if (is_before) {
        hit->page = near.chunk.page;
        hit->line = near.chunk.line;
        hit->byte_start = near.chunk.byte_start;
    } else {
        hit->page_end = near.chunk.page_end;
        hit->line_end = near.chunk.line_end;
        hit->byte_end = near.chunk.byte_end;
    }
    return STATUS_OK;
}

static enum status join_context(struct search *s, struct engine_hit *hit, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t step = 1; step <= s->options->n_context && !status; step++) {
        if (hit->ord >= step)
            status = join_neighbour(s, hit, hit->ord - step, true, err);
        if (!status)
            status = join_neighbour(s, hit, hit->ord + step, false, err);
    }
    return status;
}

static enum status join_contexts(struct search *s, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < s->hits->n && !status; i++)
        status = join_context(s, &s->hits->hit[i], err);
    return status;
}

/* The same passage in two files, or one document too often. */
static bool is_redundant(const struct search *s, const struct store_passage *passage,
                         const struct hash128 *hashes)
{
    size_t n_same_document = 0;
    for (size_t i = 0; i < s->hits->n; i++) {
        n_same_document += s->hits->hit[i].document_id == passage->document_id;
        if (memcmp(&hashes[i], &passage->chunk.hash, sizeof hashes[i]) == 0)
            return true;
    }
    return s->options->n_per_document && n_same_document >= s->options->n_per_document;
}

static enum status fetch_hits(struct search *s, const struct fuse_candidate *candidates, size_t n,
                              const float *lexical, struct error *err)
{
    struct engine_hits *hits = s->hits;
    size_t n_wanted = size_min(rerank_depth(s->options), n);
    double min_score = rerank_min_score(s->options);
    hits->hit = arena_zalloc(&hits->arena, n_wanted + 1, sizeof *hits->hit);
    struct hash128 *hashes = arena_zalloc(&hits->arena, n_wanted + 1, sizeof *hashes);
    if (!hits->hit || !hashes)
        return error_nomem(err);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && hits->n < n_wanted && !status; i++) {
        if (candidates[i].score < min_score)
            break;
        const struct fuse_row *row = &s->rows[candidates[i].i_row];
        struct store_passage passage;
        status = store_get_passage(s->store, row->chunk_id, &hits->arena, &passage, err);
        if (status || is_redundant(s, &passage, hashes))
            continue;
        hashes[hits->n] = passage.chunk.hash;
        fill_hit(&passage, &candidates[i], (double)lexical[candidates[i].i_row], row,
                 &hits->hit[hits->n]);
        hits->n++;
    }
    return status;
}

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
static enum status judge(struct search *s, struct error *err)
{
    double best_cosine = 0, best_coverage = 0, best_bare_coverage = 0;
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].is_allowed && (double)s->rows[i].cosine > best_cosine)
            best_cosine = (double)s->rows[i].cosine;
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
    bool has_vectors = s->query->vector && s->n_bare_rows < s->n_allowed_rows;
    s->hits->relevance =
        has_vectors ? best_cosine + COVERAGE_WEIGHT * best_coverage : best_coverage;
    s->hits->is_relevant =
        s->hits->n > 0 && ((has_vectors && s->hits->relevance >= SEARCH_RELEVANCE_FLOOR) ||
                           best_bare_coverage >= LEXICAL_ONLY_FLOOR);
    return STATUS_OK;
}

static enum status rank_and_fetch(struct search *s, const float *lexical, struct error *err)
{
    struct engine_hits *hits = s->hits;
    size_t n_leg = size_max(2 * rerank_depth(s->options), LEG_ROWS);
    struct fuse_input input = {
        .rows = s->rows,
        .lexical = lexical,
        .n_rows = s->n_rows,
        .mode = hits->mode,
        .n_leg = n_leg,
        .fusion = s->options->fusion,
    };
    int64_t start_us = clock_monotonic_us();
    struct fuse_candidate *candidates = NULL;
    size_t n = 0;
    enum status status = fuse_rank(&input, &hits->arena, &candidates, &n, err);
    hits->took.fuse_us = clock_monotonic_us() - start_us;
    if (status)
        return status;
    hits->n_candidates = n;
    start_us = clock_monotonic_us();
    status = fetch_hits(s, candidates, n, lexical, err);
    if (!status)
        status = rerank_step(s->engine, s->text, s->options, s->start_us, hits, err);
    if (!status)
        status = join_contexts(s, err);
    if (!status)
        status = judge(s, err);
    hits->took.fetch_us = clock_monotonic_us() - start_us - hits->took.rerank_us;
    return status;
}

static enum status run_snapshot(struct search *s, struct error *err)
{
    enum status status = store_read_begin(s->store, err);
    if (status)
        return status;
    const float *lexical = NULL;
    int64_t start_us = clock_monotonic_us();
    status = store_generation(s->store, &s->hits->generation, err);
    if (!status)
        status = check_fingerprint(s, err);
    if (!status)
        status = check_analyzer(s, err);
    if (!status)
        status = build_filter(s, err);
    if (!status)
        status = scan_tail(s, &lexical, err);
    if (!status)
        status = warn_of_missing(s, err);
    s->hits->took.scan_us = clock_monotonic_us() - start_us;
    if (!status && s->n_rows > 0)
        status = rank_and_fetch(s, lexical, err);
    store_read_end(s->store);
    return status;
}

static enum status run_search(struct search *s, const char *text, struct error *err)
{
    enum status status = engine_get_reader(s->engine, &s->store, err);
    if (status)
        return status;
    status = engine_get_analyzer(s->engine, &s->analyzer, err);
    if (!status)
        status = lexical_query_parse(s->analyzer, text, strlen(text), &s->hits->arena,
                                     &s->query->terms, err);
    int64_t start_us = clock_monotonic_us();
    if (!status && s->options->mode != ENGINE_MODE_LEXICAL)
        status = embed_query(s, text, err);
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
    int64_t start_us = clock_monotonic_us();
    struct search s = {.engine = engine,
                       .options = options,
                       .hits = &hits,
                       .query = &query,
                       .text = text,
                       .start_us = start_us};
    enum status status = run_search(&s, text, err);
    /* No library yet is an empty one. */
    if (status == STATUS_NOT_FOUND && !s.store)
        status = STATUS_OK;
    lexical_scorer_free(s.scorer);
    mem_free(s.allowed);
    mem_free(s.rows);
    if (status) {
        engine_hits_clear(&hits);
        return status;
    }
    hits.took.total_us = clock_monotonic_us() - start_us;
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
