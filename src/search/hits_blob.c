/* Hits as bytes and back: every field that a search fills but its times. */
#include "cache/blob.h"
#include "search/search.h"
#include "search/search_cache.h"

/* The fixed fields of a hit, and a length for each text. */
#define HIT_BYTES_MIN 160

static void pass_hit(struct blob *blob, struct engine_hit *hit)
{
    int64_t *const ints[] = {&hit->chunk_id, &hit->document_id, &hit->mtime_ms};
    double *const doubles[] = {&hit->score,        &hit->lexical_score, &hit->vector_score,
                               &hit->lexical_part, &hit->vector_part,   &hit->fused_score,
                               &hit->rerank_score};
    size_t *const sizes[] = {&hit->lexical_rank, &hit->vector_rank};
    uint32_t *const numbers[] = {&hit->ord, &hit->page, &hit->page_end, &hit->line, &hit->line_end};
    const char **const texts[] = {&hit->path,       &hit->title, &hit->heading, &hit->kind,
                                  &hit->collection, &hit->text,  &hit->meta};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++)
        blob_int(blob, ints[i]);
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        blob_double(blob, doubles[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        blob_size(blob, sizes[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        blob_u32(blob, numbers[i]);
    blob_uint(blob, &hit->byte_start, 8);
    blob_uint(blob, &hit->byte_end, 8);
    blob_bool(blob, &hit->has_vector);
    blob_bool(blob, &hit->is_reranked);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        blob_text(blob, texts[i]);
        bool may_be_absent = texts[i] == &hit->meta;
        blob->is_bad = blob->is_bad || (!*texts[i] && !may_be_absent);
    }
    hit->short_path = hit->path;
}

bool hits_pass(struct blob *blob, struct engine_hits *hits)
{
    uint64_t mode = hits->mode;
    blob_uint(blob, &mode, 1);
    blob->is_bad = blob->is_bad || mode >= ENGINE_MODE_COUNT;
    hits->mode = blob->is_bad ? ENGINE_MODE_HYBRID : (enum engine_mode)mode;
    blob_size(blob, &hits->n_candidates);
    blob_size(blob, &hits->n_reranked);
    blob_double(blob, &hits->relevance);
    blob_bool(blob, &hits->is_relevant);
    blob_int(blob, &hits->generation);
    blob_text(blob, &hits->warning);
    blob->is_bad = blob->is_bad || !hits->warning;
    blob_count(blob, &hits->n, HIT_BYTES_MIN);
    if (!blob->out)
        hits->hit = arena_zalloc(&hits->arena, hits->n + 1, sizeof *hits->hit);
    if (!hits->hit && hits->n > 0)
        return false;
    for (size_t i = 0; i < hits->n && blob_is_whole(blob); i++)
        pass_hit(blob, &hits->hit[i]);
    return blob_is_whole(blob);
}
