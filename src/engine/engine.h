/* engine/engine.h - one data directory opened by one caller, with the models, servers and caches
 * that work on it.
 *
 * What can be done with it has doors of its own: ingest/, search/, answer/, library/, health/,
 * eval/. Threads: one thread at a time per engine (it starts threads of its own); any number of
 * engines and processes per data directory. None of them prints: progress and warnings go to
 * callbacks. */
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
    const char *command; /* what changes are said to be made by: a fixed word; NULL: "other" */
    const char *embedding_backend, *embedding_model, *embedding_url, *embedding_key;
    const char *embedding_precision; /* native: as embed.h; "auto": the library's, else best */
    const char *rerank_model;        /* a reranker of the model table; NULL: the first */
    const char *generator, *llm_model, *ollama_url, *openai_url, *openai_key, *gguf_path;
    const char *breaker_force; /* "ollama.chat=open": circuit breakers that stay so; NULL: none */
    const char *traceparent;   /* W3C Trace Context, sent to servers; NULL: none */
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

/* What is known of the servers that were asked so far: their circuit breakers. */
void engine_each_peer(struct engine *engine, void (*each)(void *ctx, const struct net_peer *peer),
                      void *ctx);

#endif
