#include "net/breaker.h"

#define CALLS_MIN 5           /* fewer say nothing */
#define FAILURES_IN_ROW_MAX 5 /* opens, whatever came before */
#define REFUSED_IN_ROW_MAX 2  /* the same: on this machine nobody is there */
#define SLOW_PERCENT_MAX 80
#define GOOD_IN_ROW_MIN 2 /* closes */
#define OPEN_MIN_MS 5000
#define OPEN_MAX_MS 60000
#define JITTER_PERCENT 20
#define PROBE_LOOK_MS 1000      /* whoever waits for somebody else's probe looks that often */
#define FORGIVEN_MS (5 * 60000) /* closed for so long: the next opening is short again */

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[BREAKER_STATE_COUNT] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half_open"};
    return state < BREAKER_STATE_COUNT ? names[state] : "unknown";
}

/* ---- the window ---- */

static const struct breaker_call *call_at(const struct breaker *breaker, int i)
{
    return &breaker->window[(breaker->i_oldest + i) % BREAKER_WINDOW];
}

static void window_add(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms)
{
    int i = (breaker->i_oldest + breaker->n_window) % BREAKER_WINDOW;
    breaker->window[i] = (struct breaker_call){.at_ms = now_ms, .outcome = outcome};
    if (breaker->n_window < BREAKER_WINDOW)
        breaker->n_window++;
    else
        breaker->i_oldest = (breaker->i_oldest + 1) % BREAKER_WINDOW;
}

static void window_clear(struct breaker *breaker)
{
    breaker->n_window = breaker->i_oldest = 0;
    breaker->n_failures_in_row = breaker->n_refused_in_row = 0;
}

struct counts {
    int n, n_failures, n_slow;
};

static struct counts window_count(const struct breaker *breaker, int64_t now_ms)
{
    struct counts counts = {0};
    for (int i = 0; i < breaker->n_window; i++) {
        const struct breaker_call *call = call_at(breaker, i);
        if (now_ms - call->at_ms > BREAKER_WINDOW_MS)
            continue;
        counts.n++;
        counts.n_slow += call->outcome == BREAKER_OUTCOME_SLOW;
        counts.n_failures +=
            call->outcome == BREAKER_OUTCOME_FAILURE || call->outcome == BREAKER_OUTCOME_REFUSED;
    }
    return counts;
}

int breaker_n_failures(const struct breaker *breaker, int64_t now_ms)
{
    return window_count(breaker, now_ms).n_failures;
}

static bool is_too_much(const struct breaker *breaker, int64_t now_ms)
{
    if (breaker->n_failures_in_row >= FAILURES_IN_ROW_MAX ||
        breaker->n_refused_in_row >= REFUSED_IN_ROW_MAX)
        return true;
    struct counts counts = window_count(breaker, now_ms);
    if (counts.n < CALLS_MIN)
        return false;
    /* A slow call is half a failure: in halves, and half of the window is as many halves as calls.
     */
    return 2 * counts.n_failures + counts.n_slow >= counts.n ||
           100 * counts.n_slow >= SLOW_PERCENT_MAX * counts.n;
}

/* ---- the states ---- */

static int64_t with_jitter(int64_t ms, uint64_t random)
{
    int64_t span_ms = ms * JITTER_PERCENT / 100;
    return ms - span_ms + (int64_t)(random % (uint64_t)(2 * span_ms + 1));
}

static void go_open(struct breaker *breaker, int64_t now_ms, uint64_t random)
{
    bool is_forgiven =
        breaker->state == BREAKER_CLOSED && now_ms - breaker->closed_ms > FORGIVEN_MS;
    if (breaker->open_ms == 0 || is_forgiven)
        breaker->open_ms = OPEN_MIN_MS;
    else
        breaker->open_ms = 2 * breaker->open_ms < OPEN_MAX_MS ? 2 * breaker->open_ms : OPEN_MAX_MS;
    breaker->state = BREAKER_OPEN;
    breaker->open_end_ms = now_ms + with_jitter(breaker->open_ms, random);
    breaker->is_probing = false;
    breaker->epoch++;
    breaker->n_opened++;
}

static void go_half_open(struct breaker *breaker)
{
    breaker->state = BREAKER_HALF_OPEN;
    breaker->n_good_in_row = 0;
    breaker->is_probing = false;
    breaker->epoch++;
}

static void go_closed(struct breaker *breaker, int64_t now_ms)
{
    breaker->state = BREAKER_CLOSED;
    breaker->closed_ms = now_ms;
    window_clear(breaker);
}

