/* engine/engine.h - the library's face: add, search, answer, list, status, check, eval, embed.
 *
 * An engine is one data directory opened by one caller. Threads: one thread at a time per engine
 * (it starts threads of its own); any number of engines and processes per data directory.
 * Nothing here prints: progress and warnings go to callbacks. */
#ifndef RAGGED_ENGINE_ENGINE_H
#define RAGGED_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/status.h"
#include "engine/engine_embed.h" /* more of this door */
#include "engine/engine_state.h"
#include "engine/feature.h"
#include "net/net.h"

struct engine;

/* Routes SQLite's allocations through base/mem.h; once, first thing in main(). */
void engine_process_init(void);

struct engine_options {
    const char *data_folder;
    const char *embedding_backend, *embedding_model, *embedding_url, *embedding_key;
    const char *embedding_precision; /* native: as embed.h; "auto": the library's, else best */
    const char *rerank_model;        /* a reranker of the model table; NULL: the first */
    const char *generator, *llm_model, *ollama_url, *openai_url, *openai_key, *gguf_path;
    const char *breaker_force; /* "ollama.chat=open": circuit breakers that stay so; NULL: none */
    int answer_timeout_ms;     /* for a model's answer with all attempts; 0: 10 min */
    const char *language;      /* of the stemmer: "english", ... */
    size_t chunk_tokens, chunk_overlap; /* 0: as much as the model reads; clamped to it */
    size_t file_limit_bytes; /* larger files are refused, but those that are read in parts */
    size_t part_bytes;       /* at least 4096, a multiple of 4; 0: 1 MiB */
    unsigned n_threads;      /* 0: all usable */
    bool is_bulk;    /* many texts will be embedded: what makes that faster is worth its start */
    bool is_offline; /* no network but configured loopback servers */
    /* A server, file or model for answers was named: without it quotations are less than wanted. */
    bool is_generator_expected;
    size_t memory_bytes_max;     /* 0: what the machine and its control group allow */
    uint64_t disk_reserve_bytes; /* an ingest leaves so much free; 0: by the size of the disk */
    uint64_t cache_bytes_max; /* of what searches found, in memory and in the file; 0: no cache */
    int64_t cache_ttl_ms;     /* older results are found anew, also without a change */
    bool has_answer_cache;    /* answers of a language model too */
    struct features features;
    const struct cancel *cancel; /* borrowed; what opens parts of the engine ends with it, also
                                    where a call has no such option of its own; NULL: never */
};
struct engine_options engine_options_default(void);

/* Cheap: opens nothing before it is needed. Strings are copied. */
enum status engine_open(const struct engine_options *options, struct engine **out,
                        struct error *err) MUST_USE;
void engine_close(struct engine *engine); /* NULL is fine */

/* Conditions on documents, all of which must hold; zeroed: none. */
struct engine_filter {
    const char *const *wheres; /* expressions: engine/where.h; CONDITIONS in the manual page */
    size_t n_wheres;
    const char *since, *until; /* modified within; dates, NULL: open */
    const char *const *kinds;  /* one of these */
    size_t n_kinds;
    const char *const *documents; /* one of these paths */
    size_t n_documents;
};

/* ---- add ---- */
enum engine_file_result {
    ENGINE_FILE_ADDED,
    ENGINE_FILE_UPDATED,
    ENGINE_FILE_UNCHANGED,
    ENGINE_FILE_FAILED,
    ENGINE_FILE_SKIPPED, /* not a document: no loader for it, ignored by rule */
    ENGINE_FILE_RESULT_COUNT
};
const char *engine_file_result_name(enum engine_file_result result);

