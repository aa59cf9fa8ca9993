/* search/rerank.h - the best hits are read again, each together with the question, by a
 * cross-encoder, until a deadline. Private to search/. */
#ifndef RAGGED_SEARCH_RERANK_H
#define RAGGED_SEARCH_RERANK_H

#include "engine/engine_parts.h"
#include "nn/nn.h"
#include "search/search.h"

struct rerank_request {
    const struct cross_encoder *encoder;
    const char *query;
    size_t n_candidates;          /* so many of the first hits are read */
    size_t n_top;                 /* results that will be shown */
    int64_t deadline_us;          /* on the clock; 0: none */
    int64_t (*now_us)(void *ctx); /* NULL: clock_monotonic_us(); from several threads */
    void *ctx;
    unsigned n_threads;
    const struct cancel *cancel;
};
struct rerank_outcome {
    size_t n_wanted, n_read; /* candidates, and how many of them were read in time */
    bool is_reordered;
};

/* Reads hits[0 .. n_candidates) best first; none is begun when the longest one before it would not
 * end in time, so the deadline is overstepped by one passage at most. When all were read that will
 * be shown (the smaller of n_top and n_candidates), those read come first, by the logistic function
 * of the model's score (0..1), and the others behind in their order: fused_score times the lowest
 * score before them. Else nothing changes: half a ranking by one measure and half by another is
 * worse than either. No hit is lost. CANCELLED; on failure hits are as they were. */
enum status rerank_hits(const struct rerank_request *request, struct engine_hit *hits,
                        size_t n_hits, struct rerank_outcome *out, struct error *err) MUST_USE;

/* --- the step of a search (rerank_step.c) --- */

/* How many hits a search has to fetch, and the lowest fused score it may drop them by. */
size_t rerank_depth(const struct engine_search_options *options);
double rerank_min_score(const struct engine_search_options *options);

/* Behind the fetch of rerank_depth() hits without neighbours: opens the model when it is first
 * wanted, reranks, drops what is below the options' min_score and beyond their n. Nothing when
 * reranking is off. The deadline counts from start_us (clock_monotonic_us()). A missing or damaged
 * model is a warning, or that status when reranking is required; INVALID: an unknown model. */
enum status rerank_step(struct engine *engine, const char *query,
                        const struct engine_search_options *options, int64_t start_us,
                        struct engine_hits *hits, struct error *err) MUST_USE;

#endif
