#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/metric.h"
#include "base/trace.h"
#include "net/http.h"
#include "net/peers.h"

#define SLOW_FIRST_MS 60000 /* a beginning that took longer is half a failure */
#define PROBE_TOTAL_MS 5000
#define TICK_MS 20

/* One call with its attempts. */
struct calling {
    const struct net_call *call;
    char origin[NET_ORIGIN_MAX];
    struct peer *peer; /* borrowed from call->peers, by their mutex */
    struct retry retry;
    struct error why; /* of the last attempt */
};

static uint64_t roll(void)
{
    uint64_t random;
    if (random_bytes(&random, sizeof random, NULL))
        random = (uint64_t)clock_monotonic_us();
    return random;
}

/* ---- one attempt ---- */

static enum metric metric_of(enum status status)
{
    static const enum metric metrics[ERROR_CLASS_COUNT] = {
        [ERROR_CLASS_NONE] = METRIC_REQUESTS_OK,
        [ERROR_CLASS_TRANSIENT] = METRIC_REQUESTS_FAILED,
        [ERROR_CLASS_THROTTLED] = METRIC_REQUESTS_THROTTLED,
        [ERROR_CLASS_PERMANENT] = METRIC_REQUESTS_REFUSED,
        [ERROR_CLASS_INPUT] = METRIC_REQUESTS_REFUSED,
        [ERROR_CLASS_RESOURCE] = METRIC_REQUESTS_FAILED,
        [ERROR_CLASS_CORRUPT] = METRIC_REQUESTS_FAILED,
        [ERROR_CLASS_CANCELLED] = METRIC_REQUESTS_CANCELLED,
        [ERROR_CLASS_BUG] = METRIC_REQUESTS_FAILED,
    };
    return metrics[status_class(status)];
}

static enum status attempt(const struct net_call *call, const struct net_request *request,
                           struct transfer_facts *facts, struct error *err)
{
    TRACE(TRACE_STAGE_REQUEST);
    struct buf body = {0};
    struct net_response response;
    struct net_request sent = *request;
    if (call->peers && *call->peers->traceparent)
        sent.traceparent = call->peers->traceparent;
    enum status status =
        call->lines ? http_stream(&sent, call->lines, call->ctx, &body, &response, facts, err)
                    : http_fetch(&sent, &body, &response, facts, err);
    if (!status)
        status = call->take(call->ctx, &response, &body, err);
    if (status)
        error_hide(err, request->bearer);
    buf_clear(&body);
    metric_add(metric_of(status), 1);
    return status;
}

/* ---- what it means for the machines ---- */

static enum breaker_outcome breaker_outcome_of(const struct calling *c, enum status status,
                                               const struct transfer_facts *facts)
{
    if (status == STATUS_OK)
        return facts->first_ms > SLOW_FIRST_MS ? BREAKER_OUTCOME_SLOW : BREAKER_OUTCOME_OK;
    if (status_class(status) != ERROR_CLASS_TRANSIENT)
        return BREAKER_OUTCOME_NEUTRAL;
    return facts->is_refused && net_is_loopback(c->origin) ? BREAKER_OUTCOME_REFUSED
                                                           : BREAKER_OUTCOME_FAILURE;
}

static enum retry_outcome retry_outcome_of(const struct calling *c, enum status status,
                                           const struct transfer_facts *facts)
{
    static const enum retry_outcome outcomes[ERROR_CLASS_COUNT] = {
        [ERROR_CLASS_NONE] = RETRY_OUTCOME_OK,
        [ERROR_CLASS_TRANSIENT] = RETRY_OUTCOME_TRANSIENT,
        [ERROR_CLASS_THROTTLED] = RETRY_OUTCOME_THROTTLED,
        [ERROR_CLASS_PERMANENT] = RETRY_OUTCOME_FINAL,
        [ERROR_CLASS_INPUT] = RETRY_OUTCOME_FINAL,
        [ERROR_CLASS_RESOURCE] = RETRY_OUTCOME_FINAL,
        [ERROR_CLASS_CORRUPT] = RETRY_OUTCOME_FINAL,
        [ERROR_CLASS_CANCELLED] = RETRY_OUTCOME_FINAL,
        [ERROR_CLASS_BUG] = RETRY_OUTCOME_FINAL,
    };
    if (status == STATUS_MALFORMED)
        return RETRY_OUTCOME_MALFORMED;
    if ((facts->is_refused || facts->is_timeout) && c->call->patience == NET_PROBE)
        return RETRY_OUTCOME_FINAL;
    enum retry_outcome outcome = outcomes[status_class(status)];
    return outcome == RETRY_OUTCOME_TRANSIENT && facts->is_timeout ? RETRY_OUTCOME_TIMEOUT
                                                                   : outcome;
}

