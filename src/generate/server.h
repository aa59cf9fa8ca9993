/* generate/server.h - what the two HTTP rows share: base URLs, JSON requests, streamed answers. */
#ifndef RAGGED_GENERATE_SERVER_H
#define RAGGED_GENERATE_SERVER_H

#include "generate/answer_stream.h"
#include "generate/generate.h"
#include "net/net.h"

/* What tells one protocol from the other. */
struct server_row {
    const char *about_operation, *chat_operation; /* names of their circuit breakers */
    const char *probe_path;                       /* cheap to GET */
    enum status (*on_line)(struct answer_stream *answer, const char *line, size_t len,
                           struct error *err);
};

struct server {
    const struct server_row *row; /* static */
    char *url;                    /* owned: "http://127.0.0.1:11434/v1", no slash at the end */
    char origin[NET_ORIGIN_MAX];  /* for messages: without the password that `url` may carry */
    char *probe_url;              /* owned */
    char *bearer;                 /* owned; NULL: none */
    struct net_timeouts timeouts;
    struct net_peers *peers;    /* borrowed; may be NULL */
    enum net_patience patience; /* of questions about the server */
};

/* `url`: as net_base_url() takes it; INVALID when it is none. `options`: whose timeouts and peers
 * are used; for "auto" a server that is not there is passed over at once. After a failure,
 * server_close(). */
enum status server_open(struct server *server, const struct server_row *row, const char *url,
                        const char *bearer, const struct generator_options *options,
                        struct error *err) MUST_USE;
void server_close(struct server *server); /* zeroed is fine */

/* GET (body NULL) or POST of `path`; a 2xx JSON answer goes to *out (json_decref() it). `err` names
 * the server. Short time limits: these are questions about the server, not answers of a model. */
enum status server_ask(const struct server *server, const char *path, const json_t *body,
                       json_t **out, struct error *err) MUST_USE;

/* As server_ask(), once: the answer is welcome and not needed. */
enum status server_ask_once(const struct server *server, const char *path,
                            const struct cancel *cancel, json_t **out, struct error *err) MUST_USE;

enum server_state {
    SERVER_STATE_WARM,
    SERVER_STATE_LOADING
}; /* may the model have to be loaded? */

/* POSTs `body` and feeds each line of the answer to the row's on_line(). REMOTE too when its end
 * mark is missing. */
enum status server_stream(const struct server *server, const char *path, const json_t *body,
                          const struct generate_request *request, enum server_state state,
                          struct answer_stream *answer, struct error *err) MUST_USE;

/* [{"role": "system", ...}, {"role": "user", ...}]; NULL: out of memory. */
json_t *server_messages(const struct generate_request *request);

#endif
