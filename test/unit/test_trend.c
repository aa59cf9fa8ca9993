/* Trends: what rises and falls is told, what only is noisy, short or a step is not. */
#include "../testing.h"

#include <math.h>
#include <stdlib.h>

#include "base/trend.h"

enum { N = 120, HOUR_MS = 3600000 };

static struct trend_line line_of(double (*value)(int hour), int n, int step_hours)
{
    struct trend_point points[N];
    double scratch[N];
    for (int i = 0; i < n; i++)
        points[i] = (struct trend_point){(int64_t)i * step_hours * HOUR_MS, value(i * step_hours)};
    return trend_line(points, (size_t)n, scratch);
}

static double falling(int hour)
{
    return 1000 - 2.0 * hour + hour * 7 % 5;
}

static double rising(int hour)
{
    return 3.0 * hour;
}

static double step(int hour)
{
    return hour < 100 ? 500 : 100;
}

static double noise(int hour)
{
    return hour * 7919 % 101;
}

static double slowing(int hour)
{
    return hour < 120 ? 1000 - 4.0 * hour : 520 - (hour - 120);
}

static void test_line__what_goes_on(void **state)
{
    (void)state;
    struct trend_line line = line_of(falling, 60, 4);
    assert_int_equal(line.verdict, TREND_DOWN);
    assert_true(fabs(line.per_day + 48) < 3);
    assert_true(fabs(line.days - 236.0 / 24) < 0.01);
    assert_true(line.before > line.after);
    line = line_of(rising, 60, 4);
    assert_int_equal(line.verdict, TREND_UP);
    assert_true(fabs(line.per_day - 72) < 3);
}

static void test_line__the_slower_part_counts(void **state)
{
    (void)state;
    struct trend_line line = line_of(slowing, 60, 4);
    assert_int_equal(line.verdict, TREND_DOWN);
    assert_true(line.per_day < -20 && line.per_day > -70);
}

static void test_line__what_is_none(void **state)
{
    (void)state;
    assert_int_equal(line_of(step, 60, 4).verdict, TREND_NONE);
    assert_int_equal(line_of(noise, 60, 4).verdict, TREND_NONE);
}

static void test_line__too_little(void **state)
{
    (void)state;
    assert_int_equal(line_of(falling, 60, 1).verdict, TREND_UNKNOWN); /* within three days */
    assert_int_equal(line_of(falling, 8, 24).verdict, TREND_UNKNOWN); /* two in a third */
    assert_int_equal(line_of(falling, 9, 24).verdict, TREND_DOWN);
    assert_int_equal(line_of(falling, 1, 24).verdict, TREND_UNKNOWN);
    assert_int_equal(line_of(falling, 0, 24).verdict, TREND_UNKNOWN);
}

static enum trend_verdict shift_by(double factor, size_t n)
{
    double before[N], after[N];
    for (size_t i = 0; i < n; i++) {
        before[i] = 100 + (double)(i * 31 % 17);
        after[i] = factor * (100 + (double)(i * 13 % 17));
    }
    return trend_shift(before, n, after, n).verdict;
}

static void test_shift__both_ways(void **state)
{
    (void)state;
    assert_int_equal(shift_by(2, 20), TREND_UP);
    assert_int_equal(shift_by(0.5, 20), TREND_DOWN);
    assert_int_equal(shift_by(1.1, 20), TREND_NONE);
    assert_int_equal(shift_by(2, 19), TREND_UNKNOWN);
}

/* The median alone would call this slower. */
static void test_shift__two_kinds_of_values(void **state)
{
    (void)state;
    double before[20], after[20];
    for (size_t i = 0; i < 20; i++) {
        before[i] = i < 11 ? 10 : 100;
        after[i] = i < 9 ? 10 : 100;
    }
    struct trend_shift shift = trend_shift(before, 20, after, 20);
    assert_int_equal(shift.verdict, TREND_NONE);
    assert_true(shift.before < 11 && shift.after > 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line__what_goes_on),
        cmocka_unit_test(test_line__the_slower_part_counts),
        cmocka_unit_test(test_line__what_is_none),
        cmocka_unit_test(test_line__too_little),
        cmocka_unit_test(test_shift__both_ways),
        cmocka_unit_test(test_shift__two_kinds_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
