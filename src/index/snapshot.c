#include "index/snapshot.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/trace.h"

char *snapshot_segment_path(const char *folder, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/segments/%s.seg", folder, name);
    char *text = buf_status(&path, NULL) ? NULL : buf_take(&path, &(size_t){0});
    buf_clear(&path);
    return text;
}

void snapshot_segment_unlink(const char *folder, const char *name)
{
    char *path = snapshot_segment_path(folder, name);
    if (path)
        unlink(path);
    mem_free(path);
}

static void segment_free(struct snapshot_segment *segment)
{
    if (!segment)
        return;
    lexical_index_close(segment->lexical);
    vector_index_close(segment->vector);
    segment_close(segment->segment);
    mem_free(segment->dead);
    mem_free(segment->name);
    mem_free(segment);
}

static enum status open_index(struct snapshot_segment *opened, const struct store_segment *listed,
                              const char *path, struct error *err)
{
    const struct segment_stamp stamp = {
        .size_bytes = listed->size_bytes,
        .inode = listed->inode,
        .mtime_ns = listed->mtime_ns,
        .checksum = listed->checksum,
    };
    bool is_lexical = listed->kind == STORE_KIND_LEXICAL;
    enum status status = segment_open(path, is_lexical ? SEGMENT_LEXICAL : SEGMENT_VECTOR, &stamp,
                                      &opened->segment, err);
    if (status)
        return status;
    status = is_lexical ? lexical_index_open(opened->segment, &opened->lexical, err)
                        : vector_index_open(opened->segment, &opened->vector, err);
    return status ? error_context(err, status, "segment \"%s\"", path) : STATUS_OK;
}

static enum status open_segment(const char *folder, const struct store_segment *listed,
                                struct snapshot_segment **out, struct error *err)
{
    struct snapshot_segment *opened = mem_zalloc(1, sizeof *opened);
    char *path = snapshot_segment_path(folder, listed->name);
    enum status status = STATUS_OK;
    if (opened)
        opened->name = mem_text(listed->name);
    if (!opened || !path || !opened->name)
        status = error_nomem(err);
    if (!status)
        status = open_index(opened, listed, path, err);
    mem_free(path);
    if (status)
        segment_free(opened);
    else
        *out = opened;
    return status;
}

/* ---- reading the manifest ---- */

struct loader {
    const char *folder;
    enum store_kind kind;
    struct snapshot_kind *into;
    bool is_gone_lost; /* a file that is not there is lost, not merged away meanwhile */
};

static struct snapshot_segment *find_open(const struct snapshot_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->n; i++)
        if (strcmp(kind->segments[i]->name, name) == 0)
            return kind->segments[i];
    return NULL;
}

static void note_lost(struct snapshot_kind *kind, const struct store_segment *listed,
                      const struct error *why)
{
    if (kind->n_lost_rows == 0)
        snprintf(kind->lost, sizeof kind->lost, "%.*s", (int)sizeof kind->lost - 1, why->message);
    kind->n_lost_rows += listed->n_rows;
}

static enum status load_segment(void *ctx, const struct store_segment *listed, struct error *err)
{
    struct loader *loader = ctx;
    struct snapshot_kind *kind = loader->into;
    if (listed->kind != loader->kind)
        return STATUS_OK;
    struct snapshot_segment *segment = find_open(kind, listed->name);
    if (segment) {
        segment->is_listed = true;
        return STATUS_OK;
    }
    void *segments = kind->segments;
    enum status status =
        mem_reserve(&segments, &kind->n_max, kind->n + 1, sizeof(struct snapshot_segment *), err);
    kind->segments = segments;
    if (status)
        return status;
    struct error why = {0};
    status = open_segment(loader->folder, listed, &segment, &why);
    if (status == STATUS_DAMAGED || (status == STATUS_NOT_FOUND && loader->is_gone_lost)) {
        note_lost(kind, listed, &why);
        return STATUS_OK;
    }
    if (status) {
        if (err)
            *err = why;
        return status;
    }
    segment->is_listed = true;
    kind->segments[kind->n++] = segment;
    return STATUS_OK;
}

static void drop_unlisted(struct snapshot_kind *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < kind->n; i++) {
        if (kind->segments[i]->is_listed)
            kind->segments[n++] = kind->segments[i];
        else
            segment_free(kind->segments[i]);
    }
    kind->n = n;
}

/* ---- dead ranges ---- */

static enum status bury_in(struct snapshot_segment *s, int64_t first, int64_t end,
                           struct error *err)
{
    size_t row = segment_lower_row(s->segment, first), row_end = segment_lower_row(s->segment, end);
    if (row >= row_end)
        return STATUS_OK;
    if (!s->dead) {
        size_t n_words = bitmap_n_words(segment_n_rows(s->segment));
        s->dead = mem_zalloc(n_words, sizeof *s->dead);
        if (!s->dead)
            return error_nomem(err);
    }
    bitmap_set_range(s->dead, row, row_end, true);
    return STATUS_OK;
}