/* ---- waiting ---- */

static enum status sleep_for(const struct calling *c, int64_t wait_ms, struct error *err)
{
    const struct cancel *cancel = c->call->request.cancel;
    for (int64_t end_ms = clock_monotonic_ms() + wait_ms;;) {
        if (is_cancelled(cancel))
            return error_set(err, STATUS_CANCELLED, "the request to %s was cancelled", c->origin);
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return STATUS_OK;
        clock_sleep_ms(left_ms < TICK_MS ? left_ms : TICK_MS);
    }
}

static int64_t seconds_of(int64_t ms)
{
    return (ms + 999) / 1000;
}

static enum status say_left_alone(const struct calling *c, const struct breaker_ticket *ticket,
                                  struct error *err)
{
    const char *operation = c->call->operation;
    metric_add(METRIC_BREAKER_FAST_FAILURES, 1);
    if (ticket->is_pause)
        return error_set(err, STATUS_THROTTLED, "%s wants fewer requests: next try in %lld s",
                         c->origin, (long long)seconds_of(ticket->wait_ms));
    if (ticket->wait_ms == 0) {
        error_set(err, STATUS_REMOTE, "%s is not asked: the circuit breaker \"%s\" is forced open",
                  c->origin, operation);
        error_hint(err, "the setting breaker_force says so");
        return STATUS_REMOTE;
    }
    return error_set(err, STATUS_REMOTE,
                     "%s has failed too often and is left alone (\"%s\"): next try in %lld s",
                     c->origin, operation, (long long)seconds_of(ticket->wait_ms));
}

/* OK: `ticket` is allowed. Whoever was asked for patience waits; behind an open breaker only those
 * for whom nobody waits. */
static enum status wait_for_turn(struct calling *c, struct breaker_ticket *ticket,
                                 struct error *err)
{
    struct net_peers *peers = c->call->peers;
    for (;;) {
        int64_t now_ms = clock_monotonic_ms(), left_ms = c->retry.deadline_ms - now_ms;
        uint64_t random = roll();
        pthread_mutex_lock(&peers->mutex);
        uint64_t n_opened = c->peer->breaker.n_opened;
        *ticket = breaker_ask(&c->peer->breaker, left_ms, now_ms, random);
        bool has_opened = c->peer->breaker.n_opened != n_opened;
        pthread_mutex_unlock(&peers->mutex);
        metric_add(METRIC_BREAKER_OPENED, has_opened);
        if (ticket->is_allowed)
            return STATUS_OK;
        bool may_wait = ticket->wait_ms > 0 && ticket->wait_ms < left_ms &&
                        (ticket->is_pause || c->call->patience == NET_BACKGROUND);
        if (!may_wait)
            return say_left_alone(c, ticket, err);
        enum status status = sleep_for(c, ticket->wait_ms, err);
        if (status)
            return status;
    }
}

/* ---- all attempts ---- */

static void tell_breaker(struct calling *c, const struct breaker_ticket *ticket, enum status status,
                         const struct transfer_facts *facts)
{
    struct net_peers *peers = c->call->peers;
    enum breaker_outcome outcome = breaker_outcome_of(c, status, facts);
    int64_t now_ms = clock_monotonic_ms();
    uint64_t random = roll();
    pthread_mutex_lock(&peers->mutex);
    struct breaker *breaker = &c->peer->breaker;
    uint64_t n_opened = breaker->n_opened;
    breaker_tell(breaker, ticket, outcome, now_ms, random);
    if (facts->retry_after_ms > 0 && facts->retry_after_ms <= RETRY_AFTER_MAX_MS &&
        status_class(status) == ERROR_CLASS_THROTTLED)
        breaker_pause(breaker, facts->retry_after_ms, now_ms);
    bool has_opened = breaker->n_opened != n_opened;
    pthread_mutex_unlock(&peers->mutex);
    metric_add(METRIC_BREAKER_OPENED, has_opened);
}

static enum status take_any(void *ctx, const struct net_response *response, const struct buf *body,
                            struct error *err)
{
    (void)body;
    const struct calling *c = ctx;
    if (response->code < 500)
        return STATUS_OK; /* it answers: that is all there is to know */
    return error_set(err, STATUS_REMOTE, "%s answered HTTP %d", c->origin, response->code);
}

/* Something small before something that takes a server minutes. */
static enum status probe(struct calling *c, struct transfer_facts *facts)
{
    const struct net_call cheap = {.peers = c->call->peers, .take = take_any, .ctx = c};
    const struct net_request *wanted = &c->call->request;
    const struct net_request request = {
        .method = "GET",
        .url = c->call->probe_url,
        .bearer = wanted->bearer,
        .timeouts = {.connect_ms = wanted->timeouts.connect_ms,
                     .first_byte_ms = PROBE_TOTAL_MS,
                     .total_ms = PROBE_TOTAL_MS},
        .cancel = wanted->cancel,
    };
    struct error why = {0};
    enum status status = attempt(&cheap, &request, facts, &why);
    if (status && !*c->why.message) /* the sentence of a real attempt says more */
        c->why = why;
    return status;
}

