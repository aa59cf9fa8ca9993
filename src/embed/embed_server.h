/* embed/embed_server.h - what the rows that ask an HTTP server share. */
#ifndef RAGGED_EMBED_EMBED_SERVER_H
#define RAGGED_EMBED_EMBED_SERVER_H

#include "base/json.h"

#include "embed/embedder_internal.h"
#include "net/net.h"

#define EMBED_SERVER_BATCH_MAX 32

/* The state of such a row; immutable after open. */
struct embed_server {
    char *url;     /* base URL, no slash at the end; owned, as the others */
    char *model;   /* the server's name for it */
    char *api_key; /* NULL: none */
    int timeout_ms;
    const struct cancel *cancel; /* of requests that come without one; borrowed */
    char origin[NET_ORIGIN_MAX]; /* of url, for messages */
};

/* INVALID: no model, or a bad URL. */
enum status embed_server_open(const struct embedder_options *options, const char *default_url,
                              struct embedder *embedder, struct error *err) MUST_USE;
void embed_server_close(struct embedder *embedder);

/* GET (body NULL) or POST of `path`; the JSON object of a 200 answer goes to *out (json_decref()
 * it). Busy servers are asked up to three times. NOT_FOUND: 404 about the model; LIMIT: a text is
 * longer than the model reads; REMOTE: anything else, with what the server said. */
enum status embed_server_ask(const struct embed_server *server, const char *path,
                             const json_t *body, const struct cancel *cancel, json_t **out,
                             struct error *err) MUST_USE;

/* {"model": ..., "input": [prefix + text, ...]}; NULL: out of memory. */
json_t *embed_server_request(const struct embed_server *server, enum embed_kind kind,
                             const struct embed_text *texts, size_t n_texts) MUST_USE;

/* Reads a JSON array of `dim` finite numbers, not all zero, and writes it with norm 1. */
enum status embed_server_read_vector(const struct embed_server *server, const json_t *array,
                                     size_t dim, float *out, struct error *err) MUST_USE;

/* Never less than what the usual tokenizers count, about twice that for English prose. A text that
 * is still too long is refused by the server, not cut. Additive over pieces split at white space.
 * Each punctuation mark, digit and line end costs 1; a run of ASCII letters one for each three, or
 * for each two when longer than any common word (base64, hex); other characters one for each byte,
 * what a byte-level tokenizer falls back to. */
size_t embed_server_count_tokens(const void *unused, const char *text, size_t len);

#endif