static enum status bury(void *ctx, int64_t first, int64_t end, struct error *err)
{
    const struct snapshot_kind *kind = ctx;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < kind->n && !status; i++)
        status = bury_in(kind->segments[i], first, end, err);
    return status;
}

static enum status load_dead(struct snapshot_kind *kind, enum store_kind of, struct store *store,
                             struct error *err)
{
    for (size_t i = 0; i < kind->n; i++) {
        mem_free(kind->segments[i]->dead);
        kind->segments[i]->dead = NULL;
    }
    enum status status = store_each_dead(store, of, bury, kind, err);
    for (size_t i = 0; i < kind->n && !status; i++) {
        struct snapshot_segment *s = kind->segments[i];
        s->n_dead = s->dead ? bitmap_count(s->dead, bitmap_n_words(segment_n_rows(s->segment))) : 0;
    }
    return status;
}

static enum status load_kind(struct loader *loader, struct store *store, int64_t generation,
                             struct error *err)
{
    struct snapshot_kind *kind = loader->into;
    if (kind->generation == generation)
        return STATUS_OK;
    kind->generation = -1;
    kind->n_lost_rows = 0;
    kind->lost[0] = '\0';
    for (size_t i = 0; i < kind->n; i++)
        kind->segments[i]->is_listed = false;
    enum status status = store_each_segment(store, load_segment, loader, err);
    if (status)
        return status;
    drop_unlisted(kind);
    status = load_dead(kind, loader->kind, store, err);
    if (!status)
        kind->generation = generation;
    return status;
}

/* ---- snapshots ---- */

static enum status map_rows(struct store *store, struct vector_rows *out, struct error *err)
{
    struct store_vectors vectors = {0};
    enum status status = store_map_vectors(store, &vectors, err);
    if (!status)
        *out = (struct vector_rows){
            .bytes = vectors.rows,
            .n_slots = vectors.n_slots,
            .dim = vectors.row_bytes / sizeof(uint16_t),
        };
    return status;
}

static enum status load_all(struct snapshot_cache *cache, const char *folder, unsigned want,
                            bool is_gone_lost, struct snapshot *snapshot, struct error *err)
{
    enum status status = STATUS_OK;
    struct loader loader = {.folder = folder, .is_gone_lost = is_gone_lost};
    if (want & SNAPSHOT_LEXICAL) {
        loader.kind = STORE_KIND_LEXICAL;
        snapshot->lexical = loader.into = &cache->kinds[STORE_KIND_LEXICAL];
        status = load_kind(&loader, snapshot->store, snapshot->generation, err);
    }
    if (!status && (want & SNAPSHOT_VECTOR)) {
        loader.kind = STORE_KIND_VECTOR;
        snapshot->vector = loader.into = &cache->kinds[STORE_KIND_VECTOR];
        status = load_kind(&loader, snapshot->store, snapshot->generation, err);
        if (!status)
            status = map_rows(snapshot->store, &snapshot->rows, err);
    }
    return status;
}

/* A file can go between reading the manifest and opening it, when a merge replaces it or the
 * vectors are removed: then there is a newer generation that does without it. */
enum status snapshot_begin(struct snapshot_cache *cache, struct store *store, const char *folder,
                           unsigned want, struct snapshot *out, struct error *err)
{
    TRACE(TRACE_STAGE_SNAPSHOT);
    int64_t failed_generation = -1;
    for (;;) {
        struct snapshot snapshot = {.store = store};
        struct error why = {0};
        enum status status = store_read_begin(store, err);
        if (status)
            return status;
        status = store_generation(store, &snapshot.generation, &why);
        bool is_second = snapshot.generation == failed_generation;
        if (!status)
            status = load_all(cache, folder, want, is_second, &snapshot, &why);
        if (!status) {
            *out = snapshot;
            return STATUS_OK;
        }
        store_read_end(store);
        bool is_gone = status == STATUS_NOT_FOUND || status == STATUS_BUSY;
        if (!is_gone || is_second) {
            if (err)
                *err = why;
            return status;
        }
        failed_generation = snapshot.generation;
    }
}

void snapshot_end(struct snapshot *snapshot)
{
    if (snapshot->store)
        store_read_end(snapshot->store);
    *snapshot = (struct snapshot){0};
}

void snapshot_cache_clear(struct snapshot_cache *cache)
{
    for (size_t k = 0; k < sizeof cache->kinds / sizeof cache->kinds[0]; k++) {
        struct snapshot_kind *kind = &cache->kinds[k];
        for (size_t i = 0; i < kind->n; i++)
            segment_free(kind->segments[i]);
        mem_free(kind->segments);
    }
    *cache = SNAPSHOT_CACHE_EMPTY;
}
