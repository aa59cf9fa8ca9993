#include "../testing.h"

#include <math.h>
#include <stdlib.h>

#include "embed/tuner.h"

static const size_t sizes[] = {128, 256, 512, 1024};
enum { N_SIZES = 4, N_STEPS_MAX = N_SIZES * TUNER_SAMPLES };

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 8;
}

static bool is_candidate(size_t n_tokens)
{
    for (size_t i = 0; i < N_SIZES; i++)
        if (sizes[i] == n_tokens)
            return true;
    return false;
}

static struct tuner_event work(size_t n_batch_tokens, size_t n_tokens, double rate)
{
    return (struct tuner_event){n_batch_tokens, n_tokens, (int64_t)((double)n_tokens * 1e9 / rate)};
}

/* Settles with the rates of `rates`, by candidate; every third sample is spoilt when asked for. */
static size_t settle(const double rates[N_SIZES], bool is_spoilt)
{
    struct tuner tuner;
    tuner_init(&tuner, sizes, N_SIZES, 512);
    for (int i = 0; !tuner.is_settled; i++) {
        assert_true(i < N_STEPS_MAX);
        size_t k = 0;
        while (sizes[k] != tuner.n_tokens)
            k++;
        double factor = is_spoilt && i / N_SIZES % 3 == 0 ? (k % 2 ? 50 : 0.02) : 1;
        tuner_step(&tuner, work(sizes[k], 2000, rates[k] * factor));
    }
    return tuner.n_tokens;
}

static void test_tuner__takes_the_fastest_and_of_equals_the_smallest(void **state)
{
    (void)state;
    assert_int_equal(settle((double[]){5000, 6000, 7000, 6500}, false), 512);
    assert_int_equal(settle((double[]){5000, 6000, 7000, 7500}, false), 1024);
    assert_int_equal(settle((double[]){6900, 7000, 7010, 7020}, false), 128);
    assert_int_equal(settle((double[]){6000, 6950, 7000, 7000}, false), 256);
}

static void test_tuner__outliers_decide_nothing(void **state)
{
    (void)state;
    assert_int_equal(settle((double[]){5000, 6000, 7000, 6500}, true), 512);
    assert_int_equal(settle((double[]){8000, 6000, 7000, 6500}, true), 128);
}

static void test_tuner__small_work_tells_nothing(void **state)
{
    (void)state;
    struct tuner tuner;
    tuner_init(&tuner, sizes, N_SIZES, 600);
    for (int i = 0; i < 10 * N_STEPS_MAX; i++)
        assert_false(tuner_step(&tuner, work(tuner.n_tokens, 1023, 7000)));
    assert_false(tuner.is_settled);
    assert_int_equal(tuner.n_tokens, 512);
}

static void test_tuner__random_events_never_leave_the_candidates(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned seed = round;
        struct tuner tuner;
        tuner_init(&tuner, sizes, N_SIZES, 512);
        int n_settled = 0, n_fair = 0;
        while (n_fair < N_STEPS_MAX) {
            bool is_fair = next_random(&seed) % 4 != 0;
            struct tuner_event event = {
                .n_batch_tokens = is_fair ? tuner.n_tokens : next_random(&seed) % 1500,
                .n_tokens = next_random(&seed) % 5000,
                .took_ns = (int64_t)(next_random(&seed) % 3000) * 1000000 - 1000000,
            };
            n_fair += is_fair && event.n_tokens >= 1024 && event.took_ns > 0;
            n_settled += tuner_step(&tuner, event);
            assert_true(is_candidate(tuner.n_tokens));
            assert_true(isfinite(tuner.rate) && tuner.rate >= 0);
        }
        assert_true(tuner.is_settled);
        assert_int_equal(n_settled, 1);
    }
}

static void test_tuner__believes_only_what_can_be(void **state)
{
    (void)state;
    struct tuner tuner;
    tuner_init(&tuner, sizes, N_SIZES, 512);
    assert_false(tuner_settle(&tuner, 300, 7000));
    assert_false(tuner_settle(&tuner, 512, 0));
    assert_false(tuner_settle(&tuner, 512, (double)NAN));
    assert_false(tuner.is_settled);
    assert_true(tuner_settle(&tuner, 512, 7000));
    assert_false(tuner_step(&tuner, work(512, 2000, 1)));
    assert_int_equal(tuner.n_tokens, 512);
    tuner_init(&tuner, sizes, 1, 64);
    assert_true(tuner.is_settled && tuner.n_tokens == 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tuner__takes_the_fastest_and_of_equals_the_smallest),
        cmocka_unit_test(test_tuner__outliers_decide_nothing),
        cmocka_unit_test(test_tuner__small_work_tells_nothing),
        cmocka_unit_test(test_tuner__random_events_never_leave_the_candidates),
        cmocka_unit_test(test_tuner__believes_only_what_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
