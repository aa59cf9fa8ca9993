/* engine/engine_embed.h - the half of the engine's door that needs no library: texts to vectors,
 * and the models that make them. Include engine.h. */
#ifndef RAGGED_ENGINE_ENGINE_EMBED_H
#define RAGGED_ENGINE_ENGINE_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

struct engine;
struct engine_options;

/* ---- embed: texts to unit vectors as they come; needs no library ---- */
struct engine_embedder; /* immutable after open; any thread */
/* Of `options` only what names the embedder and the threads is looked at. */
enum status engine_embedder_open(const struct engine_options *options, struct engine_embedder **out,
                                 struct error *err) MUST_USE;
void engine_embedder_close(struct engine_embedder *embedder); /* NULL is fine */

struct engine_embedder_info {
    const char *fingerprint; /* vectors mix only if equal; borrowed from the embedder */
    const char *kernel;      /* what the native encoder computes with; "": a server computes */
    size_t dim, n_tokens_max;
    size_t n_batch_tokens, bytes_a_thread; /* a micro-batch, and its scratch; 0: a server */
    double tokens_per_second;              /* of one thread's processor time; 0: not measured yet */
    char since[32];                        /* when it was measured, UTC; "": not yet */
    unsigned n_threads;
};
struct engine_embedder_info engine_embedder_info(const struct engine_embedder *embedder);
/* Of the engine's own, which is opened for it. NOT_FOUND: its model is not there. */
enum status engine_get_embedder_info(struct engine *engine, struct engine_embedder_info *out,
                                     struct error *err) MUST_USE;

struct engine_text {
    const char *text; /* any bytes; borrowed until the next call of next() */
    size_t len;
    bool is_cut; /* its end is missing already */
};
enum engine_next { ENGINE_NEXT_TEXT, ENGINE_NEXT_NOTHING_YET, ENGINE_NEXT_END };
struct engine_vector {
    const float *values;    /* [dim]; NULL: there is no token in the text. Borrowed in the call */
    size_t index, n_tokens; /* tokens that were read; of a server's model an estimate */
    bool is_cut;            /* the text is longer than what was read */
    bool is_repaired;       /* bytes that are not UTF-8 were read as U+FFFD */
};
enum engine_text_kind { ENGINE_TEXT_PASSAGE, ENGINE_TEXT_QUERY };
struct engine_embed_options {
    enum engine_text_kind kind;
    unsigned n_threads; /* 0: those of the embedder */
    /* Both from the calling thread; a failure of theirs ends the stream. next(): waits up to
     * timeout_ms for a text; NOTHING_YET sends what there is on its way. each(): in order. */
    enum status (*next)(void *ctx, int timeout_ms, struct engine_text *out,
                        enum engine_next *out_next, struct error *err);
    enum status (*each)(void *ctx, const struct engine_vector *vector, struct error *err);
    void *ctx;
    const struct cancel *cancel;
};
/* Memory does not grow with the texts. A vector depends on no neighbour and no thread. */
enum status engine_embed(const struct engine_embedder *embedder,
                         const struct engine_embed_options *options, struct error *err) MUST_USE;

/* ---- models ---- */
struct engine_model {
    const char *name, *hub, *licence, *folder;
    bool is_present;             /* all files there (sizes; hashes only by verify) */
    bool is_pinned, is_reranker; /* all hashes are known; it scores passages, without vectors */
    size_t dim, n_tokens_max;    /* of a vector, 0: none; what it reads at a time */
    uint64_t size_bytes;         /* of its files; 0: not known */
};
enum engine_trust { ENGINE_TRUST_PINNED, ENGINE_TRUST_HUB }; /* HUB: files of no known hash too */
enum status engine_model_list(void (*each)(void *ctx, const struct engine_model *model), void *ctx,
                              struct error *err) MUST_USE;
enum status engine_model_verify(const char *name, struct error *err) MUST_USE;
enum status engine_model_pull(const char *name, enum engine_trust trust,
                              void (*say)(void *ctx, const char *line), void *ctx,
                              const struct cancel *cancel, struct error *err) MUST_USE;

#endif
