/* Keeping the library sound and small: check, compact, reindex. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/engine_parts.h"
#include "governor/disk_reserve.h"
#include "index/ids.h"
#include "index/maintain.h"
#include "library/library.h"

static enum status open_maintainer(struct engine *engine, const struct cancel *cancel,
                                   struct maintainer *out, struct error *err)
{
    enum status status = maintainer_init(out, engine->options.data_folder, engine_n_threads(engine),
                                         engine->governor, cancel, err);
    if (!status)
        engine_sign(engine, out->store);
    return status;
}

static enum status repair(struct engine *engine, struct maintainer *maintainer, struct error *err)
{
    bool has_lost = false;
    struct analyzer *analyzer;
    enum status status = maintain_has_lost(maintainer, &has_lost, err);
    if (status || !has_lost)
        return status;
    status = engine_get_analyzer(engine, &analyzer, err);
    return status
               ? status
               : maintain_rebuild(maintainer, MAINTAIN_REBUILD_LOST, analyzer, &(size_t){0}, err);
}

enum status engine_keep_up(struct engine *engine, const struct cancel *cancel, struct error *err)
{
    struct maintainer maintainer = {0};
    enum status status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain(&maintainer, MAINTAIN_DUE, err);
    if (!status)
        status = repair(engine, &maintainer, err);
    /* What is damaged in the log ends it, and nobody can tell: at rest there is none. */
    if (!status)
        status = store_checkpoint(maintainer.store, 0, err);
    maintainer_clear(&maintainer);
    return status;
}

/* An analyzer's id is its language and a version behind the last minus. */
static bool is_older(const char *stored, const char *ours)
{
    const char *version = strrchr(ours, '-');
    size_t len = version ? (size_t)(version - ours) + 1 : 0;
    return strcmp(stored, ours) != 0 && strncmp(stored, ours, len) == 0 &&
           !strchr(stored + len, '-');
}

enum status engine_renew_words(struct engine *engine, struct store *store,
                               const struct cancel *cancel, struct error *err)
{
    struct arena arena = {0};
    struct analyzer *analyzer;
    struct maintainer maintainer = {0};
    const char *stored = NULL;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = store_get_meta(store, STORE_META_ANALYZER, &arena, &stored, err);
    bool is_due = !status && stored && *stored && is_older(stored, analyzer_id(analyzer));
    arena_clear(&arena);
    if (!is_due)
        return status;
    status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain_rebuild(&maintainer, MAINTAIN_REBUILD_ALL, analyzer, &(size_t){0}, err);
    maintainer_clear(&maintainer);
    return status;
}

static enum status has_library(struct engine *engine, bool *out, struct error *err)
{
    struct store *store;
    struct error why;
    enum status status = engine_get_reader(engine, &store, &why);
    *out = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status && err)
        *err = why;
    return status;
}

enum status engine_compact(struct engine *engine, struct error *err)
{
    bool has = false;
    struct maintainer maintainer = {0};
    (void)disk_ballast_lend(engine->options.data_folder);
    enum status status = has_library(engine, &has, err);
    if (status || !has)
        return status;
    status = open_maintainer(engine, NULL, &maintainer, err);
    if (!status)
        status = maintain(&maintainer, MAINTAIN_ALL, err);
    if (!status)
        status = store_compact(maintainer.store, err);
    maintainer_clear(&maintainer);
    return status;
}

enum status engine_reindex(struct engine *engine, enum engine_reindex what,
                           const struct cancel *cancel, size_t *out_n, struct error *err)
{
    bool has = false;
    struct maintainer maintainer = {0};
    struct analyzer *analyzer;
    enum status status = has_library(engine, &has, err);
    if (!status && !has)
        *out_n = 0;
    if (status || !has)
        return status;
    status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain_rebuild(
            &maintainer, what == ENGINE_REINDEX_ALL ? MAINTAIN_REBUILD_ALL : MAINTAIN_REBUILD_LOST,
            analyzer, out_n, err);
    if (!status)
        status = store_checkpoint(maintainer.store, 0, err);
    maintainer_clear(&maintainer);
    return status;
}

/* ---- check ---- */

struct checker {
    struct engine *engine;
    struct snapshot snapshot;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    size_t n_problems;
    int64_t *covered; /* chunk ids, ascending once all are noted */
    size_t n_covered, n_covered_max;
    size_t i_covered, n_bare, n_double;
};

static void say(struct checker *c, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct checker *c, const char *format, ...)
{
    char line[640];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->n_problems++;
    c->say(c->ctx, line);
}

static enum status cover(struct checker *c, int64_t chunk_id, struct error *err)
{
    void *covered = c->covered;
    enum status status =
        mem_reserve(&covered, &c->n_covered_max, c->n_covered + 1, sizeof *c->covered, err);
    c->covered = covered;
    if (!status)
        c->covered[c->n_covered++] = chunk_id;
    return status;
}

static enum status cover_tail(void *ctx, const struct store_tail_row *row, struct error *err)
{
    return cover(ctx, row->chunk_id, err);
}

static enum status cover_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    return cover(ctx, row->chunk_id, err);
}

static enum status cover_missing(void *ctx, int64_t chunk_id, struct error *err)
{
    return cover(ctx, chunk_id, err);
}

