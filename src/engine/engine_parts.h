/* engine/engine_parts.h - the parts of one opened engine, made when first needed: for the rooms
 * that work with them. */
#ifndef RAGGED_ENGINE_ENGINE_PARTS_H
#define RAGGED_ENGINE_ENGINE_PARTS_H

#include "cache/query_cache.h"
#include "embed/embed.h"
#include "engine/engine.h"
#include "generate/generate.h"
#include "governor/governor.h"
#include "index/snapshot.h"
#include "lexical/lexical.h"
#include "store/store.h"

/* Hashes; see engine/identity.h. */
struct identity {
    bool is_known;
    struct hash128 program;  /* with its settings, */
    struct hash128 embedder; /* and with the model that makes vectors, */
    struct hash128 all;      /* and with the one that reranks */
};

struct engine {
    struct arena arena; /* owns the strings of options */
    struct engine_options options;
    int64_t run; /* its number in the audit trail */
    struct store *reader;
    struct embedder *embedder;
    struct embedder_work *embed_work;
    struct analyzer *analyzer;
    struct snapshot_cache segments; /* of the reader */
    struct cross_encoder *reranker;
    struct governor *governor; /* from engine_open() on */
    struct net_peers *peers;   /* the same */
    struct query_cache *cache; /* NULL: nothing is kept */
    struct identity identity;
    bool has_embedder_failed; /* somewhere where words alone could decide */
};

/* Each is made once and borrowed until engine_close(). The reader: NOT_FOUND while there is no
 * library. */
enum status engine_get_reader(struct engine *engine, struct store **out,
                              struct error *err) MUST_USE;
enum status engine_get_embedder(struct engine *engine, struct embedder **out,
                                struct error *err) MUST_USE;
enum status engine_get_embed_work(struct engine *engine, struct embedder_work **out,
                                  struct error *err) MUST_USE;
enum status engine_get_analyzer(struct engine *engine, struct analyzer **out,
                                struct error *err) MUST_USE;

/* What is written through `store` is this engine's: for the audit trail. */
void engine_sign(const struct engine *engine, struct store *store);

/* The embedder that `options` name; and opened, for a caller of its own, which borrows `peers`. */
struct embedder_options engine_embedder_options(const struct engine_options *options);
enum status engine_open_embedder(const struct engine_options *options, struct net_peers *peers,
                                 struct embedder **out, struct error *err) MUST_USE;

/* The configured generator; strings are borrowed from the engine. */
struct generator_options engine_generator_options(const struct engine *engine);

/* After changes: tails become segments, segments become one, files of nobody go, and what can't be
 * read any more is made anew. */
enum status engine_keep_up(struct engine *engine, const struct cancel *cancel,
                           struct error *err) MUST_USE;

/* Words that an older version cut in the same language are cut anew, all of them. */
enum status engine_renew_words(struct engine *engine, struct store *store,
                               const struct cancel *cancel, struct error *err) MUST_USE;

/* The process counts together with the others of this library, once there is one. Where that can't
 * be done it counts for itself, which is as good for the work. */
void engine_share_counters(const struct engine *engine);

/* The clock, for how long a stage takes; 0 when stages are not timed. */
int64_t engine_stage_us(const struct engine *engine);

/* The vectors are computed here, not by a server. */
bool engine_is_native(const struct engine_options *options);

unsigned engine_n_threads(const struct engine *engine);

#endif
