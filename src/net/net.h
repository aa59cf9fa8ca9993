/* net/net.h - HTTP client over libcurl, which is loaded on first use (its start costs more than a
 * whole search). Knows nothing of RAG. Fault hooks "net.load", "net.connect", "net.read". */
#ifndef RAGGED_NET_NET_H
#define RAGGED_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"

/* 0 is the usual one. */
struct net_timeouts {
    int connect_ms;    /* 1 s for loopback, 5 s else */
    int first_byte_ms; /* until an answer begins; 60 s */
    int idle_ms;       /* without progress, once it has begun; 30 s */
    int total_ms;      /* of a whole call with all its attempts and pauses; 600 s */
};

struct net_request {
    const char *method; /* "GET", "POST", "HEAD" */
    const char *url;    /* http or https only; redirects are followed only with follow_redirects */
    const char *body;   /* borrowed; NULL: none */
    size_t body_len;
    const char *content_type; /* with a body; NULL: application/json */
    const char *bearer;       /* sent as Authorization: Bearer; never printed; may be NULL */
    const char *traceparent;  /* header of that name; NULL: none. net_call() fills in its peers' */
    struct net_timeouts timeouts;
    int follow_redirects;
    const struct cancel *cancel; /* may be NULL */
};

struct net_response {
    int code; /* HTTP status */
    char content_type[80];
};

/* How a streamed answer is taken. All are called by net_call(), on its thread. */
struct net_lines {
    /* A line as it arrives, without its end, at most RAGGED_LIMIT_HTTP_LINE; a status other than
     * STATUS_OK ends the attempt with it. */
    enum status (*on_line)(void *ctx, const char *line, size_t len, struct error *err);
    /* Grows with what counts as progress: a comment that keeps the connection alive does not. */
    size_t (*n_progress)(const void *ctx);
    /* Nothing more is wanted. */
    bool (*is_complete)(const void *ctx);
    /* Something was shown to somebody: there is no second attempt. */
    bool (*is_committed)(const void *ctx);
    /* Another attempt begins: what came so far is forgotten. */
    void (*restart)(void *ctx);
};

enum net_patience {
    NET_ONCE,  /* one attempt */
    NET_PROBE, /* is anybody there? That nobody answers is an answer, other failures are not */
    NET_INTERACTIVE, /* somebody waits: 3 attempts; a server that is left alone fails it at once */
    NET_BACKGROUND,  /* 5 attempts; waits for a server that is left alone, within its deadline */
};

/* What is known of the servers that a process talks to: a circuit breaker and a retry budget for
 * each (origin, operation). Any thread. Rules and numbers: docs/design/network.md. */
struct net_peers;

struct net_call {
    struct net_request request;
    struct net_peers *peers; /* NULL: one attempt and no breaker */
    const char *operation;   /* "ollama.chat" */
    enum net_patience patience;
    const char *probe_url; /* cheap to GET, tried first when the breaker is half-open; NULL */
    const struct net_lines *lines; /* for a 2xx body; NULL: the whole of it goes to take() */
    /* Says what an answer means, by its status: `body` is empty when its lines were taken. Its
     * class decides whether the call is made again. */
    enum status (*take)(void *ctx, const struct net_response *response, const struct buf *body,
                        struct error *err);
    void *ctx;
};

/* Every request is made by this, and nothing above or below it tries again. Returns what take() or
 * on_line() returned, or: REMOTE: no answer, or the breaker is open (the sentence says until when);
 * MALFORMED: not HTTP; THROTTLED; REFUSED: TLS; LIMIT: a body larger than RAGGED_LIMIT_HTTP_BODY;
 * INVALID: not an http or https URL; CANCELLED. */
enum status net_call(const struct net_call *call, struct error *err) MUST_USE;

struct net_peers_options {
    /* "ollama.chat=open,openai.embed=closed": breakers that stay so; NULL: none. */
    const char *force;
    const char *const *operations; /* that may be named there; NULL at the end */
    const char *traceparent;       /* W3C Trace Context, sent with each request; NULL: none */
    bool is_plain;                 /* one attempt, and no breaker */
};
/* INVALID: `force` is not such a list. */
enum status net_peers_new(const struct net_peers_options *options, struct net_peers **out,
                          struct error *err) MUST_USE;
void net_peers_free(struct net_peers *peers); /* NULL is fine; no call may be under way */

struct net_peer {
    const char *operation;
    const char *origin; /* "": forced, and no server called yet that has a row of its own */
    const char *state;  /* "closed", "open", "half_open" */
    bool is_forced;
    int n_failures;         /* within the last minute */
    uint64_t n_opened;      /* times it opened */
    int64_t next_try_ms;    /* open: from now; else 0 */
    int64_t last_ok_ago_ms; /* -1: never */
};
/* Strings are valid during the call only. `peers` may be NULL: none. */
void net_peers_each(struct net_peers *peers, void (*each)(void *ctx, const struct net_peer *peer),
                    void *ctx);

/* GETs into `path` (temporary file, SHA-256 check when sha256 is not NULL, fsync, rename). FORMAT:
 * wrong hash; NOT_FOUND: 404; REMOTE: any other answer but 200. Redirects are followed. progress()
 * may be NULL; its n_total is 0 when the server does not tell. */
enum status net_download(const char *url, const char *path, const char *sha256,
                         void (*progress)(void *ctx, uint64_t n_bytes, uint64_t n_total), void *ctx,
                         const struct cancel *cancel, struct error *err) MUST_USE;

/* A base URL from what people write: "127.0.0.1:11434", "http://host:1/", the bind address
 * "0.0.0.0" (then: this machine). Owned; no slash at the end. INVALID: not http or https. */
enum status net_base_url(const char *text, char **out, struct error *err) MUST_USE;

/* "http://host:port" for messages: no path, no user and password; cut when longer. INVALID: not an
 * http or https URL with a host, or it holds blanks or control characters. */
#define NET_ORIGIN_MAX 160
enum status net_origin(const char *url, char out[NET_ORIGIN_MAX], struct error *err) MUST_USE;

/* "http://host:port" of a base URL is loopback (127/8, ::1, localhost)? */
int net_is_loopback(const char *url);

/* What a status that is no success says of the request: THROTTLED (429), REFUSED for good (3xx,
 * 4xx, 501), REMOTE: the server has failed, or is not ready. */
enum status net_status_of_code(int code);

#endif
