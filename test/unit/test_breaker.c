/* The breaker, in virtual time. */
#include "../dice.h"
#include "../testing.h"

#include <string.h>

#include "net/breaker.h"

#define N_SEQUENCES 1000000
#define STEPS_A_SEQUENCE 12
#define IN_FLIGHT_MAX 4

struct walk {
    struct breaker breaker;
    struct dice dice;
    int64_t now_ms;
    struct breaker_ticket in_flight[IN_FLIGHT_MAX];
    int64_t end_ms[IN_FLIGHT_MAX]; /* probes: when their time is up */
    int n;
    int64_t opened_ms;
    size_t n_seen[BREAKER_STATE_COUNT];
};

static struct breaker_ticket ask(struct walk *w, int64_t timeout_ms)
{
    return breaker_ask(&w->breaker, timeout_ms, w->now_ms, dice_roll(&w->dice));
}

static void check_opening(struct walk *w, uint64_t n_opened_before)
{
    const struct breaker *b = &w->breaker;
    if (b->n_opened == n_opened_before)
        return;
    int64_t open_ms = b->open_end_ms - w->now_ms;
    if (b->open_ms < 5000 || b->open_ms > 60000 || open_ms * 5 < b->open_ms * 4 ||
        open_ms * 5 > b->open_ms * 6)
        fail_msg("opened for %lld of %lld ms", (long long)open_ms, (long long)b->open_ms);
    w->opened_ms = w->now_ms;
}

static void begin(struct walk *w)
{
    enum breaker_state before = w->breaker.state;
    uint64_t n_opened = w->breaker.n_opened;
    int64_t open_end_ms = w->breaker.open_end_ms, timeout_ms = 1 + dice_below(&w->dice, 20000);
    struct breaker_ticket ticket = ask(w, timeout_ms);
    check_opening(w, n_opened);
    w->n_seen[w->breaker.state]++;
    if (ticket.is_allowed && w->breaker.state == BREAKER_OPEN)
        fail_msg("a call in an open breaker");
    if (before == BREAKER_OPEN && w->now_ms < open_end_ms && ticket.is_allowed)
        fail_msg("let a call through before its time");
    if (!ticket.is_allowed && ticket.wait_ms <= 0)
        fail_msg("refused, and does not say for how long");
    if (!ticket.is_allowed)
        return;
    if (w->breaker.state == BREAKER_HALF_OPEN) {
        if (!ticket.is_probe)
            fail_msg("a call in a half-open breaker that is no probe");
        for (int i = 0; i < w->n; i++)
            if (w->in_flight[i].is_probe && w->in_flight[i].epoch == ticket.epoch)
                fail_msg("two probes at the same time");
    }
    w->in_flight[w->n] = ticket;
    w->end_ms[w->n++] = w->now_ms + timeout_ms;
}

static void end(struct walk *w)
{
    int i = dice_below(&w->dice, w->n);
    struct breaker_ticket ticket = w->in_flight[i];
    bool is_late = ticket.is_probe && w->now_ms >= w->end_ms[i];
    w->n--;
    w->in_flight[i] = w->in_flight[w->n];
    w->end_ms[i] = w->end_ms[w->n];
    uint64_t n_opened = w->breaker.n_opened;
    enum breaker_state before = w->breaker.state;
    enum breaker_outcome outcome =
        (enum breaker_outcome)dice_below(&w->dice, BREAKER_OUTCOME_COUNT);
    breaker_tell(&w->breaker, &ticket, outcome, w->now_ms, dice_roll(&w->dice));
    check_opening(w, n_opened);
    if (is_late && w->breaker.state == BREAKER_CLOSED && before != BREAKER_CLOSED)
        fail_msg("a probe that hung has closed it");
    if (before == BREAKER_OPEN && w->breaker.state == BREAKER_CLOSED)
        fail_msg("closed without a probe");
    if (outcome == BREAKER_OUTCOME_NEUTRAL && w->breaker.n_opened != n_opened && !is_late &&
        before == BREAKER_CLOSED)
        fail_msg("opened by a call that says nothing");
}

static void test_breaker__a_million_random_sequences_keep_every_rule(void **state)
{
    (void)state;
    struct walk w = {.dice = {.state = 2}};
    for (int i = 0; i < N_SEQUENCES; i++) {
        if (dice_below(&w.dice, 50) == 0)
            w = (struct walk){.dice = w.dice, .n_seen = {w.n_seen[0], w.n_seen[1], w.n_seen[2]}};
        for (int step = 0; step < STEPS_A_SEQUENCE; step++) {
            w.now_ms += dice_below(&w.dice, dice_below(&w.dice, 8) ? 400 : 30000);
            if (w.n == 0 || (w.n < IN_FLIGHT_MAX && dice_below(&w.dice, 2)))
                begin(&w);
            else
                end(&w);
        }
    }
    for (int i = 0; i < BREAKER_STATE_COUNT; i++)
        if (w.n_seen[i] < N_SEQUENCES / 20)
            fail_msg("the walk was %s only %zu times", breaker_state_name((enum breaker_state)i),
                     w.n_seen[i]);
}

