/* net/peers.h - one server's operation as net_call() sees it. */
#ifndef RAGGED_NET_PEERS_H
#define RAGGED_NET_PEERS_H

#include <pthread.h>

#include "base/trace_context.h"
#include "net/breaker.h"
#include "net/net.h"
#include "net/retry.h"

enum { PEERS_MAX = 32, OPERATION_MAX = 32 };

struct peer {
    char origin[NET_ORIGIN_MAX];
    char operation[OPERATION_MAX];
    struct breaker breaker;
    struct retry_budget budget;
};

struct net_peers {
    pthread_mutex_t mutex; /* all below; never held while anything is waited for */
    struct peer peer[PEERS_MAX];
    int n;
    char traceparent[TRACE_PARENT_SIZE]; /* "": none; never changes, as is_plain */
    bool is_plain;
};

/* Made when first asked for; with the mutex held. When there are too many: the one that all servers
 * without room share, if the operation is forced, or else NULL. */
struct peer *peers_get(struct net_peers *peers, const char *origin, const char *operation);

#endif
