/* embed/embed_server.h - what the rows that ask an HTTP server share. */
#ifndef RAGGED_EMBED_EMBED_SERVER_H
#define RAGGED_EMBED_EMBED_SERVER_H

#include "base/json.h"

#include "embed/embedder_internal.h"
#include "net/net.h"

#define EMBED_SERVER_BATCH_MAX 32

struct embed_vectors;

/* What tells one protocol from the other. */
struct embed_server_row {
    const char *default_url;
    const char *about_operation, *embed_operation; /* names of their circuit breakers */
    const char *probe_path;
    /* Words of a complaint that comes with status 400 and says that the server has failed. */
    const char *failure_words; /* NULL: none */
    /* Sends the texts and reads their vectors: embed_server_ask_vectors() with its path and form.
     */
    enum status (*ask_vectors)(struct embed_vectors *vectors, const struct cancel *cancel,
                               struct error *err);
};

/* The state of such a row; immutable after open. */
struct embed_server {
    const struct embed_server_row *row; /* static */
    char *url;                          /* base URL, no slash at the end; owned, as the others */
    char *model;                        /* the server's name for it */
    char *api_key;                      /* NULL: none */
    char *probe_url;                    /* something cheap to GET */
    enum net_patience open_patience;    /* while it is opened */
    struct net_timeouts timeouts;
    struct net_peers *peers;     /* borrowed; may be NULL */
    const struct cancel *cancel; /* of requests that come without one; borrowed */
    char origin[NET_ORIGIN_MAX]; /* of url, for messages */
};

/* INVALID: no model, or a bad URL. `row` is static. */
enum status embed_server_open(const struct embedder_options *options,
                              const struct embed_server_row *row, struct embedder *embedder,
                              struct error *err) MUST_USE;
void embed_server_close(struct embedder *embedder);

struct embed_question {
    const char *path;
    const char *operation;
    const json_t *body; /* borrowed; NULL: GET */
    enum net_patience patience;
    const struct cancel *cancel;
    /* Looks at the JSON object of a 200 answer before it is believed: MALFORMED is asked again.
     * NULL: any will do. */
    enum status (*check)(void *ctx, const json_t *answer, struct error *err);
    void *ctx;
};

/* The JSON object of a 200 answer goes to *out (json_decref() it). NOT_FOUND: 404 about the model;
 * LIMIT: a text is longer than the model reads; THROTTLED: 429; REFUSED: any other 4xx, 3xx, 501;
 * REMOTE: it failed; MALFORMED: nonsense. The sentence has what the server said. */
enum status embed_server_ask(const struct embed_server *server,
                             const struct embed_question *question, json_t **out,
                             struct error *err) MUST_USE;

/* One batch of texts and where its vectors go. */
struct embed_vectors {
    const struct embed_server *server;
    enum embed_kind kind;
    const struct embed_text *texts;
    size_t n_texts;
    enum net_patience patience;
    size_t dim; /* 0: whatever the server gives; then it is set */
    float *out; /* [n_texts][dim]; NULL: only the dimension is wanted */
};

/* Of every such row: .embed, and the dimension, asked for with a word. */
enum status embed_server_embed(const struct embedder *embedder, void *scratch, enum embed_kind kind,
                               const struct embed_text *texts, size_t n_texts,
                               const struct cancel *cancel, float *out, struct error *err) MUST_USE;
enum status embed_server_find_dim(struct embedder *embedder, struct error *err) MUST_USE;

/* {"model": ..., "input": [prefix + text, ...]}; NULL: out of memory. */
json_t *embed_server_request(const struct embed_vectors *vectors) MUST_USE;

/* POSTs `body`; `read` gets each answer and writes the vectors: what is MALFORMED in it is asked
 * again. */
enum status embed_server_ask_vectors(struct embed_vectors *vectors, const char *path,
                                     const json_t *body,
                                     enum status (*read)(void *vectors, const json_t *answer,
                                                         struct error *err),
                                     const struct cancel *cancel, struct error *err) MUST_USE;

enum status embed_server_check_count(const struct embed_vectors *vectors, size_t n,
                                     struct error *err) MUST_USE;

/* Reads a JSON array of `dim` finite numbers, not all zero, and writes it with norm 1 as vector i.
 */
enum status embed_server_read_vector(struct embed_vectors *vectors, size_t i, const json_t *array,
                                     struct error *err) MUST_USE;

/* Never less than what the usual tokenizers count, about twice that for English prose. A text that
 * is still too long is refused by the server, not cut. Additive over pieces split at white space.
 * Each punctuation mark, digit and line end costs 1; a run of ASCII letters one for each three, or
 * for each two when longer than any common word (base64, hex); other characters one for each byte,
 * what a byte-level tokenizer falls back to. */
size_t embed_server_count_tokens(const void *unused, const char *text, size_t len);

#endif
