/* The wrapper that every request goes through, against a server that misbehaves as scripted. */
#include "net_call_fixture.h"

#include <pthread.h>

#include "base/fault.h"
#include "base/metric.h"

static enum status take_line(void *ctx, const char *line, size_t len, struct error *out_err)
{
    struct answer *answer = ctx;
    (void)out_err;
    answer->n_lines++;
    buf_append(&answer->text, line, len);
    return STATUS_OK;
}

static size_t count_lines(const void *ctx)
{
    return ((const struct answer *)ctx)->n_lines;
}

static bool is_complete(const void *ctx)
{
    return strcmp(buf_text(&((const struct answer *)ctx)->text), "done") == 0;
}

static bool is_committed(const void *ctx)
{
    const struct answer *answer = ctx;
    return answer->is_shown && answer->n_lines > 0;
}

static void restart(void *ctx)
{
    struct answer *answer = ctx;
    answer->n_restarts++;
    answer->n_lines = 0;
    buf_reset(&answer->text);
}

static const struct net_lines lines = {.on_line = take_line,
                                       .n_progress = count_lines,
                                       .is_complete = is_complete,
                                       .is_committed = is_committed,
                                       .restart = restart};

struct row {
    const char *name, *script;
    enum net_patience patience;
    bool is_stream;
    enum status status;
    int n_asked, n_least_ms, n_most_ms;
};

static const struct row rows[] = {
    {"at once", ASKED "answer 200 text/plain ok", NET_INTERACTIVE, false, STATUS_OK, 1, 0, 250},
    {"after one failure", ASKED "answer 500 text/plain x\n---\n" ASKED "answer 200 text/plain ok",
     NET_INTERACTIVE, false, STATUS_OK, 2, 0, 600},
    {"after a reset", ASKED "reset\n---\n" ASKED "answer 200 text/plain ok", NET_INTERACTIVE, false,
     STATUS_OK, 2, 0, 600},
    {"never", ASKED "answer 503 text/plain x", NET_INTERACTIVE, false, STATUS_REMOTE, 3, 0, 1200},
    {"never, nobody waits", ASKED "answer 503 text/plain x", NET_BACKGROUND, false, STATUS_REMOTE,
     5, 0, 5000},
    {"only once", ASKED "answer 503 text/plain x", NET_ONCE, false, STATUS_REMOTE, 1, 0, 250},
    {"a probe of what is there", ASKED "answer 503 text/plain x", NET_PROBE, false, STATUS_REMOTE,
     3, 0, 1200},
    {"refused for good", ASKED "answer 400 text/plain x", NET_BACKGROUND, false, STATUS_REFUSED, 1,
     0, 250},
    {"not there", ASKED "answer 404 text/plain x", NET_BACKGROUND, false, STATUS_NOT_FOUND, 1, 0,
     250},
    {"nonsense is asked for once more", ASKED "answer 200 text/html <p>", NET_BACKGROUND, false,
     STATUS_MALFORMED, 2, 0, 700},
    {"silence", ASKED "stall\n---\n" ASKED "answer 200 text/plain ok", NET_INTERACTIVE, false,
     STATUS_OK, 2, 300, 1000},
    {"seconds", RETRY_AFTER("1"), NET_INTERACTIVE, false, STATUS_OK, 2, 1000, 1500},
    {"a date long ago", RETRY_AFTER("Wed, 21 Oct 2015 07:28:00 GMT"), NET_INTERACTIVE, false,
     STATUS_OK, 2, 0, 1500},
    {"a date far away", RETRY_AFTER("Wed, 21 Oct 2099 07:28:00 GMT"), NET_INTERACTIVE, false,
     STATUS_THROTTLED, 1, 0, 250},
    {"more than the deadline", RETRY_AFTER("30"), NET_INTERACTIVE, false, STATUS_THROTTLED, 1, 0,
     250},
    {"more than a minute", RETRY_AFTER("3600"), NET_INTERACTIVE, false, STATUS_THROTTLED, 1, 0,
     250},
    {"a negative number", RETRY_AFTER("-5"), NET_INTERACTIVE, false, STATUS_OK, 2, 0, 1500},
    {"garbage", RETRY_AFTER("soon"), NET_INTERACTIVE, false, STATUS_OK, 2, 0, 1500},
    {"a huge number", RETRY_AFTER("99999999999999999999"), NET_INTERACTIVE, false, STATUS_OK, 2, 0,
     1500},
    {"a stream", ASKED "answer 200 text/plain a\\nb\\n", NET_INTERACTIVE, true, STATUS_OK, 1, 0,
     250},
    {"a stream that fails before it begins",
     ASKED "reset\n---\n" ASKED "answer 200 text/plain a\\nb\\n", NET_INTERACTIVE, true, STATUS_OK,
     2, 0, 600},
    {"a stream that has been seen", ASKED "send HTTP/1.1 200 OK\\r\\n\\r\\na\\n\nsleep 50\nreset",
     NET_INTERACTIVE, true, STATUS_REMOTE, 1, 0, 350},
    {"a stream that is complete before its end",
     ASKED "send HTTP/1.1 200 OK\\r\\n\\r\\ndone\\n\nstall", NET_INTERACTIVE, true, STATUS_OK, 1, 0,
     250},
};

