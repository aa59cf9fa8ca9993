/* net/http.h - one request, one answer, no second thought: what net_call() makes its attempts with.
 */
#ifndef RAGGED_NET_HTTP_H
#define RAGGED_NET_HTTP_H

#include "net/transfer.h"

/* The whole body (of any status) is appended to `body`, bounded by its limit (default
 * RAGGED_LIMIT_HTTP_BODY). An HTTP error status is not an error here. REMOTE, MALFORMED, REFUSED:
 * no answer, and the sentence says which step failed; LIMIT: more than fits; INVALID: not an http
 * or https URL; CANCELLED. On failure `body` is as before. */
enum status http_fetch(const struct net_request *request, struct buf *body,
                       struct net_response *out, struct transfer_facts *facts,
                       struct error *err) MUST_USE;

/* As http_fetch(), but a 2xx body goes to `lines` as it arrives; any other is in error_body.
 * MALFORMED: a line longer than RAGGED_LIMIT_HTTP_LINE. */
enum status http_stream(const struct net_request *request, const struct net_lines *lines, void *ctx,
                        struct buf *error_body, struct net_response *out,
                        struct transfer_facts *facts, struct error *err) MUST_USE;

#endif
