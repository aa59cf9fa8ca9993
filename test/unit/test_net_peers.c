/* What is kept of servers: as it begins, and when it is full. */
#include "../fault_peer.h"
#include "peers_fixture.h"

#include <string.h>

#include "base/fault.h"
#include "net/peers.h"

static struct error err;

/* Strings that name none, and more of them than there is room for. */
static void test_net_peers__what_is_forced_must_make_sense(void **state)
{
    (void)state;
    char text[PEERS_MAX + 2][16], force[(PEERS_MAX + 2) * 16] = "";
    const char *many[PEERS_MAX + 2] = {NULL};
    for (int i = 0; i <= PEERS_MAX; i++) {
        snprintf(text[i], sizeof text[i], "op.%d", i);
        snprintf(force + strlen(force), sizeof force - strlen(force), "op.%d=open,,", i);
        many[i] = text[i];
    }
    static const char *const two[] = {"test.call", "test.other", NULL};
    const struct {
        const char *force;
        const char *const *operations;
        enum status status;
        int n;
    } rows[] = {
        {NULL, NULL, STATUS_OK, 0},
        {" , ", two, STATUS_OK, 0},
        {"test.call=open test.call=closed", two, STATUS_OK, 1}, /* the first word holds */
        {"test.call=open", NULL, STATUS_INVALID, 0},
        {force, many, STATUS_LIMIT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_peers *peers = NULL;
        struct found found = {0};
        const struct net_peers_options options = {.force = rows[i].force,
                                                  .operations = rows[i].operations};
        assert_status(net_peers_new(&options, &peers, &err), rows[i].status);
        assert_true(rows[i].status ? !peers : peers != NULL);
        net_peers_each(peers, keep_peer, &found);
        assert_int_equal(found.n, rows[i].n);
        if (found.n)
            assert_true(found.peer.is_forced && strcmp(found.state, "open") == 0);
        net_peers_free(peers);
    }
}

static enum status take_failure(void *ctx, const struct net_response *response,
                                const struct buf *body, struct error *out_err)
{
    (void)ctx;
    (void)body;
    return error_set(out_err, STATUS_REMOTE, "HTTP %d", response->code);
}

/* How often `operation` asked a server that fails, when one call was made. */
static int count_asked(struct net_peers *peers, const char *operation)
{
    struct fault_peer server;
    char bytes[256];
    fault_peer_start(&server, "recv\ncount asked\nanswer 503 text/plain x");
    const struct net_call call = {
        .request = {.method = "GET",
                    .url = server.url,
                    .timeouts = {.connect_ms = 1000, .first_byte_ms = 1000, .total_ms = 5000}},
        .peers = peers,
        .operation = operation,
        .patience = NET_INTERACTIVE,
        .take = take_failure,
    };
    assert_status(net_call(&call, &err), STATUS_REMOTE);
    ssize_t n = process_read(&server.process, bytes, sizeof bytes, 200);
    fault_peer_stop(&server);
    return n > 0 ? (int)n / 6 : 0;
}

/* Servers fill the table up, each with an account of its own; those that come later have none, and
 * still what is forced holds for them. */
static void test_net_peers__what_is_forced_holds_when_there_is_no_room(void **state)
{
    (void)state;
    static const char *const operations[] = {"test.open", "test.closed", "test.free", NULL};
    const struct net_peers_options options = {.force = "test.open=open,test.closed=closed",
                                              .operations = operations};
    struct net_peers *peers = NULL;
    struct found found = {0};
    char origin[32];
    assert_ok(net_peers_new(&options, &peers, &err));
    for (int i = 0; i < PEERS_MAX; i++) {
        snprintf(origin, sizeof origin, "http://host-%d", i);
        peers_get(peers, origin, "test.free");
    }
    net_peers_each(peers, keep_peer, &found);
    assert_int_equal(found.n, PEERS_MAX); /* those that are forced among them */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(count_asked(peers, "test.open"), 0);
        assert_non_null(strstr(err.message, "forced open"));
        assert_int_equal(count_asked(peers, "test.closed"), 3);
    }
    assert_int_equal(count_asked(peers, "test.free"), 1);
    net_peers_free(peers);
}

#ifdef RAGGED_FAULT
static void test_net_peers__without_memory_there_are_none(void **state)
{
    (void)state;
    struct net_peers *peers = NULL;
    fault_plan("mem:1");
    enum status status = net_peers_new(&(struct net_peers_options){0}, &peers, &err);
    fault_plan(NULL);
    assert_status(status, STATUS_NOMEM);
    assert_null(peers);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_peers__what_is_forced_must_make_sense),
        cmocka_unit_test(test_net_peers__what_is_forced_holds_when_there_is_no_room),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_net_peers__without_memory_there_are_none),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