static void run_row(const struct row *row)
{
    struct fault_peer peer;
    struct answer answer = {.is_shown = true};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, row->script);
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = row->patience;
    call.lines = row->is_stream ? &lines : NULL;
    int64_t start_ms = clock_monotonic_ms();
    enum status status = net_call(&call, &err);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    int n_asked = count_asked(&peer);
    if (status != row->status || n_asked != row->n_asked)
        fail_msg("%s: %s (%s), asked %d times", row->name, status_name(status), err.message,
                 n_asked);
    if (took_ms < row->n_least_ms || took_ms > row->n_most_ms + 500) /* a busy machine */
        fail_msg("%s: %lld ms", row->name, (long long)took_ms);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

static void test_net_call__table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        run_row(&rows[i]);
}

/* What was not shown yet is forgotten before the next attempt, or it would be there twice. */
static void test_net_call__a_second_attempt_begins_from_nothing(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, "recv\nsend HTTP/1.1 200 OK\\r\\n\\r\\na\\n\nsleep 50\nreset\n---\n"
                            "recv\nanswer 200 text/plain a\\nb\\n");
    struct net_call call = call_of(peer.url, peers, &answer);
    call.lines = &lines;
    assert_ok(net_call(&call, &err));
    assert_string_equal(buf_text(&answer.text), "ab");
    assert_int_equal(answer.n_restarts, 1);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

/* Without an account of the servers nothing is tried twice. */
static void test_net_call__without_peers_there_is_one_attempt(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    fault_peer_start(&peer, ASKED "answer 503 text/plain x");
    struct net_call call = call_of(peer.url, NULL, &answer);
    call.patience = NET_BACKGROUND;
    for (int i = 0; i < 7; i++)
        assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_int_equal(count_asked(&peer), 7);
    buf_clear(&answer.text);
    fault_peer_stop(&peer);
}

static void test_net_call__an_open_breaker_fails_at_once_and_says_until_when(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    uint64_t n_opened = metric_get(METRIC_BREAKER_OPENED),
             n_fast = metric_get(METRIC_BREAKER_FAST_FAILURES);
    fault_peer_start(&peer, "recv");
    fault_peer_stop(&peer); /* nobody listens there any more */
    struct net_call call = call_of(peer.url, peers, &answer);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "Connection refused"));
    assert_state(peers, "open");
    int64_t start_ms = clock_monotonic_ms();
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_true(clock_monotonic_ms() - start_ms <= 10);
    assert_non_null(strstr(err.message, "next try in "));
    assert_int_equal(metric_get(METRIC_BREAKER_OPENED), n_opened + 1);
    assert_int_equal(metric_get(METRIC_BREAKER_FAST_FAILURES), n_fast + 1 + 1);
    buf_clear(&answer.text);
    net_peers_free(peers);
}

/* A probe takes "nobody is there" for an answer, so that one without a server waits for nothing. */
static void test_net_call__a_probe_does_not_wait_for_nobody(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, "recv");
    fault_peer_stop(&peer);
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_PROBE;
    uint64_t n_retries = metric_get(METRIC_RETRIES);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_int_equal(metric_get(METRIC_RETRIES), n_retries);
    buf_clear(&answer.text);
    net_peers_free(peers);
}

/* Bulk work waits for the server to come back; before it is trusted with work, something cheap is
 * asked. */
