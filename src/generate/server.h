/* generate/server.h - what the two HTTP rows share: base URLs, JSON requests, streamed answers. */
#ifndef RAGGED_GENERATE_SERVER_H
#define RAGGED_GENERATE_SERVER_H

#include "generate/answer_stream.h"
#include "generate/generate.h"
#include "net/net.h"

struct server {
    char *url;                   /* owned: "http://127.0.0.1:11434/v1", no slash at the end */
    char origin[NET_ORIGIN_MAX]; /* for messages: without the password that `url` may carry */
    char *bearer;                /* owned; NULL: none */
};

/* `url`: as net_base_url() takes it; INVALID when it is none. After a failure, server_close(). */
enum status server_open(struct server *server, const char *url, const char *bearer,
                        struct error *err) MUST_USE;
void server_close(struct server *server); /* zeroed is fine */

/* GET (body NULL) or POST of `path`; a 2xx JSON answer goes to *out (json_decref() it). `err` names
 * the server. Short time limits: these are questions about the server, not answers of a model. */
enum status server_ask(const struct server *server, const char *path, const json_t *body,
                       json_t **out, struct error *err) MUST_USE;

/* POSTs `body` and feeds each line of the answer to on_line(answer, ...). */
typedef enum status (*server_line_fn)(struct answer_stream *answer, const char *line, size_t len,
                                      struct error *err);
enum status server_stream(const struct server *server, const char *path, const json_t *body,
                          const struct generate_request *request, server_line_fn on_line,
                          struct answer_stream *answer, struct error *err) MUST_USE;

/* [{"role": "system", ...}, {"role": "user", ...}]; NULL: out of memory. */
json_t *server_messages(const struct generate_request *request);

#endif
