#include "../testing.h"

#include <stdlib.h>

#include "ingest/eta.h"

enum { STEP_MS = 250 };

static void test_eta__says_nothing_at_first(void **state)
{
    (void)state;
    struct eta eta = {0};
    assert_int_equal(eta_step(&eta, 0, 0, 1000), -1);
    assert_int_equal(eta_step(&eta, STEP_MS, 900, 100), -1);
    assert_int_equal(eta_step(&eta, 60000, 900, 0), 0);
}

static void test_eta__is_exact_at_a_steady_rate(void **state)
{
    (void)state;
    struct eta eta = {0};
    uint64_t n_total = 1000000;
    for (int64_t ms = STEP_MS; ms < 90000; ms += STEP_MS) {
        int64_t left_ms = eta_step(&eta, ms, (uint64_t)ms * 10, n_total - (uint64_t)ms * 10);
        if (left_ms >= 0)
            assert_in_range(left_ms, 99500 - ms, 100500 - ms);
    }
}

/* Groups of files come in bursts; the figures must not jump with them. */
static void test_eta__does_not_swing_with_bursts(void **state)
{
    (void)state;
    struct eta eta = {0};
    unsigned seed = 7;
    uint64_t n_worked = 0, n_total = 2000000;
    int64_t before_ms = -1;
    for (int64_t ms = STEP_MS; n_worked < n_total * 9 / 10; ms += STEP_MS) {
        seed = seed * 1103515245 + 12345;
        n_worked += seed >> 16 & 1 ? (seed >> 8) % 10000 : 0; /* 2,500 on average, half nothing */
        int64_t left_ms = eta_step(&eta, ms, n_worked, n_total - n_worked);
        if (before_ms >= 0)
            assert_true(llabs(left_ms - before_ms) < before_ms / 20 + 1000);
        before_ms = left_ms;
    }
    assert_true(before_ms >= 0);
}

static void test_eta__follows_a_change_of_rate(void **state)
{
    (void)state;
    struct eta eta = {0};
    uint64_t n_worked = 0;
    int64_t ms = 0, left_ms = 0;
    for (; ms < 60000; ms += STEP_MS)
        eta_step(&eta, ms, n_worked += 1000, 1000000);
    for (; ms < 180000; ms += STEP_MS)
        left_ms = eta_step(&eta, ms, n_worked += 100, 1000000);
    assert_in_range(left_ms, 2000000, 2500000);
}

/* A second run begins with thousands of unchanged files: no work, and no rate. */
static void test_eta__ignores_what_was_passed_over(void **state)
{
    (void)state;
    struct eta eta = {0};
    assert_int_equal(eta_step(&eta, 100, 0, 500000), -1);
    int64_t left_ms = -1;
    for (int64_t ms = STEP_MS; ms <= 10000; ms += STEP_MS)
        left_ms = eta_step(&eta, ms, (uint64_t)ms * 10, 200000 - (uint64_t)ms * 10);
    assert_in_range(left_ms, 9500, 10500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eta__says_nothing_at_first),
        cmocka_unit_test(test_eta__is_exact_at_a_steady_rate),
        cmocka_unit_test(test_eta__does_not_swing_with_bursts),
        cmocka_unit_test(test_eta__follows_a_change_of_rate),
        cmocka_unit_test(test_eta__ignores_what_was_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