static void test_net_call__bulk_work_waits_until_the_breaker_closes(void **state)
{
    (void)state;
    static const char script[] =
        "recv\nanswer 500 text/plain x\n---\nrecv\nanswer 500 text/plain x\n---\n"
        "recv\nanswer 500 text/plain x\n---\nrecv\nanswer 500 text/plain x\n---\n"
        "recv\nanswer 500 text/plain x\n---\n"
        "recv\nif GET /cheap\nanswer 404 text/plain alive\nelse\nanswer 500 text/plain x\n---\n"
        "recv\nanswer 200 text/plain ok";
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    char cheap[80];
    fault_peer_start(&peer, script);
    snprintf(cheap, sizeof cheap, "%s/cheap", peer.url);
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_BACKGROUND;
    call.probe_url = cheap;
    call.request.timeouts.total_ms = 20000;
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_state(peers, "open");
    int64_t start_ms = clock_monotonic_ms();
    assert_ok(net_call(&call, &err));
    assert_in_range(clock_monotonic_ms() - start_ms, 3000, 8000);
    assert_state(peers, "closed");
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

static void test_net_call__waiting_can_be_cancelled(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct canceller canceller = {.after_ms = 100};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, RETRY_AFTER("3"));
    struct net_call call = call_of(peer.url, peers, &answer);
    call.request.cancel = &canceller.cancel;
    canceller_start(&canceller);
    int64_t start_ms = clock_monotonic_ms();
    assert_status(net_call(&call, &err), STATUS_CANCELLED);
    assert_true(clock_monotonic_ms() - start_ms < 500);
    canceller_join(&canceller);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

static void test_net_call__the_deadline_holds_over_all_attempts(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, "recv\nstall");
    struct net_call call = call_of(peer.url, peers, &answer);
    call.patience = NET_BACKGROUND;
    call.request.timeouts.total_ms = 700;
    int64_t start_ms = clock_monotonic_ms();
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_in_range(clock_monotonic_ms() - start_ms, 300, 900);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

static void test_net_call__a_breaker_can_be_forced(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers("test.other=closed, test.call=open");
    struct found found = {0};
    net_peers_each(peers, keep_peer, &found);
    assert_int_equal(found.n, 2);
    fault_peer_start(&peer, ASKED "answer 503 text/plain x");
    struct net_call call = call_of(peer.url, peers, &answer);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "forced open"));
    call.operation = "test.other";
    for (int i = 0; i < 3; i++)
        assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_int_equal(count_asked(&peer), 9);
    found.n = 0;
    net_peers_each(peers, keep_peer, &found); /* now with their origin, and no more of them */
    assert_int_equal(found.n, 2);
    assert_true(found.peer.is_forced);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
    static const char *const wrong[] = {"test.call", "test.call=ajar", "test.cal=open", "=open",
                                        "a.very.long.name.that.no.operation.has.and.more=open"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        static const char *const operations[] = {"test.call", NULL};
        const struct net_peers_options options = {.force = wrong[i], .operations = operations};
        peers = NULL;
        assert_status(net_peers_new(&options, &peers, &err), STATUS_INVALID);
        assert_null(peers);
    }
}

/* What a process says of itself with each request; and without retries nothing is kept of servers.
 */
static void test_net_call__options_of_a_process(void **state)
{
    (void)state;
    static const char *const operations[] = {"test.call", NULL};
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (int is_plain = 0; is_plain < 2; is_plain++) {
        struct fault_peer peer;
        struct answer answer = {0};
        struct net_peers *peers = NULL;
        struct found found = {0};
        const struct net_peers_options options = {.operations = operations,
                                                  .force = is_plain ? "test.call=open" : NULL,
                                                  .traceparent = trace,
                                                  .is_plain = is_plain};
        assert_ok(net_peers_new(&options, &peers, &err));
        fault_peer_start(&peer,
                         "recv\ncount asked\nif traceparent: 00-0af7651916cd43dd8448eb211c80319c"
                         "-b7ad6b7169203331-01\nanswer 503 text/plain x\nelse\nanswer 400 "
                         "text/plain x");
        const struct net_call call = call_of(peer.url, peers, &answer);
        assert_status(net_call(&call, &err), STATUS_REMOTE);
        assert_int_equal(count_asked(&peer), is_plain ? 1 : 3);
        net_peers_each(peers, keep_peer, &found);
        assert_int_equal(found.n, !is_plain);
        buf_clear(&answer.text);
        net_peers_free(peers);
        fault_peer_stop(&peer);
    }
}

/* A server that wants patience gets it from the next call too, which asks nothing. */
static void test_net_call__a_pause_holds_for_the_next_call(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, RETRY_AFTER("30"));
    const struct net_call call = call_of(peer.url, peers, &answer);
    assert_status(net_call(&call, &err), STATUS_THROTTLED);
    assert_non_null(strstr(err.hint, "left alone for 30 s"));
    assert_status(net_call(&call, &err), STATUS_THROTTLED);
    assert_non_null(strstr(err.message, "wants fewer requests: next try in "));
    assert_int_equal(count_asked(&peer), 1);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

