/* engine/peers.h - the servers that an engine talks to, as net/ keeps account of them. */
#ifndef RAGGED_ENGINE_PEERS_H
#define RAGGED_ENGINE_PEERS_H

#include "engine/engine.h"
#include "net/net.h"

/* Without retries and breakers where FEATURE_ADVANCED_ERROR_RECOVERY is off. INVALID:
 * options->breaker_force. */
enum status peers_open(const struct engine_options *options, struct net_peers **out,
                       struct error *err) MUST_USE;

#endif
