/* net/transfer.h - one HTTP exchange: the loop that waits, watches the time-outs and the cancel
 * flag, and puts failures into words. net_fetch(), net_stream() and net_download() are three ways
 * to receive its body. */
#ifndef RAGGED_NET_TRANSFER_H
#define RAGGED_NET_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "net/net.h"

struct transfer_head {
    int code;         /* HTTP status of the last answer, after redirects */
    int64_t n_length; /* Content-Length; -1: unknown */
};

struct transfer_sink {
    /* A piece of the body, in order. Another status than STATUS_OK ends the transfer and is what
     * transfer_run() returns. */
    enum status (*on_body)(void *ctx, const struct transfer_head *head, const char *bytes,
                           size_t len, struct error *err);
    void *ctx;
};

/* OK: the answer ended as its framing promised, whatever its status. */
enum status transfer_run(const struct net_request *request, const struct transfer_sink *sink,
                         struct net_response *out, struct error *err) MUST_USE;

#endif