static void call(struct walk *w, enum breaker_outcome outcome)
{
    struct breaker_ticket ticket = ask(w, 1000);
    if (ticket.is_allowed)
        breaker_tell(&w->breaker, &ticket, outcome, w->now_ms, dice_roll(&w->dice));
}

/* "ok fail slow refused neutral" as letters. */
static void calls(struct walk *w, const char *letters)
{
    static const char names[] = "osfrn";
    for (; *letters; letters++)
        call(w, (enum breaker_outcome)(strchr(names, *letters) - names));
}

static void test_breaker__opens_when_it_should(void **state)
{
    (void)state;
    static const struct {
        const char *calls;
        enum breaker_state state;
    } rows[] = {
        {"ffff", BREAKER_CLOSED},     {"fffff", BREAKER_OPEN},
        {"r", BREAKER_CLOSED},        {"rr", BREAKER_OPEN},
        {"ror", BREAKER_CLOSED},      {"ooff", BREAKER_CLOSED},
        {"oofff", BREAKER_OPEN},      {"ooooooooooooooooooooffffff", BREAKER_OPEN}, /* in a row */
        {"oofofofo", BREAKER_CLOSED}, {"ofofof", BREAKER_OPEN},
        {"osososos", BREAKER_CLOSED}, {"sssss", BREAKER_OPEN},
        {"ssss", BREAKER_CLOSED},     {"oossssssss", BREAKER_OPEN}, /* four fifths */
        {"oofsf", BREAKER_OPEN}, /* two failures and a half of five */
        {"oofss", BREAKER_CLOSED},    {"nnnnnnnnnnnnnnnnnnnn", BREAKER_CLOSED},
        {"ffffnf", BREAKER_OPEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct walk w = {.now_ms = 1000000};
        calls(&w, rows[i].calls);
        if (w.breaker.state != rows[i].state)
            fail_msg("%s: %s", rows[i].calls, breaker_state_name(w.breaker.state));
    }
}

static void test_breaker__forgets_what_is_older_than_a_minute(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    calls(&w, "offoff");
    w.breaker = (struct breaker){0};
    calls(&w, "ooff");
    assert_int_equal(breaker_n_failures(&w.breaker, w.now_ms), 2);
    w.now_ms += 60000;
    assert_int_equal(breaker_n_failures(&w.breaker, w.now_ms), 2);
    w.now_ms++;
    assert_int_equal(breaker_n_failures(&w.breaker, w.now_ms), 0);
    calls(&w, "of"); /* 3 of 6 with the old ones, 1 of 2 without */
    assert_int_equal(w.breaker.state, BREAKER_CLOSED);
}

/* What opened it does not count again when it has closed: neither the calls of a minute that is not
 * over yet, nor how many failed in a row. */
static void test_breaker__begins_anew_when_it_closes(void **state)
{
    (void)state;
    static const struct {
        const char *opening, *later;
    } rows[] = {{"fffff", "foofo"}, {"fffff", "oofof"}, {"rr", "r"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct walk w = {.now_ms = 1000000};
        calls(&w, rows[i].opening);
        assert_int_equal(w.breaker.state, BREAKER_OPEN);
        w.now_ms += 6001;
        calls(&w, "oo");
        assert_int_equal(w.breaker.state, BREAKER_CLOSED);
        assert_int_equal(breaker_n_failures(&w.breaker, w.now_ms), 0);
        calls(&w, rows[i].later);
        assert_int_equal(w.breaker.state, BREAKER_CLOSED);
    }
}

static void test_breaker__one_probe_at_a_time_and_two_that_close(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    calls(&w, "fffff");
    struct breaker_ticket first = ask(&w, 1000);
    assert_false(first.is_allowed);
    assert_in_range(first.wait_ms, 4000, 6000);
    w.now_ms += first.wait_ms;
    first = ask(&w, 1000);
    assert_true(first.is_allowed && first.is_probe && first.is_first_probe);
    assert_false(ask(&w, 1000).is_allowed);
    breaker_tell(&w.breaker, &first, BREAKER_OUTCOME_OK, w.now_ms, 0);
    assert_int_equal(w.breaker.state, BREAKER_HALF_OPEN);
    struct breaker_ticket second = ask(&w, 1000);
    assert_true(second.is_allowed && second.is_probe && !second.is_first_probe);
    breaker_tell(&w.breaker, &second, BREAKER_OUTCOME_OK, w.now_ms, 0);
    assert_int_equal(w.breaker.state, BREAKER_CLOSED);
}

static void test_breaker__a_probe_that_hangs_has_failed(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    calls(&w, "rr");
    w.now_ms += 6001;
    struct breaker_ticket probe = ask(&w, 1000);
    assert_true(probe.is_probe);
    w.now_ms += 1000;
    assert_false(ask(&w, 1000).is_allowed);
    assert_int_equal(w.breaker.state, BREAKER_OPEN);
    breaker_tell(&w.breaker, &probe, BREAKER_OUTCOME_OK, w.now_ms, 0);
    assert_int_equal(w.breaker.state, BREAKER_OPEN);
}

static void test_breaker__opens_for_longer_each_time_and_forgives(void **state)
{
    (void)state;
    static const int64_t expected_ms[] = {5000, 10000, 20000, 40000, 60000, 60000};
    struct walk w = {.now_ms = 1000000};
    calls(&w, "fffff");
    for (size_t i = 0; i < sizeof expected_ms / sizeof expected_ms[0]; i++) {
        assert_int_equal(w.breaker.open_ms, expected_ms[i]);
        w.now_ms = w.breaker.open_end_ms;
        calls(&w, "f");
    }
    w.now_ms = w.breaker.open_end_ms;
    calls(&w, "oo");
    assert_int_equal(w.breaker.state, BREAKER_CLOSED);
    w.now_ms += 299000;
    calls(&w, "rr");
    assert_int_equal(w.breaker.open_ms, 60000);
    w.now_ms = w.breaker.open_end_ms;
    calls(&w, "oo");
    w.now_ms += 301000;
    calls(&w, "rr");
    assert_int_equal(w.breaker.open_ms, 5000);
}

static void test_breaker__can_be_forced_either_way(void **state)
{
    (void)state;
    struct walk w = {.breaker = {.force = BREAKER_FORCE_OPEN}, .now_ms = 1000000};
    struct breaker_ticket ticket = ask(&w, 1000);
    assert_false(ticket.is_allowed);
    assert_int_equal(ticket.wait_ms, 0);
    w.breaker.force = BREAKER_FORCE_CLOSED;
    calls(&w, "rrrrrrffffff");
    assert_true(ask(&w, 1000).is_allowed);
    assert_int_equal(w.breaker.n_opened, 0);
}

static void test_breaker__every_state_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
    assert_string_equal(breaker_state_name(BREAKER_STATE_COUNT), "unknown");
}

/* Whatever it was doing when it was forced. */
static void test_breaker__forced_closed_lets_all_calls_through(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    calls(&w, "rr");
    breaker_pause(&w.breaker, 60000, w.now_ms);
    w.breaker.force = BREAKER_FORCE_CLOSED;
    assert_true(ask(&w, 1000).is_allowed);
    w.now_ms += 6001; /* half-open, were it not forced */
    for (int i = 0; i < 3; i++) {
        struct breaker_ticket ticket = ask(&w, 1000);
        assert_true(ticket.is_allowed && !ticket.is_probe);
    }
}

static void test_breaker__a_pause_is_no_failure(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    breaker_pause(&w.breaker, 3000, w.now_ms);
    breaker_pause(&w.breaker, 1000, w.now_ms); /* does not shorten it */
    struct breaker_ticket ticket = ask(&w, 1000);
    assert_true(!ticket.is_allowed && ticket.is_pause);
    assert_int_equal(ticket.wait_ms, 3000);
    w.now_ms += 3000;
    assert_true(ask(&w, 1000).is_allowed);
    assert_int_equal(w.breaker.n_opened, 0);
}

/* A steady caller against a dead server for an hour: almost nothing reaches it. */
static void test_breaker__spares_a_dead_server(void **state)
{
    (void)state;
    struct walk w = {.now_ms = 1000000};
    int n_asked = 0, n_made = 0;
    for (int64_t end_ms = w.now_ms + 3600000; w.now_ms < end_ms; w.now_ms += 100, n_asked++) {
        struct breaker_ticket ticket = ask(&w, 1000);
        n_made += ticket.is_allowed;
        if (ticket.is_allowed)
            breaker_tell(&w.breaker, &ticket, BREAKER_OUTCOME_FAILURE, w.now_ms,
                         dice_roll(&w.dice));
    }
    assert_in_range(n_made, 50, 100);
    assert_int_equal(n_asked, 36000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breaker__a_million_random_sequences_keep_every_rule),
        cmocka_unit_test(test_breaker__opens_when_it_should),
        cmocka_unit_test(test_breaker__forgets_what_is_older_than_a_minute),
        cmocka_unit_test(test_breaker__begins_anew_when_it_closes),
        cmocka_unit_test(test_breaker__one_probe_at_a_time_and_two_that_close),
        cmocka_unit_test(test_breaker__a_probe_that_hangs_has_failed),
        cmocka_unit_test(test_breaker__opens_for_longer_each_time_and_forgives),
        cmocka_unit_test(test_breaker__can_be_forced_either_way),
        cmocka_unit_test(test_breaker__every_state_has_a_name),
        cmocka_unit_test(test_breaker__forced_closed_lets_all_calls_through),
        cmocka_unit_test(test_breaker__a_pause_is_no_failure),
        cmocka_unit_test(test_breaker__spares_a_dead_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
