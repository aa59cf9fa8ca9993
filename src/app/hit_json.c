#include "app/hit_json.h"

#include <string.h>

#include "app/place.h"
#include "base/clock.h"

static const struct engine_hit *hit_of(const void *record)
{
    return ((const struct hit_record *)record)->hit;
}

const char *hit_record_path(const void *record)
{
    return hit_of(record)->path;
}

static json_t *number_or_null(uint64_t number)
{
    return number ? json_integer((json_int_t)number) : json_null();
}

static json_t *get_file(const void *record)
{
    return json_text(hit_of(record)->path);
}

static json_t *get_page(const void *record)
{
    return number_or_null(hit_of(record)->page);
}

static json_t *get_line_start(const void *record)
{
    return number_or_null(hit_of(record)->line);
}

static json_t *get_line_end(const void *record)
{
    return number_or_null(hit_of(record)->line_end);
}

static json_t *get_heading(const void *record)
{
    return json_text(hit_of(record)->heading);
}

static json_t *get_score(const void *record)
{
    return json_score(hit_of(record)->score);
}

static json_t *get_snippet(const void *record)
{
    const struct engine_hit *hit = hit_of(record);
    return place_snippet_json(hit->text, strlen(hit->text), PLACE_SNIPPET_BYTES);
}

static json_t *get_text(const void *record)
{
    return json_text(hit_of(record)->text);
}

static json_t *get_title(const void *record)
{
    return json_text(hit_of(record)->title);
}

static json_t *get_collection(const void *record)
{
    return json_text(hit_of(record)->collection);
}

static json_t *get_docid(const void *record)
{
    return json_integer(hit_of(record)->document_id);
}

static json_t *get_chunk_id(const void *record)
{
    return json_integer(hit_of(record)->chunk_id);
}

static json_t *get_uri(const void *record)
{
    return place_uri_json(hit_of(record));
}

static json_t *get_byte_start(const void *record)
{
    const struct engine_hit *hit = hit_of(record);
    return hit->byte_end ? json_integer((json_int_t)hit->byte_start) : json_null();
}

static json_t *get_byte_end(const void *record)
{
    return number_or_null(hit_of(record)->byte_end);
}

static json_t *get_mtime(const void *record)
{
    char time[32];
    clock_format_utc(hit_of(record)->mtime_ms, time);
    return json_text(time);
}

static json_t *get_meta(const void *record)
{
    const char *meta = hit_of(record)->meta;
    return meta ? records_meta_json(meta) : json_null();
}

static json_t *leg_json(size_t rank, double score, double part)
{
    json_t *leg = json_object();
    bool is_whole = leg && json_put(leg, "rank", number_or_null(rank)) &&
                    json_put(leg, "score", json_score(score)) &&
                    json_put(leg, "part", json_score(part));
    if (is_whole)
        return leg;
    json_decref(leg);
    return NULL;
}

static json_t *get_explain(const void *record)
{
    const struct engine_hit *hit = hit_of(record);
    if (!((const struct hit_record *)record)->is_explained)
        return json_null();
    json_t *legs = json_object();
    bool is_whole =
        legs && json_put(legs, "fused", json_score(hit->fused_score)) &&
        json_put(legs, "rerank", hit->is_reranked ? json_score(hit->rerank_score) : json_null()) &&
        json_put(legs, "lexical",
                 leg_json(hit->lexical_rank, hit->lexical_score, hit->lexical_part)) &&
        json_put(legs, "vector", leg_json(hit->vector_rank, hit->vector_score, hit->vector_part));
    if (is_whole)
        return legs;
    json_decref(legs);
    return NULL;
}

/* The order is a promise to readers of CSV: new columns go to the end. */
const struct column hit_columns[] = {
    {.name = "score", .get = get_score},
    {.name = "file", .get = get_file},
    {.name = "page", .get = get_page},
    {.name = "line_start", .get = get_line_start},
    {.name = "line_end", .get = get_line_end},
    {.name = "heading", .get = get_heading},
    {.name = "snippet", .get = get_snippet},
    {.name = "text", .get = get_text},
    {.name = "title", .get = get_title, .is_detail = true},
    {.name = "collection", .get = get_collection, .is_detail = true},
    {.name = "docid", .get = get_docid, .is_detail = true},
    {.name = "chunk_id", .get = get_chunk_id, .is_detail = true},
    {.name = "uri", .get = get_uri, .is_detail = true},
    {.name = "byte_start", .get = get_byte_start, .is_detail = true},
    {.name = "byte_end", .get = get_byte_end, .is_detail = true},
    {.name = "mtime", .get = get_mtime, .is_detail = true},
    {.name = "explain", .get = get_explain, .is_detail = true},
    {.name = "meta", .get = get_meta, .is_detail = true},
    {.name = NULL},
};

json_t *hit_stages_json(const struct engine_hits *hits)
{
    json_t *stages = json_object();
    bool is_whole = stages && json_put(stages, "embed_us", json_integer(hits->took.embed_us)) &&
                    json_put(stages, "scan_us", json_integer(hits->took.scan_us)) &&
                    json_put(stages, "fuse_us", json_integer(hits->took.fuse_us)) &&
                    json_put(stages, "fetch_us", json_integer(hits->took.fetch_us)) &&
                    json_put(stages, "rerank_us", json_integer(hits->took.rerank_us)) &&
                    json_put(stages, "total_us", json_integer(hits->took.total_us));
    if (is_whole)
        return stages;
    json_decref(stages);
    return NULL;
}
