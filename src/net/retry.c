#include "net/retry.h"

#define BUDGET_TENTHS 200
#define BUDGET_RESERVE_TENTHS 100 /* at or below it only the floor is left */
#define RETRY_TENTHS 10
#define TIMEOUT_TENTHS 20
#define SUCCESS_TENTHS 1
#define FLOOR_MS 10000

const struct retry_policy retry_policy_once = {.n_attempts_max = 1};
const struct retry_policy retry_policy_interactive = {.n_attempts_max = 3,
                                                      .base_ms = 200,
                                                      .cap_ms = 8000,
                                                      .throttled_base_ms = 1000,
                                                      .throttled_cap_ms = 20000};
const struct retry_policy retry_policy_background = {.n_attempts_max = 5,
                                                     .base_ms = 200,
                                                     .cap_ms = 8000,
                                                     .throttled_base_ms = 1000,
                                                     .throttled_cap_ms = 20000};

struct retry_budget retry_budget_full(void)
{
    return (struct retry_budget){.n_tenths = BUDGET_TENTHS};
}

static void give_back(struct retry_budget *budget)
{
    budget->n_tenths += SUCCESS_TENTHS;
    if (budget->n_tenths > BUDGET_TENTHS)
        budget->n_tenths = BUDGET_TENTHS;
}

/* A quiet client whose budget is gone must still be able to find out that things are well again. */
static bool pay(struct retry_budget *budget, enum retry_outcome outcome, int64_t now_ms)
{
    if (budget->n_tenths > BUDGET_RESERVE_TENTHS)
        budget->n_tenths -= outcome == RETRY_OUTCOME_TIMEOUT ? TIMEOUT_TENTHS : RETRY_TENTHS;
    else if (budget->has_floor_time && now_ms - budget->floor_ms < FLOOR_MS)
        return false;
    budget->has_floor_time = true;
    budget->floor_ms = now_ms;
    return true;
}

/* Full jitter: two clients that failed together do not come back together. */
static int64_t backoff_ms(const struct retry *retry, const struct retry_event *event,
                          uint64_t random)
{
    bool is_throttled = event->outcome == RETRY_OUTCOME_THROTTLED;
    int64_t cap_ms = is_throttled ? retry->policy->throttled_cap_ms : retry->policy->cap_ms;
    int64_t span_ms = is_throttled ? retry->policy->throttled_base_ms : retry->policy->base_ms;
    for (int i = 1; i < retry->n_ended && span_ms < cap_ms; i++)
        span_ms *= 2;
    if (span_ms > cap_ms)
        span_ms = cap_ms;
    return (int64_t)(random % (uint64_t)(span_ms + 1));
}

static int64_t told_ms(const struct retry_event *event, int64_t left_ms, uint64_t random)
{
    int64_t jitter_ms = (int64_t)(random % (uint64_t)(event->retry_after_ms / 10 + 1));
    int64_t delay_ms = event->retry_after_ms + jitter_ms;
    return delay_ms < left_ms ? delay_ms : left_ms - 1;
}

/* RETRY_AGAIN: nothing speaks against it but time and budget. */
static enum retry_verdict look(const struct retry *retry, const struct retry_event *event)
{
    if (event->outcome == RETRY_OUTCOME_OK)
        return RETRY_DONE;
    if (event->is_committed)
        return RETRY_COMMITTED;
    if (event->outcome == RETRY_OUTCOME_FINAL)
        return RETRY_FINAL;
    if (retry->n_ended >= retry->policy->n_attempts_max || retry->n_malformed > 1)
        return RETRY_ATTEMPTS;
    return event->retry_after_ms > RETRY_AFTER_MAX_MS ? RETRY_TOLD_LONG : RETRY_AGAIN;
}

struct retry_decision retry_step(struct retry *retry, struct retry_budget *budget,
                                 const struct retry_event *event, int64_t now_ms, uint64_t random)
{
    retry->n_ended++;
    retry->n_malformed += event->outcome == RETRY_OUTCOME_MALFORMED;
    if (event->outcome == RETRY_OUTCOME_OK)
        give_back(budget);
    struct retry_decision decision = {.verdict = look(retry, event)};
    if (decision.verdict != RETRY_AGAIN)
        return decision;
    int64_t left_ms = retry->deadline_ms - now_ms;
    int64_t delay_ms = event->retry_after_ms > 0 ? told_ms(event, left_ms, random)
                                                 : backoff_ms(retry, event, random);
    if (delay_ms >= left_ms || event->retry_after_ms >= left_ms)
        decision.verdict = RETRY_DEADLINE;
    else if (!pay(budget, event->outcome, now_ms))
        decision.verdict = RETRY_BUDGET;
    else
        decision.delay_ms = delay_ms;
    return decision;
}