/* Everything in it, whatever its stamp says. DAMAGED is a finding. */
static enum status check_segment(struct checker *c, const struct snapshot_segment *s,
                                 struct error *err)
{
    struct error why = {0};
    if (!feature_is_on(&c->engine->options.features, FEATURE_ENHANCED_HEALTH_CHECKS))
        return STATUS_OK;
    enum status status = segment_check(s->segment, &why);
    if (!status)
        status = s->lexical ? lexical_index_check(s->lexical, &why)
                            : vector_index_check(s->vector, &c->snapshot.rows, &why);
    if (status == STATUS_DAMAGED || status == STATUS_INVALID) {
        say(c, "segment \"%s\": %s; `ragged reindex` makes it anew", s->name, why.message);
        return STATUS_OK;
    }
    if (status && err)
        *err = why;
    return status;
}

static enum status check_segments(struct checker *c, const struct snapshot_kind *kind,
                                  struct error *err)
{
    enum status status = STATUS_OK;
    if (kind->n_lost_rows > 0)
        say(c,
            "%zu passages are in segments that can't be read: %s; `ragged reindex` makes them "
            "anew",
            kind->n_lost_rows, kind->lost);
    for (size_t i = 0; i < kind->n && !status; i++) {
        const struct snapshot_segment *s = kind->segments[i];
        status = check_segment(c, s, err);
        for (size_t row = 0; row < segment_n_rows(s->segment) && !status; row++)
            if (!s->dead || !bitmap_has(s->dead, row))
                status = cover(c, segment_chunk_id(s->segment, row), err);
    }
    return status;
}

/* Every chunk is in one place of its kind. */
static enum status check_range(void *ctx, int64_t document_id, int64_t first, int64_t end,
                               struct error *err)
{
    struct checker *c = ctx;
    (void)document_id, (void)err;
    for (int64_t id = first; id < end; id++) {
        size_t n = 0;
        while (c->i_covered < c->n_covered && c->covered[c->i_covered] < id) {
            c->n_double++; /* of a chunk that is not there */
            c->i_covered++;
        }
        for (; c->i_covered < c->n_covered && c->covered[c->i_covered] == id; c->i_covered++)
            n++;
        c->n_bare += n == 0;
        c->n_double += n > 1;
    }
    return STATUS_OK;
}

static enum status check_kind(struct checker *c, enum store_kind kind, struct error *err)
{
    bool is_lexical = kind == STORE_KIND_LEXICAL;
    const struct snapshot_kind *segments = is_lexical ? c->snapshot.lexical : c->snapshot.vector;
    struct store *store = c->snapshot.store;
    c->n_covered = c->i_covered = c->n_bare = c->n_double = 0;
    enum status status = check_segments(c, segments, err);
    if (!status)
        status = is_lexical ? store_each_tail(store, 0, SIZE_MAX, cover_tail, c, err)
                            : store_each_vector_tail(store, 0, SIZE_MAX, cover_vector, c, err);
    if (!status && !is_lexical)
        status = store_each_missing_id(store, cover_missing, c, err);
    if (status)
        return status;
    ids_sort(c->covered, c->n_covered);
    status = store_each_chunk_run(store, check_range, c, err);
    if (status)
        return status;
    c->n_double += c->n_covered - c->i_covered;
    if (c->n_bare > 0 && segments->n_lost_rows == 0)
        say(c, "%zu passages can't be found by %s", c->n_bare, is_lexical ? "words" : "meaning");
    if (c->n_double > 0)
        say(c, "%zu passages are indexed that are not there, or twice, for %s", c->n_double,
            is_lexical ? "words" : "meaning");
    return STATUS_OK;
}

static enum status check_indexes(struct checker *c, struct store *store, struct error *err)
{
    enum status status = snapshot_begin(&c->engine->segments, store, c->engine->options.data_folder,
                                        SNAPSHOT_LEXICAL | SNAPSHOT_VECTOR, &c->snapshot, err);
    if (!status)
        status = check_kind(c, STORE_KIND_LEXICAL, err);
    if (!status)
        status = check_kind(c, STORE_KIND_VECTOR, err);
    snapshot_end(&c->snapshot);
    mem_free(c->covered);
    return status;
}

static enum status check_trail(struct checker *c, struct store *store, struct error *err)
{
    struct audit_verdict verdict = {0};
    struct error why = {0};
    enum status status = store_audit_verify(store, AUDIT_EXTENT_WHOLE, NULL, &verdict, &why);
    if (status == STATUS_DAMAGED) {
        say(c, "%s", why.message);
        return STATUS_OK;
    }
    if (status && err)
        *err = why;
    if (!status && verdict.is_broken && verdict.broken_sequence)
        say(c, "row %lld of the audit trail: %s", (long long)verdict.broken_sequence, verdict.why);
    else if (!status && verdict.is_broken)
        say(c, "the audit trail: %s", verdict.why);
    return status;
}

enum status engine_check(struct engine *engine, enum engine_check_extent extent,
                         void (*say_line)(void *ctx, const char *line), void *ctx,
                         size_t *out_n_problems, struct error *err)
{
    struct store *store;
    enum status status = engine_get_reader(engine, &store, err);
    if (status == STATUS_NOT_FOUND) {
        *out_n_problems = 0;
        return STATUS_OK;
    }
    const char *dim = NULL;
    size_t n_problems = 0;
    struct checker checker = {.engine = engine, .say = say_line, .ctx = ctx};
    if (!status)
        status = store_get_meta(store, STORE_META_DIM, &engine->arena, &dim, err);
    if (!status)
        status = store_check(store, dim ? (size_t)strtoul(dim, NULL, 10) : 0, say_line, ctx,
                             &n_problems, err);
    /* A damaged database has been told of; what hangs on it would only repeat that. */
    if (!status && n_problems == 0)
        status = check_indexes(&checker, store, err);
    if (!status && extent == ENGINE_CHECK_ALL)
        status = check_trail(&checker, store, err);
    if (!status)
        *out_n_problems = n_problems + checker.n_problems;
    return status;
}
