/* What is kept of servers, as it begins. */
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
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_net_peers__without_memory_there_are_none),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
