#include "net/peers.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* A row without origin stands for an operation whose breakers are all forced. These rows come first
 * and none is ever taken out, so what is forced holds for servers that find no room as well. */
static struct peer *find(struct net_peers *peers, const char *origin, const char *operation)
{
    for (int i = 0; i < peers->n; i++)
        if (strcmp(peers->peer[i].operation, operation) == 0 &&
            strcmp(peers->peer[i].origin, origin) == 0)
            return &peers->peer[i];
    return NULL;
}

static struct peer *add(struct net_peers *peers, const char *origin, const char *operation,
                        enum breaker_force force)
{
    if (peers->n == PEERS_MAX)
        return NULL;
    struct peer *peer = &peers->peer[peers->n++];
    *peer = (struct peer){.breaker = {.force = force}, .budget = retry_budget_full()};
    snprintf(peer->origin, sizeof peer->origin, "%s", origin);
    snprintf(peer->operation, sizeof peer->operation, "%s", operation);
    return peer;
}

struct peer *peers_get(struct net_peers *peers, const char *origin, const char *operation)
{
    struct peer *peer = find(peers, origin, operation);
    if (peer)
        return peer;
    struct peer *forced = find(peers, "", operation);
    peer = add(peers, origin, operation, forced ? forced->breaker.force : BREAKER_FORCE_NONE);
    return peer ? peer : forced;
}

/* ---- what is forced ---- */

static bool is_known(const char *const *operations, const char *name)
{
    for (size_t i = 0; operations && operations[i]; i++)
        if (strcmp(operations[i], name) == 0)
            return true;
    return false;
}

static enum status force_one(struct net_peers *peers, const struct net_peers_options *options,
                             const char *word, size_t len, struct error *err)
{
    static const struct {
        const char *name;
        enum breaker_force force;
    } ways[] = {{"open", BREAKER_FORCE_OPEN}, {"closed", BREAKER_FORCE_CLOSED}};
    char text[2 * OPERATION_MAX];
    snprintf(text, sizeof text, "%.*s", (int)len, word);
    char *way = strchr(text, '=');
    if (way)
        *way++ = '\0';
    if (!way || len >= sizeof text || strlen(text) >= OPERATION_MAX ||
        !is_known(options->operations, text)) {
        enum status status =
            error_set(err, STATUS_INVALID, "\"%.*s\" names no circuit breaker", (int)len, word);
        error_hint(err, "write for example \"%s=open\"",
                   options->operations ? options->operations[0] : "");
        return status;
    }
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(way, ways[i].name) == 0)
            return find(peers, "", text) || add(peers, "", text, ways[i].force)
                       ? STATUS_OK
                       : error_set(err, STATUS_LIMIT, "too many circuit breakers");
    return error_set(err, STATUS_INVALID, "a circuit breaker is \"open\" or \"closed\", not \"%s\"",
                     way);
}

static enum status force_all(struct net_peers *peers, const struct net_peers_options *options,
                             struct error *err)
{
    enum status status = STATUS_OK;
    for (const char *at = options->force ? options->force : ""; *at && !status;) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ", ");
        if (len > 0)
            status = force_one(peers, options, at, len, err);
        at += len;
    }
    return status;
}

enum status net_peers_new(const struct net_peers_options *options, struct net_peers **out,
                          struct error *err)
{
    struct net_peers *peers = mem_zalloc(1, sizeof *peers);
    if (!peers)
        return error_nomem(err);
    pthread_mutex_init(&peers->mutex, NULL);
    peers->is_plain = options->is_plain;
    snprintf(peers->traceparent, sizeof peers->traceparent, "%s",
             options->traceparent ? options->traceparent : "");
    enum status status = force_all(peers, options, err);
    peers->n = options->is_plain ? 0 : peers->n;
    if (status)
        net_peers_free(peers);
    else
        *out = peers;
    return status;
}

void net_peers_free(struct net_peers *peers)
{
    if (!peers)
        return;
    pthread_mutex_destroy(&peers->mutex);
    mem_free(peers);
}

/* ---- what there is to tell ---- */

static struct net_peer describe(const struct peer *peer, int64_t now_ms)
{
    const struct breaker *breaker = &peer->breaker;
    enum breaker_state state = breaker->force == BREAKER_FORCE_OPEN     ? BREAKER_OPEN
                               : breaker->force == BREAKER_FORCE_CLOSED ? BREAKER_CLOSED
                                                                        : breaker->state;
    bool is_waiting = state == BREAKER_OPEN && breaker->open_end_ms > now_ms;
    return (struct net_peer){
        .operation = peer->operation,
        .origin = peer->origin,
        .state = breaker_state_name(state),
        .is_forced = breaker->force != BREAKER_FORCE_NONE,
        .n_failures = breaker_n_failures(breaker, now_ms),
        .n_opened = breaker->n_opened,
        .next_try_ms = is_waiting ? breaker->open_end_ms - now_ms : 0,
        .last_ok_ago_ms = breaker->last_ok_ms ? now_ms - breaker->last_ok_ms : -1,
    };
}

static bool is_stand_in(struct net_peers *peers, const struct peer *peer)
{
    for (int i = 0; i < peers->n; i++)
        if (!*peer->origin && *peers->peer[i].origin &&
            strcmp(peers->peer[i].operation, peer->operation) == 0)
            return true;
    return false;
}

void net_peers_each(struct net_peers *peers, void (*each)(void *ctx, const struct net_peer *peer),
                    void *ctx)
{
    for (int i = 0; peers; i++) {
        pthread_mutex_lock(&peers->mutex);
        bool is_there = i < peers->n, is_hidden = is_there && is_stand_in(peers, &peers->peer[i]);
        struct peer copy = is_there ? peers->peer[i] : (struct peer){0};
        pthread_mutex_unlock(&peers->mutex);
        if (!is_there)
            return;
        struct net_peer shown = describe(&copy, clock_monotonic_ms());
        if (!is_hidden)
            each(ctx, &shown);
    }
}
