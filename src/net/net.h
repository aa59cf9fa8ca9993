/* net/net.h - HTTP client over libcurl, which is loaded on first use (its start costs more than a
 * whole search). Knows nothing of RAG. Fault hooks "net.load", "net.connect", "net.read". */
#ifndef RAGGED_NET_NET_H
#define RAGGED_NET_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"

struct net_request {
    const char *method; /* "GET", "POST", "HEAD" */
    const char *url;    /* http or https only; redirects are followed only with follow_redirects */
    const char *body;   /* borrowed; NULL: none */
    size_t body_len;
    const char *content_type;  /* with a body; NULL: application/json */
    const char *bearer;        /* sent as Authorization: Bearer; never printed; may be NULL */
    int connect_timeout_ms;    /* 0: 1 s for loopback, 5 s else */
    int first_byte_timeout_ms; /* 0: 60 s */
    int idle_timeout_ms;       /* between bytes; 0: 30 s */
    int total_timeout_ms;      /* 0: 600 s */
    int follow_redirects;
    const struct cancel *cancel; /* may be NULL */
};

struct net_response {
    int code; /* HTTP status */
    char content_type[80];
};

/* The whole body (of any status) is appended to `body`, bounded by its limit (default
 * RAGGED_LIMIT_HTTP_BODY). REMOTE: no answer (the sentence says which step failed: could not
 * connect, timed out, TLS ...); LIMIT: more than fits; INVALID: not an http or https URL;
 * CANCELLED. An HTTP error status is not an error here. On failure `body` is as before. */
enum status net_fetch(const struct net_request *request, struct buf *body, struct net_response *out,
                      struct error *err) MUST_USE;

/* As net_fetch(), but a 2xx body goes to on_line() line by line as it arrives (without the line
 * end, at most RAGGED_LIMIT_HTTP_LINE); a status other than STATUS_OK from it ends the transfer and
 * is returned. Any other status: the body is in error_body. */
enum status
net_stream(const struct net_request *request,
           enum status (*on_line)(void *ctx, const char *line, size_t len, struct error *err),
           void *ctx, struct buf *error_body, struct net_response *out, struct error *err) MUST_USE;

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

#endif
