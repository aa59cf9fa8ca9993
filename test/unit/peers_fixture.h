/* What net_peers_each() told last, for the tests of net/. */
#ifndef RAGGED_TEST_UNIT_PEERS_FIXTURE_H
#define RAGGED_TEST_UNIT_PEERS_FIXTURE_H

#include "../testing.h"

#include "net/net.h"

struct found {
    char state[16];
    struct net_peer peer;
    int n;
};

static void keep_peer(void *ctx, const struct net_peer *peer)
{
    struct found *found = ctx;
    snprintf(found->state, sizeof found->state, "%s", peer->state);
    found->peer = *peer;
    found->n++;
}

#endif
