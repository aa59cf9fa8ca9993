#include "engine/peers.h"

#include "engine/engine_parts.h"

/* The operations that rooms below give names to. */
static const char *const operations[] = {
    "ollama.chat",   "ollama.embed", "ollama.models", "openai.chat", "openai.embed",
    "openai.models", NULL,
};

enum status peers_open(const struct engine_options *options, struct net_peers **out,
                       struct error *err)
{
    bool is_plain = !feature_is_on(&options->features, FEATURE_ADVANCED_ERROR_RECOVERY);
    const struct net_peers_options wanted = {.force = options->breaker_force,
                                             .operations = operations,
                                             .traceparent = options->traceparent,
                                             .is_plain = is_plain};
    enum status status = net_peers_new(&wanted, out, err);
    return status ? error_context(err, status, "breaker_force") : STATUS_OK;
}

void engine_each_peer(struct engine *engine, void (*each)(void *ctx, const struct net_peer *peer),
                      void *ctx)
{
    net_peers_each(engine->peers, each, ctx);
}