struct engine_file_report {
    const char *path;
    enum engine_file_result result;
    const char *reason; /* FAILED, SKIPPED: why; else a warning or "" */
    const char *hint;
    size_t n_chunks;
    uint64_t size_bytes;
};
struct engine_progress {
    size_t n_files_done, n_files_total;
    uint64_t n_bytes_done, n_bytes_total; /* done: read and cut, perhaps not yet written */
    size_t n_chunks;
    size_t n_vectors_done, n_vectors_total; /* after the files; total 0: not yet */
    int64_t elapsed_ms, phase_ms;           /* phase_ms: since the files or the vectors began */
    int64_t eta_ms;                         /* to the end of both; -1: unknown */
    const char *pause;                      /* why nothing goes on just now; "" while it does */
};
struct engine_add_options {
    const char *const *paths; /* files and folders */
    size_t n_paths;
    const char *collection; /* NULL: "default" */
    /* "name=value", over what documents say of themselves; a name again makes a list. They stay
     * with a document when its file changes; an empty value takes one back. */
    const char *const *metas;
    size_t n_metas;
    bool is_flat;  /* --no-recursive */
    int max_depth; /* -1: none; 0: only the folder's own files */
    bool is_fail_fast;
    bool is_hidden_included;
    bool is_deferred; /* no vector is made; else, after the words, all that the library misses */
    const char *const *excludes; /* globs on the path below the folder, or on the name */
    size_t n_excludes;
    const struct cancel *cancel;
    /* From the calling thread, in the order of the scan; both may be NULL. */
    void (*on_file)(void *ctx, const struct engine_file_report *report);
    void (*on_progress)(void *ctx, const struct engine_progress *progress);
    void *ctx;
};
struct engine_add_result {
    size_t n[ENGINE_FILE_RESULT_COUNT]; /* by result */
    size_t n_chunks;                    /* written */
    size_t n_vectors_computed, n_vectors_reused;
    size_t n_vectors_filled;   /* computed for passages that were in the library without one */
    size_t n_vectors_deferred; /* passages left without one: of these documents with is_deferred,
                                  else of the whole library */
    int64_t elapsed_ms;
    struct error index_error;  /* OK, or why new segments could not be built: searches are slower */
    struct error vector_error; /* OK, or why passages were left without a vector */
};
/* Adds or updates, words first, vectors afterwards; what was committed stays when it is cancelled
 * or fails. An embedder that can't be asked costs the vectors only (vector_error). NOT_FOUND: a
 * path that is not there (checked before anything is done). *out is set also on CANCELLED. */
enum status engine_add(struct engine *engine, const struct engine_add_options *options,
                       struct engine_add_result *out, struct error *err) MUST_USE;

/* ---- search ---- */
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

/* ---- answer ---- */
enum engine_support { ENGINE_SUPPORT_YES, ENGINE_SUPPORT_NO };
struct engine_citation {
    size_t number; /* [n] in the answer: 1, 2, ... in the order in which they first appear */
    size_t i_hit;  /* in hits */
    size_t quote_start,
        quote_len;  /* the supporting span, in hits.hit[i_hit].text; checked to be there */
    double support; /* 0..1 */
};
struct engine_answer {
    char *text;                        /* the checked answer with [n] marks; owned */
    bool is_found;                     /* false: "not in your documents" */
    struct engine_citation *citations; /* in order of number */
    size_t n_citations;
    size_t n_unsupported;                    /* sentences marked as unsupported */
    size_t n_removed;                        /* citation numbers that named no passage */
    const char *generator, *model, *reasons; /* who answered, and why not the ones before */
    const char *label;  /* "Quoted from your documents (no language model configured)" or "" */
    const char *finish; /* "stop", "length", "error": it broke off and text is what there is */
    unsigned degraded;  /* bits of enum engine_degraded, those of its search too */
    size_t n_passages_given, n_passages_dropped; /* packed into the window */
    size_t n_tokens_prompt, n_tokens_answer;
    bool is_cached; /* given before, in the same state of the library */
    int64_t search_us, generate_us;
    struct engine_hits hits;
    struct arena arena;
};
struct engine_answer_options {
    struct engine_search_options search;
    size_t n_tokens_max; /* 0: 512 */
    double temperature;
    uint64_t seed;
    /* A model's pieces as they come, unchecked; the checked text follows in the answer. Quotes are
     * there at once and need no check. May be NULL. */
    void (*on_text)(void *ctx, const char *text, size_t len);
    /* Once, before the first piece: who answers. May be NULL. */
    void (*on_start)(void *ctx, const char *generator, const char *model, const char *reasons);
    void *ctx;
    const struct cancel *cancel;
};
struct engine_answer_options engine_answer_options_default(void);
/* Nothing relevant: is_found = false and no model is called. */
enum status engine_answer(struct engine *engine, const char *question,
                          const struct engine_answer_options *options, struct engine_answer *out,
                          struct error *err) MUST_USE;
void engine_answer_clear(struct engine_answer *answer);

/* What is known of the servers that were asked so far: their circuit breakers. */
void engine_each_peer(struct engine *engine, void (*each)(void *ctx, const struct net_peer *peer),
                      void *ctx);

/* The other parts of this door. */
#include "engine/engine_cache.h"
#include "engine/engine_eval.h"
#include "engine/engine_health.h"
#include "engine/engine_library.h"

#endif
