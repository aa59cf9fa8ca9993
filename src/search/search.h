/* search/search.h - questions to passages. */
#ifndef RAGGED_SEARCH_SEARCH_H
#define RAGGED_SEARCH_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/status.h"
#include "query/query.h"

struct engine;

enum engine_mode { ENGINE_MODE_HYBRID, ENGINE_MODE_LEXICAL, ENGINE_MODE_VECTOR, ENGINE_MODE_COUNT };
const char *engine_mode_name(enum engine_mode mode);
/* How two rankings become one: shares of the best scores, or reciprocal ranks. */
enum engine_fusion { ENGINE_FUSION_CONVEX, ENGINE_FUSION_RRF };
/* Reading the best hits again, together with the question. Without its model: ON gives a warning
 * and the fused order, REQUIRED an error. */
enum engine_rerank { ENGINE_RERANK_OFF, ENGINE_RERANK_ON, ENGINE_RERANK_REQUIRED };

struct engine_search_options {
    enum engine_mode mode;
    size_t n;               /* results wanted */
    double min_score;       /* 0..1 */
    const char *collection; /* NULL: all; unknown: NOT_FOUND naming the collections */
    const char *path_glob;  /* as path_matches() of base/file.h; NULL: all */
    struct engine_filter filter;
    bool has_query_syntax; /* phrases, -words, prefixes* and fields: mean what they do */
    size_t n_per_document; /* at most this many chunks of one document; 0: no cap */
    size_t n_context;      /* neighbours joined on each side */
    enum engine_fusion fusion;
    enum engine_rerank rerank;
    size_t n_rerank;     /* so many of the best hits are read again */
    int64_t deadline_ms; /* from the start of the search, for reranking; 0: none */
    bool is_uncached;    /* found anew, and not kept */
    /* To measure with, uncached: by meaning so many of the nearest by their codes are scored
     * exactly in each segment. 0: as many as were found to suffice. */
    size_t n_estimates;
    const struct cancel *cancel;
};
struct engine_search_options engine_search_options_default(void);

struct engine_hit {
    int64_t chunk_id, document_id;
    double score; /* 0..1, higher is better */
    /* explain: rank 1.. in each leg (0: not among its best 100), raw score, part of the fused score
     */
    size_t lexical_rank, vector_rank;
    double lexical_score, vector_score, lexical_part, vector_part;
    bool has_vector;                  /* false also when the query has none */
    double fused_score, rerank_score; /* rerank_score: of a hit that was read again */
    bool is_reranked;
    const char *path, *title, *heading, *kind, *collection, *text;
    const char *short_path; /* answers: the shortest end of path that no other document has */
    uint32_t ord, page, page_end, line, line_end;
    uint64_t byte_start, byte_end;
    int64_t mtime_ms;
    const char *meta; /* as of engine_document; NULL: not looked up */
};
struct engine_hits {
    struct engine_hit *hit; /* best first */
    size_t n;
    size_t n_candidates;   /* before the limit */
    size_t n_reranked;     /* read again, and ordered by that; 0: the fused order */
    double relevance;      /* cos_top1 + 0.5 * coverage: what abstention looks at */
    bool is_relevant;      /* relevance above the floor */
    enum engine_mode mode; /* in fact used */
    unsigned degraded;     /* bits of enum engine_degraded; details: warning */
    const char *warning; /* "", or why the mode is not the one asked for, how much has no vector */
    int64_t generation;
    bool is_cached; /* found before, in the same state of the library */
    struct {        /* all 0 without FEATURE_PERFORMANCE_AWARE_LOGGING */
        int64_t embed_us, scan_us, fuse_us, fetch_us, rerank_us, total_us;
    } took;
    struct arena arena; /* owns every text here */
};
/* With FEATURE_GRACEFUL_DEGRADATION off whatever would set a bit of `degraded` is an error. FORMAT:
 * everything that could be searched is damaged or gone.
 * Every hit is from one generation. An empty library gives n = 0. Hybrid falls back, with a
 * warning, to lexical when the embedder is not there or the vectors are another model's, and to
 * vector when the words are another analyzer's. Passages without a vector are found by words. */
enum status engine_search(struct engine *engine, const char *query,
                          const struct engine_search_options *options, struct engine_hits *out,
                          struct error *err) MUST_USE;
void engine_hits_clear(struct engine_hits *hits); /* zeroed is fine */

#endif
