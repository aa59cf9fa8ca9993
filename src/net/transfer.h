/* net/transfer.h - one HTTP exchange: the loop that waits, watches the time-outs and the cancel
 * flag, and puts failures into words. net_fetch(), net_stream() and net_download() are three ways
 * to receive its body. */
#ifndef RAGGED_NET_TRANSFER_H
#define RAGGED_NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "net/net.h"

#define NET_TOTAL_MS 600000 /* net_timeouts.total_ms, when it is 0 */

struct transfer_head {
    int code;         /* HTTP status of the last answer, after redirects */
    int64_t n_length; /* Content-Length; -1: unknown */
};

/* What is known of an exchange whatever its end; filled on failure too. */
struct transfer_facts {
    bool is_refused;        /* nobody listens there */
    bool is_timeout;        /* one of the time limits passed */
    int64_t first_ms;       /* until the first progress; -1: there was none */
    int64_t retry_after_ms; /* what the server asked for; 0: nothing that makes sense */
};

struct transfer_sink {
    /* A piece of the body, in order. Another status than STATUS_OK ends the transfer and is what
     * transfer_run() returns. What comes is only progress, for the time limits, when it makes
     * n_progress larger; once it has set is_enough, the rest is not waited for. */
    enum status (*on_body)(void *ctx, const struct transfer_head *head, const char *bytes,
                           size_t len, struct error *err);
    void *ctx;
    size_t n_progress;
    bool is_enough;
};

/* OK: the answer ended as its framing promised, whatever its status. */
enum status transfer_run(const struct net_request *request, struct transfer_sink *sink,
                         struct net_response *out, struct transfer_facts *facts,
                         struct error *err) MUST_USE;

#endif
