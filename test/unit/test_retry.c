/* The machine that says whether a call is made again, in virtual time. */
#include "../dice.h"
#include "../testing.h"

#include <stdlib.h>

#include "net/retry.h"

#define N_SEQUENCES 1000000
#define HOUR_MS (3600 * 1000)

static const struct retry_policy *const policies[] = {&retry_policy_once, &retry_policy_interactive,
                                                      &retry_policy_background};

static struct retry_event event_of(enum retry_outcome outcome)
{
    return (struct retry_event){.outcome = outcome};
}

static struct retry_event random_event(struct dice *dice)
{
    static const int64_t told[] = {0, 0, 0, -5000, 1, 2000, 59999, 60000, 60001, INT64_MAX / 2};
    return (struct retry_event){
        .outcome = (enum retry_outcome)dice_below(dice, RETRY_OUTCOME_COUNT),
        .retry_after_ms = told[dice_below(dice, 10)],
        .is_committed = dice_below(dice, 10) == 0,
    };
}

static bool is_hopeless(const struct retry_event *event)
{
    return event->outcome == RETRY_OUTCOME_OK || event->outcome == RETRY_OUTCOME_FINAL ||
           event->is_committed || event->retry_after_ms > RETRY_AFTER_MAX_MS;
}

/* One call after another over one budget; every rule is looked at after every step. */
static void test_retry__a_million_random_sequences_keep_every_rule(void **state)
{
    (void)state;
    struct dice dice = {.state = 1};
    struct retry_budget budget = retry_budget_full();
    int64_t now_ms = 0, last_retry_ms = INT64_MIN / 2;
    size_t n_again = 0;
    for (int i = 0; i < N_SEQUENCES; i++) {
        const struct retry_policy *policy = policies[dice_below(&dice, 3)];
        struct retry retry = {.policy = policy, .deadline_ms = now_ms + dice_below(&dice, 90000)};
        int64_t start_ms = now_ms, sum_ms = 0;
        int n_attempts = 0, n_malformed = 0;
        struct retry_decision decision;
        do {
            n_attempts++;
            now_ms += dice_below(&dice, 3000);
            const struct retry_event event = random_event(&dice);
            n_malformed += event.outcome == RETRY_OUTCOME_MALFORMED;
            int n_tenths = budget.n_tenths;
            decision = retry_step(&retry, &budget, &event, now_ms, dice_roll(&dice));
            if (budget.n_tenths < 0 || budget.n_tenths > 200)
                fail_msg("sequence %d: a budget of %d", i, budget.n_tenths);
            if (decision.verdict != RETRY_AGAIN)
                continue;
            n_again++;
            if (is_hopeless(&event) || n_malformed > 1 || n_attempts >= policy->n_attempts_max)
                fail_msg("sequence %d: again after attempt %d, outcome %d", i, n_attempts,
                         (int)event.outcome);
            if (decision.delay_ms < 0 || now_ms + decision.delay_ms >= retry.deadline_ms)
                fail_msg("sequence %d: a delay past the deadline", i);
            if (event.retry_after_ms > 0 && decision.delay_ms < event.retry_after_ms)
                fail_msg("sequence %d: sooner than the server asked for", i);
            if (n_tenths <= 100 && now_ms - last_retry_ms < 10000)
                fail_msg("sequence %d: a retry without budget", i);
            last_retry_ms = now_ms;
            now_ms += decision.delay_ms;
            sum_ms += decision.delay_ms;
        } while (decision.verdict == RETRY_AGAIN);
        if (n_attempts > policy->n_attempts_max || sum_ms > retry.deadline_ms - start_ms)
            if (sum_ms > 0)
                fail_msg("sequence %d: %d attempts, %lld ms of delay", i, n_attempts,
                         (long long)sum_ms);
        now_ms += dice_below(&dice, 20000);
    }
    assert_true(n_again > N_SEQUENCES / 10); /* or the rules above were never put to a test */
}

/* n_calls begin every `every_ms`; how many attempts they make when nothing works for an hour. */
static int attempts_in_an_outage(int every_ms, enum retry_outcome outcome, uint64_t seed)
{
    struct dice dice = {.state = seed};
    struct retry_budget budget = retry_budget_full();
    int n_attempts = 0;
    for (int64_t start_ms = 0; start_ms < HOUR_MS; start_ms += every_ms) {
        struct retry retry = {.policy = &retry_policy_background, .deadline_ms = start_ms + 120000};
        struct retry_decision decision;
        int64_t now_ms = start_ms;
        do {
            const struct retry_event event = event_of(outcome);
            n_attempts++;
            decision = retry_step(&retry, &budget, &event, now_ms, dice_roll(&dice));
            now_ms += decision.delay_ms;
        } while (decision.verdict == RETRY_AGAIN);
    }
    return n_attempts;
}