/* What time alone brings about. */
static void let_time_pass(struct breaker *breaker, int64_t now_ms, uint64_t random)
{
    if (breaker->state == BREAKER_OPEN && now_ms >= breaker->open_end_ms)
        go_half_open(breaker);
    else if (breaker->state == BREAKER_HALF_OPEN && breaker->is_probing &&
             now_ms >= breaker->probe_end_ms)
        go_open(breaker, now_ms, random);
}

static struct breaker_ticket refuse(const struct breaker *breaker, int64_t wait_ms)
{
    return (struct breaker_ticket){.wait_ms = wait_ms, .epoch = breaker->epoch};
}

static int64_t wait_for_probe_ms(const struct breaker *breaker, int64_t now_ms)
{
    int64_t left_ms = breaker->probe_end_ms - now_ms;
    return left_ms < PROBE_LOOK_MS ? left_ms : PROBE_LOOK_MS;
}

struct breaker_ticket breaker_ask(struct breaker *breaker, int64_t timeout_ms, int64_t now_ms,
                                  uint64_t random)
{
    let_time_pass(breaker, now_ms, random);
    struct breaker_ticket ticket = {.epoch = breaker->epoch};
    if (breaker->force == BREAKER_FORCE_OPEN)
        return ticket;
    ticket.is_allowed = true;
    if (breaker->force == BREAKER_FORCE_CLOSED)
        return ticket;
    if (breaker->state == BREAKER_OPEN)
        return refuse(breaker, breaker->open_end_ms - now_ms);
    if (breaker->pause_end_ms > now_ms) {
        ticket = refuse(breaker, breaker->pause_end_ms - now_ms);
        ticket.is_pause = true;
        return ticket;
    }
    if (breaker->state == BREAKER_HALF_OPEN) {
        if (breaker->is_probing)
            return refuse(breaker, wait_for_probe_ms(breaker, now_ms));
        breaker->is_probing = ticket.is_probe = true;
        ticket.is_first_probe = breaker->n_good_in_row == 0;
        breaker->probe_end_ms = now_ms + timeout_ms;
    }
    return ticket;
}

static void tell_probe(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms,
                       uint64_t random)
{
    breaker->is_probing = false;
    if (outcome == BREAKER_OUTCOME_FAILURE || outcome == BREAKER_OUTCOME_REFUSED)
        go_open(breaker, now_ms, random);
    else if (outcome != BREAKER_OUTCOME_NEUTRAL && ++breaker->n_good_in_row >= GOOD_IN_ROW_MIN)
        go_closed(breaker, now_ms);
}

static void tell_closed(struct breaker *breaker, enum breaker_outcome outcome, int64_t now_ms,
                        uint64_t random)
{
    if (outcome == BREAKER_OUTCOME_NEUTRAL)
        return;
    bool is_refused = outcome == BREAKER_OUTCOME_REFUSED;
    bool is_failure = is_refused || outcome == BREAKER_OUTCOME_FAILURE;
    breaker->n_failures_in_row = is_failure ? breaker->n_failures_in_row + 1 : 0;
    breaker->n_refused_in_row = is_refused ? breaker->n_refused_in_row + 1 : 0;
    window_add(breaker, outcome, now_ms);
    if (is_failure || outcome == BREAKER_OUTCOME_SLOW)
        if (is_too_much(breaker, now_ms))
            go_open(breaker, now_ms, random);
}

void breaker_tell(struct breaker *breaker, const struct breaker_ticket *ticket,
                  enum breaker_outcome outcome, int64_t now_ms, uint64_t random)
{
    let_time_pass(breaker, now_ms, random);
    if (outcome == BREAKER_OUTCOME_OK || outcome == BREAKER_OUTCOME_SLOW)
        breaker->last_ok_ms = now_ms;
    if (ticket->epoch != breaker->epoch || breaker->force != BREAKER_FORCE_NONE)
        return;
    /* An allowed call of this epoch: a probe when half-open, and there is none in an open one. */
    if (breaker->state == BREAKER_HALF_OPEN)
        tell_probe(breaker, outcome, now_ms, random);
    else
        tell_closed(breaker, outcome, now_ms, random);
}

void breaker_pause(struct breaker *breaker, int64_t pause_ms, int64_t now_ms)
{
    if (now_ms + pause_ms > breaker->pause_end_ms)
        breaker->pause_end_ms = now_ms + pause_ms;
}
