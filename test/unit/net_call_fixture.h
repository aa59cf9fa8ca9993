/* A call of net/, the account of its servers, and what a scripted server is asked. */
#ifndef RAGGED_TEST_UNIT_NET_CALL_FIXTURE_H
#define RAGGED_TEST_UNIT_NET_CALL_FIXTURE_H

#include "../canceller.h"
#include "../fault_peer.h"
#include "peers_fixture.h"

#include "base/clock.h"
#include "net/peers.h"

static struct error err;

/* What a caller keeps of an answer. */
struct answer {
    struct buf text;
    size_t n_lines, n_restarts;
    bool is_shown; /* once a line came, there is no way back */
};

static inline enum status take(void *ctx, const struct net_response *response,
                               const struct buf *body, struct error *out_err)
{
    static const struct {
        int code;
        enum status status;
    } rows[] = {
        {200, STATUS_OK}, {400, STATUS_REFUSED}, {404, STATUS_NOT_FOUND}, {429, STATUS_THROTTLED}};
    struct answer *answer = ctx;
    buf_append(&answer->text, body->data, body->len);
    if (response->code == 200 && body->len > 0 && body->data[0] == '<')
        return error_set(out_err, STATUS_MALFORMED, "a page");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == response->code)
            return error_set(out_err, rows[i].status, "HTTP %d", response->code);
    return error_set(out_err, STATUS_REMOTE, "HTTP %d", response->code);
}

static inline struct net_call call_of(const char *url, struct net_peers *peers,
                                      struct answer *answer)
{
    return (struct net_call){
        .request = {.method = "GET",
                    .url = url,
                    .timeouts = {.connect_ms = 300,
                                 .first_byte_ms = 300,
                                 .idle_ms = 300,
                                 .total_ms = 5000}},
        .peers = peers,
        .operation = "test.call",
        .patience = NET_INTERACTIVE,
        .take = take,
        .ctx = answer,
    };
}

static inline struct net_peers *new_peers(const char *force)
{
    static const char *const operations[] = {"test.call", "test.other", NULL};
    struct net_peers *peers = NULL;
    const struct net_peers_options options = {.force = force, .operations = operations};
    assert_ok(net_peers_new(&options, &peers, &err));
    return peers;
}

static inline void assert_state(struct net_peers *peers, const char *state)
{
    struct found found = {0};
    net_peers_each(peers, keep_peer, &found);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.state, state);
}

/* How often the peer said "asked" (its script says so once for each request). */
static inline int count_asked(struct fault_peer *peer)
{
    char bytes[4096];
    ssize_t n = process_read(&peer->process, bytes, sizeof bytes, 200);
    return n > 0 ? (int)n / 6 : 0;
}

#define ASKED "recv\ncount asked\n"

#define RETRY_AFTER(value)                                                           \
    ASKED "send HTTP/1.1 429 Slow\\r\\nRetry-After: " value "\\r\\nContent-Length: " \
          "0\\r\\nConnection: close\\r\\n\\r\\n\n---\n" ASKED "answer 200 text/plain ok"

#endif
