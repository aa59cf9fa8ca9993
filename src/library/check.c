/* Is the library sound? Its database, its segments, its trail, and whether every passage is found.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/engine_parts.h"
#include "library/library.h"

/* Chunk ids are looked at some millions at a time, so a check takes the same memory for any
 * library. */
enum { WINDOW_IDS = 1 << 25 };

struct checker {
    struct engine *engine;
    struct snapshot snapshot;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    size_t n_problems;
    uint64_t *indexed;        /* WINDOW_IDS bits, of the chunk ids [first, end) */
    int64_t first, end, next; /* next: the first chunk from `end` on, INT64_MAX: none */
    size_t n_rows, n_inside;  /* of the indexes: as counted in one window, and in all of them */
    size_t n_bare, n_double;
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

static void cover(struct checker *c, int64_t chunk_id)
{
    c->n_rows++;
    if (chunk_id < c->first || chunk_id >= c->end)
        return;
    size_t i = (size_t)(chunk_id - c->first);
    c->n_inside++;
    c->n_double += bitmap_has(c->indexed, i);
    bitmap_add(c->indexed, i);
}

static enum status cover_tail(void *ctx, const struct store_tail_row *row, struct error *err)
{
    (void)err;
    cover(ctx, row->chunk_id);
    return STATUS_OK;
}

static enum status cover_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    (void)err;
    cover(ctx, row->chunk_id);
    return STATUS_OK;
}

static enum status cover_missing(void *ctx, int64_t chunk_id, struct error *err)
{
    (void)err;
    cover(ctx, chunk_id);
    return STATUS_OK;
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
    for (size_t i = 0; i < kind->n && !status; i++)
        status = check_segment(c, kind->segments[i], err);
    return status;
}

static void cover_segments(struct checker *c, const struct snapshot_kind *kind)
{
    for (size_t i = 0; i < kind->n; i++) {
        const struct snapshot_segment *s = kind->segments[i];
        for (size_t row = 0; row < segment_n_rows(s->segment); row++)
            if (!s->dead || !bitmap_has(s->dead, row))
                cover(c, segment_chunk_id(s->segment, row));
    }
}

/* Chunks of the window lose their bits: what is left is indexed and not there. */
static enum status check_run(void *ctx, int64_t document_id, int64_t first, int64_t end,
                             struct error *err)
{
    struct checker *c = ctx;
    (void)document_id, (void)err;
    if (end > c->end && first < c->next)
        c->next = first > c->end ? first : c->end;
    first = first > c->first ? first : c->first;
    end = end < c->end ? end : c->end;
    for (int64_t id = first; id < end; id++)
        c->n_bare += !bitmap_has(c->indexed, (size_t)(id - c->first));
    if (first < end)
        bitmap_set_range(c->indexed, (size_t)(first - c->first), (size_t)(end - c->first), false);
    return STATUS_OK;
}

static enum status check_window(struct checker *c, enum store_kind kind, struct error *err)
{
    bool is_lexical = kind == STORE_KIND_LEXICAL;
    struct store *store = c->snapshot.store;
    c->first = c->next;
    c->end = c->first < INT64_MAX - WINDOW_IDS ? c->first + WINDOW_IDS : INT64_MAX;
    c->next = INT64_MAX;
    c->n_rows = 0;
    memset(c->indexed, 0, WINDOW_IDS / 8);
    cover_segments(c, is_lexical ? c->snapshot.lexical : c->snapshot.vector);
    enum status status = is_lexical
                             ? store_each_tail(store, 0, SIZE_MAX, cover_tail, c, err)
                             : store_each_vector_tail(store, 0, SIZE_MAX, cover_vector, c, err);
    if (!status && !is_lexical)
        status = store_each_missing_id(store, cover_missing, c, err);
    if (!status)
        status = store_each_chunk_run(store, check_run, c, err);
    c->n_double += bitmap_count(c->indexed, WINDOW_IDS / 64);
    return status;
}

/* Every chunk is in one place of its kind. */
static enum status check_kind(struct checker *c, enum store_kind kind, struct error *err)
{
    bool is_lexical = kind == STORE_KIND_LEXICAL;
    const struct snapshot_kind *segments = is_lexical ? c->snapshot.lexical : c->snapshot.vector;
    c->n_inside = c->n_bare = c->n_double = 0;
    c->first = c->end = INT64_MIN;
    c->next = INT64_MAX;
    enum status status = check_segments(c, segments, err);
    if (!status)
        status = store_each_chunk_run(c->snapshot.store, check_run, c, err);
    do {
        if (!status)
            status = check_window(c, kind, err);
    } while (!status && c->next < INT64_MAX);
    if (status)
        return status;
    c->n_double += c->n_rows - c->n_inside;
    if (c->n_bare > 0 && segments->n_lost_rows == 0)
        say(c, "%zu passages can't be found by %s", c->n_bare, is_lexical ? "words" : "meaning");
    if (c->n_double > 0)
        say(c, "%zu passages are indexed that are not there, or twice, for %s", c->n_double,
            is_lexical ? "words" : "meaning");
    return STATUS_OK;
}

static enum status say_leftover(void *ctx, const char *path, struct error *err)
{
    (void)err;
    say(ctx, "\"%s\" was left behind by a stopped process; `ragged compact` removes it", path);
    return STATUS_OK;
}

static enum status check_indexes(struct checker *c, struct store *store,
                                 enum engine_check_extent extent, struct error *err)
{
    c->indexed = mem_array(WINDOW_IDS / 64, sizeof *c->indexed);
    if (!c->indexed)
        return error_nomem(err);
    enum status status = snapshot_begin(&c->engine->segments, store, c->engine->options.data_folder,
                                        SNAPSHOT_LEXICAL | SNAPSHOT_VECTOR, &c->snapshot, err);
    if (!status)
        status = check_kind(c, STORE_KIND_LEXICAL, err);
    if (!status)
        status = check_kind(c, STORE_KIND_VECTOR, err);
    if (!status && extent == ENGINE_CHECK_ALL)
        status = store_each_leftover(store, say_leftover, c, err);
    snapshot_end(&c->snapshot);
    mem_free(c->indexed);
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
        status = check_indexes(&checker, store, extent, err);
    if (!status && extent == ENGINE_CHECK_ALL)
        status = check_trail(&checker, store, err);
    if (!status)
        *out_n_problems = n_problems + checker.n_problems;
    return status;
}
