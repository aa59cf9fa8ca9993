#include "search/hits.h"

#include <string.h>

#include "base/checked.h"
#include "base/trace.h"
#include "query/metadata.h"
#include "search/near_duplicate.h"

struct fetcher {
    struct store *store;
    const struct engine_search_options *options;
    struct engine_hits *hits;
    struct shingles *shingles; /* of each hit */
    struct hash128 *hashes;
};

static void fill_hit(const struct store_passage *passage, const struct fuse_candidate *candidate,
                     struct engine_hit *hit)
{
    *hit = (struct engine_hit){
        .chunk_id = passage->chunk_id,
        .document_id = passage->document_id,
        .score = candidate->score,
        .fused_score = candidate->score,
        .lexical_rank = candidate->lexical_rank,
        .vector_rank = candidate->vector_rank,
        .lexical_score = candidate->lexical,
        .has_vector = candidate->has_vector,
        .vector_score = candidate->has_vector ? candidate->cosine : 0,
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
        .meta = passage->meta,
    };
}

/* One neighbour's text before (step -1) or after the hit; past the ends of a document nothing
 * happens. */
static enum status join_neighbour(struct fetcher *f, struct engine_hit *hit, uint32_t ord,
                                  bool is_before, struct error *err)
{
    struct store_passage near;
    struct error none;
    enum status status =
        store_get_neighbour(f->store, hit->document_id, ord, &f->hits->arena, &near, &none);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status) {
        if (err)
            *err = none;
        return status;
    }
    const char *first = is_before ? near.chunk.text : hit->text;
    const char *second = is_before ? hit->text : near.chunk.text;
    hit->text = arena_printf(&f->hits->arena, "%s\n\n%s", first, second);
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

static enum status join_context(struct fetcher *f, struct engine_hit *hit, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t step = 1; step <= f->options->n_context && !status; step++) {
        if (hit->ord >= step)
            status = join_neighbour(f, hit, hit->ord - step, true, err);
        if (!status)
            status = join_neighbour(f, hit, hit->ord + step, false, err);
    }
    return status;
}

/* Says what a better hit says, or is one too many of its document. */
static bool is_redundant(const struct fetcher *f, const struct store_passage *passage,
                         const struct shingles *shingles)
{
    size_t n_same_document = 0;
    for (size_t i = 0; i < f->hits->n; i++) {
        n_same_document += f->hits->hit[i].document_id == passage->document_id;
        if (memcmp(&passage->chunk.hash, &f->hashes[i], sizeof f->hashes[i]) == 0 ||
            shingles_are_alike(shingles, &f->shingles[i]))
            return true;
    }
    return f->options->n_per_document && n_same_document >= f->options->n_per_document;
}

static enum status fetch_one(struct fetcher *f, const struct fuse_candidate *candidate,
                             struct error *err)
{
    struct store_passage passage;
    struct shingles shingles = {0};
    struct engine_hit *hit = &f->hits->hit[f->hits->n];
    enum status status =
        store_get_passage(f->store, candidate->chunk_id, &f->hits->arena, &passage, err);
    if (!status)
        status = shingles_init(&shingles, passage.chunk.text, &f->hits->arena, err);
    if (status || is_redundant(f, &passage, &shingles))
        return status;
    f->shingles[f->hits->n] = shingles;
    status = metadata_show(passage.meta, &f->hits->arena, &passage.meta, err);
    if (status)
        return status;
    f->hashes[f->hits->n] = passage.chunk.hash;
    fill_hit(&passage, candidate, hit);
    f->hits->n++;
    return STATUS_OK;
}

enum status hits_fetch(struct store *store, const struct engine_search_options *options,
                       const struct fuse_candidate *candidates, size_t n, size_t n_hits,
                       double min_score, struct engine_hits *hits, struct error *err)
{
    TRACE(TRACE_STAGE_FETCH);
    struct fetcher f = {.store = store, .options = options, .hits = hits};
    size_t n_wanted = size_min(n_hits, n);
    hits->hit = arena_zalloc(&hits->arena, n_wanted + 1, sizeof *hits->hit);
    f.shingles = arena_zalloc(&hits->arena, n_wanted + 1, sizeof *f.shingles);
    f.hashes = arena_zalloc(&hits->arena, n_wanted + 1, sizeof *f.hashes);
    if (!hits->hit || !f.shingles || !f.hashes)
        return error_nomem(err);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && hits->n < n_wanted && !status; i++) {
        if (candidates[i].score < min_score)
            break;
        status = fetch_one(&f, &candidates[i], err);
    }
    return status;
}

enum status hits_warn(struct engine_hits *hits, const char *text, struct error *err)
{
    if (text && *hits->warning)
        text = arena_printf(&hits->arena, "%s; %s", hits->warning, text);
    if (!text)
        return error_nomem(err);
    hits->warning = text;
    return STATUS_OK;
}

enum status hits_join(struct store *store, const struct engine_search_options *options,
                      struct engine_hits *hits, struct error *err)
{
    TRACE(TRACE_STAGE_FETCH);
    struct fetcher f = {.store = store, .options = options, .hits = hits};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < hits->n && !status; i++)
        status = join_context(&f, &hits->hit[i], err);
    return status;
}