static void test_retry__an_outage_is_not_made_worse(void **state)
{
    (void)state;
    static const int every_ms[] = {10, 100, 1000, 10000, 60000};
    static const enum retry_outcome outcomes[] = {RETRY_OUTCOME_TRANSIENT, RETRY_OUTCOME_TIMEOUT,
                                                  RETRY_OUTCOME_THROTTLED};
    for (size_t i = 0; i < sizeof every_ms / sizeof every_ms[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            int n_calls = HOUR_MS / every_ms[i], n_floor = HOUR_MS / 10000 + 1;
            int n_attempts = attempts_in_an_outage(every_ms[i], outcomes[k], i + 7);
            if (n_attempts > n_calls + n_calls / 5 + n_floor)
                fail_msg("%d calls became %d attempts", n_calls, n_attempts);
        }
    }
    assert_true(attempts_in_an_outage(60000, RETRY_OUTCOME_TRANSIENT, 3) > 60); /* still asks */
}

/* Half of everything fails, for ever: what a success gives back must not add up to more. */
static void test_retry__half_an_outage_costs_at_most_a_fifth_more(void **state)
{
    (void)state;
    struct dice dice = {.state = 11};
    struct retry_budget budget = retry_budget_full();
    int n_calls = 100000, n_attempts = 0;
    for (int i = 0; i < n_calls; i++) {
        int64_t now_ms = (int64_t)i * 20;
        struct retry retry = {.policy = &retry_policy_background, .deadline_ms = now_ms + 120000};
        struct retry_decision decision;
        do {
            const struct retry_event event =
                event_of(dice_below(&dice, 2) ? RETRY_OUTCOME_OK : RETRY_OUTCOME_TRANSIENT);
            n_attempts++;
            decision = retry_step(&retry, &budget, &event, now_ms, dice_roll(&dice));
            now_ms += decision.delay_ms;
        } while (decision.verdict == RETRY_AGAIN);
    }
    if (n_attempts > n_calls + n_calls / 5 || n_attempts == n_calls)
        fail_msg("%d calls became %d attempts", n_calls, n_attempts);
}

/* Two clients see the same failures at the same moments and only roll other dice. */
static void test_retry__two_clients_do_not_come_back_together(void **state)
{
    (void)state;
    struct dice one = {.state = 21}, other = {.state = 22};
    int n_together = 0, n_pairs = 2000;
    double sum_ms = 0;
    for (int i = 0; i < n_pairs; i++) {
        int64_t delays_ms[2];
        struct dice *dice[2] = {&one, &other};
        for (int k = 0; k < 2; k++) {
            struct retry_budget budget = retry_budget_full();
            struct retry retry = {.policy = &retry_policy_background, .deadline_ms = HOUR_MS};
            const struct retry_event event = event_of(RETRY_OUTCOME_TRANSIENT);
            struct retry_decision first =
                retry_step(&retry, &budget, &event, 0, dice_roll(dice[k]));
            struct retry_decision second =
                retry_step(&retry, &budget, &event, first.delay_ms, dice_roll(dice[k]));
            delays_ms[k] = first.delay_ms + second.delay_ms;
        }
        n_together += llabs(delays_ms[0] - delays_ms[1]) < 10;
        sum_ms += (double)delays_ms[0];
    }
    assert_true(n_together < n_pairs / 15);
    assert_true(sum_ms / n_pairs > 250 && sum_ms / n_pairs < 350); /* 100 and 200 on average */
}

/* Ten successes pay for one retry; more than a full budget is not saved. */
static void test_retry__successes_fill_the_budget_again(void **state)
{
    (void)state;
    const struct retry_event good = event_of(RETRY_OUTCOME_OK),
                             bad = event_of(RETRY_OUTCOME_TIMEOUT);
    struct retry_budget budget = retry_budget_full();
    struct retry retry = {.policy = &retry_policy_interactive, .deadline_ms = HOUR_MS};
    assert_int_equal(retry_step(&retry, &budget, &bad, 0, 0).verdict, RETRY_AGAIN);
    int n_left = budget.n_tenths;
    for (int i = 1; i <= 30; i++) {
        struct retry other = {.policy = &retry_policy_once};
        assert_int_equal(retry_step(&other, &budget, &good, 0, 0).verdict, RETRY_DONE);
        assert_int_equal(budget.n_tenths, i < 20 ? n_left + i : retry_budget_full().n_tenths);
    }
}