static void test_net_call__needs_an_address(void **state)
{
    (void)state;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    const struct net_call call = call_of("ftp://127.0.0.1/", peers, &answer);
    assert_status(net_call(&call, &err), STATUS_INVALID);
    net_peers_each(peers, keep_peer, &(struct found){0});
    net_peers_free(peers);
}

#ifdef RAGGED_FAULT
/* Dice that can't be rolled are no reason to ask nobody. */
static void test_net_call__goes_on_without_dice(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer, "recv\nreset\n---\nrecv\nanswer 200 text/plain ok");
    const struct net_call call = call_of(peer.url, peers, &answer);
    fault_plan("random:1+");
    enum status status = net_call(&call, &err);
    fault_plan(NULL);
    assert_status(status, STATUS_OK);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}
#endif

/* A server for whom there is no room any more is called as if there were no account. */
static void test_net_call__one_server_too_many_is_tried_once(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    char origin[32];
    for (int i = 0; i < PEERS_MAX; i++) {
        snprintf(origin, sizeof origin, "http://host-%d", i);
        assert_non_null(peers_get(peers, origin, "test.call"));
    }
    assert_non_null(peers_get(peers, "http://host-7", "test.call"));
    assert_null(peers_get(peers, "http://host-7", "test.other"));
    fault_peer_start(&peer, ASKED "answer 503 text/plain x");
    const struct net_call call = call_of(peer.url, peers, &answer);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_int_equal(count_asked(&peer), 1);
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

/* One failing operation says nothing about another of the same server. */
static void test_net_call__each_operation_has_a_breaker_of_its_own(void **state)
{
    (void)state;
    struct fault_peer peer;
    struct answer answer = {0};
    struct net_peers *peers = new_peers(NULL);
    fault_peer_start(&peer,
                     "recv\nif /bad\nanswer 500 text/plain x\nelse\nanswer 200 text/plain ok");
    char bad[80];
    snprintf(bad, sizeof bad, "%s/bad", peer.url);
    struct net_call call = call_of(bad, peers, &answer);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    assert_state(peers, "open");
    call.request.url = peer.url;
    call.operation = "test.other";
    assert_ok(net_call(&call, &err));
    buf_clear(&answer.text);
    net_peers_free(peers);
    fault_peer_stop(&peer);
}

struct crowd {
    struct net_peers *peers;
    const char *url;
};

static void *call_often(void *ctx)
{
    const struct crowd *crowd = ctx;
    for (int i = 0; i < 20; i++) {
        struct answer answer = {0};
        struct net_call call = call_of(crowd->url, crowd->peers, &answer);
        struct error own;
        call.request.timeouts.total_ms = 1000;
        if (net_call(&call, &own))
            assert_int_equal(own.status, STATUS_REMOTE);
        buf_clear(&answer.text);
    }
    return NULL;
}

static void test_net_call__many_threads_share_what_is_known(void **state)
{
    (void)state;
    struct fault_peer peer;
    pthread_t threads[6];
    fault_peer_start(&peer,
                     "recv\nanswer 200 text/plain ok\n---\nrecv\nanswer 500 text/plain x\n---\n"
                     "recv\nanswer 200 text/plain ok\n---\nrecv\nanswer 500 text/plain x");
    struct crowd crowd = {.peers = new_peers(NULL), .url = peer.url};
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &crowd), 0);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    assert_state(crowd.peers, "open");
    net_peers_free(crowd.peers);
    fault_peer_stop(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_call__table),
        cmocka_unit_test(test_net_call__a_second_attempt_begins_from_nothing),
        cmocka_unit_test(test_net_call__without_peers_there_is_one_attempt),
        cmocka_unit_test(test_net_call__an_open_breaker_fails_at_once_and_says_until_when),
        cmocka_unit_test(test_net_call__a_probe_does_not_wait_for_nobody),
        cmocka_unit_test(test_net_call__bulk_work_waits_until_the_breaker_closes),
        cmocka_unit_test(test_net_call__waiting_can_be_cancelled),
        cmocka_unit_test(test_net_call__the_deadline_holds_over_all_attempts),
        cmocka_unit_test(test_net_call__a_breaker_can_be_forced),
        cmocka_unit_test(test_net_call__options_of_a_process),
        cmocka_unit_test(test_net_call__a_pause_holds_for_the_next_call),
        cmocka_unit_test(test_net_call__needs_an_address),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_net_call__goes_on_without_dice),
#endif
        cmocka_unit_test(test_net_call__one_server_too_many_is_tried_once),
        cmocka_unit_test(test_net_call__each_operation_has_a_breaker_of_its_own),
        cmocka_unit_test(test_net_call__many_threads_share_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
