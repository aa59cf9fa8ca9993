#include "../testing.h"

#include <math.h>
#include <stdlib.h>

#include "base/fault.h"
#include "eval/bootstrap.h"
#include "eval/eval.h"

static struct error err;

static void test_bootstrap__the_interval_is_that_of_the_mean(void **state)
{
    (void)state;
    enum { N = 400 };
    double x[N], sum = 0, squares = 0;
    srand(20261124);
    for (size_t i = 0; i < N; i++) {
        x[i] = rand() % 1000 / 1000.0;
        sum += x[i];
    }
    for (size_t i = 0; i < N; i++)
        squares += (x[i] - sum / N) * (x[i] - sum / N);
    /* Of so many values the mean is normal: 1.96 standard errors on each side. */
    double margin = 1.96 * sqrt(squares / N / N);
    struct engine_interval got, again;
    assert_ok(bootstrap_mean(x, N, &got, &err));
    assert_true(fabs(got.mean - sum / N) < 1e-12);
    assert_true(fabs(got.low - (got.mean - margin)) < 0.1 * margin);
    assert_true(fabs(got.high - (got.mean + margin)) < 0.1 * margin);
    assert_ok(bootstrap_mean(x, N, &again, &err));
    assert_memory_equal(&got, &again, sizeof got);
}

static void test_bootstrap__equal_values_leave_no_doubt(void **state)
{
    (void)state;
    const double x[3] = {0.25, 0.25, 0.25}, one[1] = {-0.5};
    struct engine_interval got;
    assert_ok(bootstrap_mean(x, 3, &got, &err));
    assert_true(got.mean == 0.25 && got.low == 0.25 && got.high == 0.25);
    assert_ok(bootstrap_mean(one, 1, &got, &err));
    assert_true(got.mean == -0.5 && got.low == -0.5 && got.high == -0.5);
}

static void test_bootstrap__out_of_memory_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    const double x[1] = {1};
    struct engine_interval got;
    fault_plan("mem:1");
    assert_status(bootstrap_mean(x, 1, &got, &err), STATUS_NOMEM);
    fault_plan(NULL);
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bootstrap__the_interval_is_that_of_the_mean),
        cmocka_unit_test(test_bootstrap__equal_values_leave_no_doubt),
        cmocka_unit_test(test_bootstrap__out_of_memory_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
