/* net/retry.h - whether a call that failed is made again, and when. Pure: no clock, no random
 * numbers, no memory of its own; time and dice come in, so a day is tested in a second.
 *
 * A budget belongs to one dependency and outlives its calls: while everything fails, it lets only a
 * trickle of further attempts through, so that we never make an outage worse. */
#ifndef RAGGED_NET_RETRY_H
#define RAGGED_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* How an attempt ended, as far as trying again is concerned. */
enum retry_outcome {
    RETRY_OUTCOME_OK,
    RETRY_OUTCOME_TRANSIENT, /* may pass: no connection, 5xx, ... */
    RETRY_OUTCOME_TIMEOUT,   /* the same, but it has cost the other side much: twice the price */
    RETRY_OUTCOME_THROTTLED, /* asked to slow down */
    RETRY_OUTCOME_MALFORMED, /* nonsense: tried once more, not oftener */
    RETRY_OUTCOME_FINAL,     /* another attempt would end the same, or must not be made */
    RETRY_OUTCOME_COUNT
};

struct retry_policy {
    int n_attempts_max; /* the first included */
    int base_ms, cap_ms;
    int throttled_base_ms, throttled_cap_ms;
};
extern const struct retry_policy retry_policy_once, retry_policy_interactive,
    retry_policy_background;

/* One dependency's; retry_budget_full() is the beginning. In tenths of a retry. */
struct retry_budget {
    int n_tenths;
    bool has_floor_time;
    int64_t floor_ms; /* when the last retry began: an empty budget gives one each 10 s */
};
struct retry_budget retry_budget_full(void);

/* One call's; zeroed but for policy and deadline is the beginning. */
struct retry {
    const struct retry_policy *policy; /* borrowed */
    int64_t deadline_ms;               /* monotonic */
    int n_ended;                       /* attempts so far */
    int n_malformed;
};

struct retry_event {
    enum retry_outcome outcome;
    int64_t retry_after_ms; /* what the server asked for; 0: nothing, or nothing that makes sense */
    bool is_committed;      /* part of an answer was shown: it can't be taken back */
};

enum retry_verdict {
    RETRY_AGAIN,
    RETRY_DONE,
    RETRY_FINAL,
    RETRY_COMMITTED,
    RETRY_ATTEMPTS,  /* enough of them */
    RETRY_DEADLINE,  /* the next one would begin after the deadline */
    RETRY_TOLD_LONG, /* the server asked for more patience than RETRY_AFTER_MAX_MS */
    RETRY_BUDGET,    /* too much fails already */
    RETRY_VERDICT_COUNT
};
#define RETRY_AFTER_MAX_MS 60000

struct retry_decision {
    enum retry_verdict verdict;
    int64_t delay_ms; /* RETRY_AGAIN: how long to wait first */
};

/* An attempt has ended. `random`: any number, a fresh one each time. */
struct retry_decision retry_step(struct retry *retry, struct retry_budget *budget,
                                 const struct retry_event *event, int64_t now_ms, uint64_t random);

#endif