static bool is_cheap_probe(const struct calling *c, const struct breaker_ticket *ticket)
{
    return ticket->is_first_probe && c->call->probe_url;
}

static enum status turn(struct calling *c, const struct breaker_ticket *ticket,
                        struct transfer_facts *facts)
{
    if (is_cheap_probe(c, ticket))
        return probe(c, facts);
    struct net_request request = c->call->request;
    int64_t left_ms = c->retry.deadline_ms - clock_monotonic_ms();
    request.timeouts.total_ms = left_ms > 1 ? (int)left_ms : 1;
    return attempt(c->call, &request, facts, &c->why);
}

static struct retry_decision decide(struct calling *c, enum status status,
                                    const struct transfer_facts *facts)
{
    struct net_peers *peers = c->call->peers;
    const struct net_lines *lines = c->call->lines;
    const struct retry_event event = {
        .outcome = retry_outcome_of(c, status, facts),
        .retry_after_ms = facts->retry_after_ms,
        .is_committed = lines && lines->is_committed(c->call->ctx),
    };
    int64_t now_ms = clock_monotonic_ms();
    uint64_t random = roll();
    pthread_mutex_lock(&peers->mutex);
    struct retry_decision decision =
        retry_step(&c->retry, &c->peer->budget, &event, now_ms, random);
    pthread_mutex_unlock(&peers->mutex);
    return decision;
}

/* What was asked for belongs into the sentence when it was more than could be given. */
static void say_patience(struct calling *c, const struct retry_decision *decision,
                         const struct transfer_facts *facts)
{
    bool was_too_long = decision->verdict == RETRY_TOLD_LONG || decision->verdict == RETRY_DEADLINE;
    if (was_too_long && facts->retry_after_ms > 0)
        error_hint(&c->why, "it asks to be left alone for %lld s",
                   (long long)seconds_of(facts->retry_after_ms));
}

static void begin_again(const struct calling *c)
{
    metric_add(METRIC_RETRIES, 1);
    if (c->call->lines)
        c->call->lines->restart(c->call->ctx);
}

static enum status make_attempts(struct calling *c)
{
    enum status status = STATUS_OK; /* of the last attempt; OK before the first */
    for (;;) {
        struct breaker_ticket ticket;
        struct transfer_facts facts = {.first_ms = -1};
        struct error refused = {0};
        enum status turn_status = wait_for_turn(c, &ticket, &refused);
        if (turn_status) {
            /* The reason of the last attempt says more than that there will be no other now. */
            if (!status || turn_status == STATUS_CANCELLED) {
                status = turn_status;
                c->why = refused;
            }
            return status;
        }
        if (status)
            begin_again(c);
        status = turn(c, &ticket, &facts);
        tell_breaker(c, &ticket, status, &facts);
        if (!status && is_cheap_probe(c, &ticket))
            continue;
        struct retry_decision decision = decide(c, status, &facts);
        if (decision.verdict != RETRY_AGAIN) {
            say_patience(c, &decision, &facts);
            return status;
        }
        enum status slept = sleep_for(c, decision.delay_ms, &c->why);
        if (slept)
            return slept;
    }
}

static const struct retry_policy *policy_of(enum net_patience patience)
{
    static const struct retry_policy *const policies[] = {
        [NET_ONCE] = &retry_policy_once,
        [NET_PROBE] = &retry_policy_interactive,
        [NET_INTERACTIVE] = &retry_policy_interactive,
        [NET_BACKGROUND] = &retry_policy_background,
    };
    return policies[patience];
}

enum status net_call(const struct net_call *call, struct error *err)
{
    struct calling c = {.call = call};
    struct transfer_facts facts;
    enum status status = net_origin(call->request.url, c.origin, err);
    if (status)
        return status;
    if (call->peers && !call->peers->is_plain) {
        pthread_mutex_lock(&call->peers->mutex);
        c.peer = peers_get(call->peers, c.origin, call->operation);
        pthread_mutex_unlock(&call->peers->mutex);
    }
    if (!c.peer)
        return attempt(call, &call->request, &facts, err);
    int total_ms = call->request.timeouts.total_ms;
    c.retry = (struct retry){
        .policy = policy_of(call->patience),
        .deadline_ms = clock_monotonic_ms() + (total_ms > 0 ? total_ms : NET_TOTAL_MS),
    };
    status = make_attempts(&c);
    if (status && err)
        *err = c.why;
    return status;
}