/* An empty budget still lets one retry through each ten seconds. */
static void test_retry__an_empty_budget_asks_now_and_then(void **state)
{
    (void)state;
    static const struct {
        int64_t now_ms;
        enum retry_verdict verdict;
    } steps[] = {{0, RETRY_AGAIN},
                 {9999, RETRY_BUDGET},
                 {10000, RETRY_AGAIN},
                 {19999, RETRY_BUDGET},
                 {20000, RETRY_AGAIN}};
    struct retry_budget budget = {0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct retry retry = {.policy = &retry_policy_interactive, .deadline_ms = HOUR_MS};
        const struct retry_event event = event_of(RETRY_OUTCOME_TRANSIENT);
        struct retry_decision decision = retry_step(&retry, &budget, &event, steps[i].now_ms, 7);
        assert_int_equal(decision.verdict, steps[i].verdict);
        assert_int_equal(budget.n_tenths, 0);
    }
}

/* However often it failed; each kind of failure has a span of its own. */
static void test_retry__waits_no_longer_than_its_cap(void **state)
{
    (void)state;
    static const struct {
        enum retry_outcome outcome;
        int64_t spans_ms[5];
    } rows[] = {{RETRY_OUTCOME_TRANSIENT, {200, 400, 800, 900, 900}},
                {RETRY_OUTCOME_THROTTLED, {1000, 2000, 2500, 2500, 2500}}};
    const struct retry_policy policy = {.n_attempts_max = 9,
                                        .base_ms = 200,
                                        .cap_ms = 900,
                                        .throttled_base_ms = 1000,
                                        .throttled_cap_ms = 2500};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct retry_budget budget = retry_budget_full();
        struct retry retry = {.policy = &policy, .deadline_ms = HOUR_MS};
        const struct retry_event event = event_of(rows[i].outcome);
        for (int k = 0; k < 5; k++) {
            struct retry other = retry;
            uint64_t span_ms = (uint64_t)rows[i].spans_ms[k];
            assert_int_equal(retry_step(&other, &budget, &event, 0, span_ms).delay_ms, span_ms);
            assert_int_equal(retry_step(&retry, &budget, &event, 0, span_ms + 1).delay_ms, 0);
        }
    }
}

/* What a server asks for is done, or it is said that it can't be. */
static void test_retry__obeys_the_server(void **state)
{
    (void)state;
    static const struct {
        int64_t told_ms, deadline_ms;
        enum retry_verdict verdict;
        int64_t min_ms, max_ms;
    } rows[] = {
        {2000, 30000, RETRY_AGAIN, 2000, 2200}, {60000, 600000, RETRY_AGAIN, 60000, 66000},
        {60001, 600000, RETRY_TOLD_LONG, 0, 0}, {5000, 5000, RETRY_DEADLINE, 0, 0},
        {4999, 5000, RETRY_AGAIN, 4999, 4999},  {0, 30000, RETRY_AGAIN, 0, 1000},
        {-7, 30000, RETRY_AGAIN, 0, 1000},
    };
    struct dice dice = {.state = 5};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int k = 0; k < 100; k++) {
            struct retry_budget budget = retry_budget_full();
            struct retry retry = {.policy = &retry_policy_interactive,
                                  .deadline_ms = rows[i].deadline_ms};
            const struct retry_event event = {.outcome = RETRY_OUTCOME_THROTTLED,
                                              .retry_after_ms = rows[i].told_ms};
            struct retry_decision decision =
                retry_step(&retry, &budget, &event, 0, dice_roll(&dice));
            if (decision.verdict != rows[i].verdict || decision.delay_ms < rows[i].min_ms ||
                decision.delay_ms > rows[i].max_ms)
                fail_msg("row %zu: verdict %d, %lld ms", i, (int)decision.verdict,
                         (long long)decision.delay_ms);
        }
    }
    static const struct {
        uint64_t random;
        int64_t deadline_ms, delay_ms;
    } exact[] = {{200, 30000, 2200},
                 {201, 30000, 2000}, /* a tenth at most */
                 {100, 2100, 2099},
                 {99, 2100, 2099}}; /* cut before the deadline */
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
        struct retry_budget budget = retry_budget_full();
        struct retry retry = {.policy = &retry_policy_interactive,
                              .deadline_ms = exact[i].deadline_ms};
        const struct retry_event event = {.outcome = RETRY_OUTCOME_THROTTLED,
                                          .retry_after_ms = 2000};
        struct retry_decision decision = retry_step(&retry, &budget, &event, 0, exact[i].random);
        assert_int_equal(decision.delay_ms, exact[i].delay_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry__a_million_random_sequences_keep_every_rule),
        cmocka_unit_test(test_retry__an_outage_is_not_made_worse),
        cmocka_unit_test(test_retry__half_an_outage_costs_at_most_a_fifth_more),
        cmocka_unit_test(test_retry__two_clients_do_not_come_back_together),
        cmocka_unit_test(test_retry__successes_fill_the_budget_again),
        cmocka_unit_test(test_retry__an_empty_budget_asks_now_and_then),
        cmocka_unit_test(test_retry__waits_no_longer_than_its_cap),
        cmocka_unit_test(test_retry__obeys_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
