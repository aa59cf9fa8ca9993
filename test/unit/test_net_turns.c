/* When the wrapper of requests waits for its turn, what it asks first, and what it says then. */
#include "net_call_fixture.h"

#include "base/trace_data.h"

/* Whoever has the time waits for the end of the pause, unless that is cancelled. */
static void test_net_turns__a_short_pause_is_waited_for(void **state)
{
    (void)state;
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        struct fault_peer peer;
        struct answer answer = {0};
        struct canceller canceller = {.after_ms = 100};
        struct net_peers *peers = new_peers(NULL);
        fault_peer_start(&peer, RETRY_AFTER("1"));
        struct net_call call = call_of(peer.url, peers, &answer);
        call.patience = NET_ONCE;
        assert_status(net_call(&call, &err), STATUS_THROTTLED);
        if (is_cancelled) {
            call.request.cancel = &canceller.cancel;
            canceller_start(&canceller);
        }
        int64_t start_ms = clock_monotonic_ms();
        assert_status(net_call(&call, &err), is_cancelled ? STATUS_CANCELLED : STATUS_OK);
        int64_t took_ms = clock_monotonic_ms() - start_ms;
        assert_in_range(took_ms, is_cancelled ? 80 : 700, is_cancelled ? 600 : 1600);
        assert_int_equal(count_asked(&peer), is_cancelled ? 1 : 2);
        if (is_cancelled)
            canceller_join(&canceller);
        buf_clear(&answer.text);
        net_peers_free(peers);
        fault_peer_stop(&peer);
    }
}

/* A server that is broken, and says until when, is not one that wants fewer requests. */
static void test_net_turns__a_failure_that_names_a_time_is_no_pause(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, ASKED "send HTTP/1.1 503 Broken\\r\\nRetry-After: 30\\r\\n"
                                  "Content-Length: 0\\r\\nConnection: close\\r\\n\\r\\n\n"
                                  "---\n" ASKED "answer 200 text/plain ok");
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_ONCE;
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    int64_t start_ms = clock_monotonic_ms();
    assert_ok(net_call(&call, &err));
    assert_true(clock_monotonic_ms() - start_ms < 500);
    assert_int_equal(count_asked(&peer), 2);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

/* The breaker as some other call left it: half-open, or open until now. */
static struct breaker *breaker_of(struct net_peers *peers, const struct fault_peer *peer)
{
    struct peer *found = peers_get(peers, peer->url, "test.call");
    assert_non_null(found);
    return &found->breaker;
}

/* What is said when only the cheap request was made, and that one failed. */
static void test_net_turns__a_probe_that_fails_speaks_for_the_call(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    char cheap[80];
    fault_peer_start(&peer, ASKED "if GET /cheap\nanswer 500 text/plain x\nelse\n"
                                  "answer 200 text/plain ok");
    snprintf(cheap, sizeof cheap, "%s/cheap", peer.url);
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_ONCE;
    call.probe_url = cheap;
    *breaker_of(peers, &peer) = (struct breaker){.state = BREAKER_HALF_OPEN, .open_ms = 5000};
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "answered HTTP 500"));
    assert_int_equal(count_asked(&peer), 1);
    assert_state(peers, "open");
    call.probe_url = NULL; /* nothing is cheaper than the call */
    *breaker_of(peers, &peer) = (struct breaker){.state = BREAKER_HALF_OPEN, .open_ms = 5000};
    assert_ok(net_call(&call, &err));
    assert_string_equal(buf_text(&answer.text), "ok");
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

/* The call itself has failed before: its sentence says more than that of a probe. */
static void test_net_turns__a_probe_that_fails_hides_no_reason(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    char cheap[80];
    fault_peer_start(&peer, "recv\nif GET /cheap\ncount probed\nanswer 500 text/plain x\nelse\n"
                            "answer 503 text/plain x");
    snprintf(cheap, sizeof cheap, "%s/cheap", peer.url);
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_BACKGROUND;
    call.probe_url = cheap;
    *breaker_of(peers, &peer) =
        (struct breaker){.state = BREAKER_HALF_OPEN, .n_good_in_row = 1, .open_ms = 50};
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_string_equal(err.message, "HTTP 503");
    assert_true(count_asked(&peer) > 0);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

/* Only of this machine a refusal says that nobody will be there for a while. */
static void test_net_turns__elsewhere_a_refusal_is_a_failure_like_others(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    char elsewhere[80];
    fault_peer_start(&peer, "recv");
    fault_peer_stop(&peer);
    snprintf(elsewhere, sizeof elsewhere, "http://0.0.0.0%s", strrchr(peer.url, ':'));
    struct net_call call = call_of(elsewhere, peers, &answer);
    call.patience = NET_ONCE;
    for (int i = 0; i < 5; i++) {
        if (i > 0)
            assert_state(peers, "closed");
        assert_status(net_call(&call, &err), STATUS_REMOTE);
        assert_non_null(strstr(err.message, "Connection refused"));
    }
    assert_state(peers, "open");
    buf_clear(&answer.text);
    net_peers_free(peers);
}

/* Each attempt is a span of its own. */
static void test_net_turns__attempts_are_traced(void **state)
{
    (void)state;
    static struct trace_tree tree;
    static struct trace_sum sums[TRACE_STAGE_COUNT];
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, "recv\nreset\n---\nrecv\nanswer 200 text/plain ok");
    const struct net_call call = call_of(peer.url, peers, &answer);
    assert_ok(trace_open(TRACE_SUMS, &err));
    enum status status = net_call(&call, &err);
    trace_tree_read(&tree);
    trace_sums_read(&tree, sums);
    trace_close();
    assert_status(status, STATUS_OK);
    assert_int_equal(sums[TRACE_STAGE_REQUEST].n_calls, 2);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_turns__a_short_pause_is_waited_for),
        cmocka_unit_test(test_net_turns__a_failure_that_names_a_time_is_no_pause),
        cmocka_unit_test(test_net_turns__a_probe_that_fails_speaks_for_the_call),
        cmocka_unit_test(test_net_turns__a_probe_that_fails_hides_no_reason),
        cmocka_unit_test(test_net_turns__elsewhere_a_refusal_is_a_failure_like_others),
        cmocka_unit_test(test_net_turns__attempts_are_traced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
