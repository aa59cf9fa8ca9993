/* Numbers in few columns, and the lines of the log that the monitor shows. */
#include "../testing.h"

#include <string.h>

#include "app/monitor_events.h"
#include "app/monitor_text.h"

static void test_monitor_text__everything_fits(void **state)
{
    (void)state;
    char out[MONITOR_TEXT_BYTES];
    for (int power = 0; power < 64; power++)
        for (int step = -2; step <= 2; step++) {
            uint64_t n = ((uint64_t)1 << power) + (uint64_t)(int64_t)step;
            monitor_text_count(n, out);
            assert_in_range(strlen(out), 1, MONITOR_COUNT_COLUMNS);
            monitor_text_rate((double)n / 16, out);
            assert_in_range(strlen(out), 1, MONITOR_RATE_COLUMNS);
            monitor_text_duration((int64_t)n, out);
            assert_in_range(strlen(out), 1, MONITOR_DURATION_COLUMNS);
            monitor_text_latency(n, out);
            assert_in_range(strlen(out), 1, MONITOR_LATENCY_COLUMNS);
            monitor_text_size((double)n, out);
            assert_in_range(strlen(out), 1, MONITOR_SIZE_COLUMNS);
            monitor_text_share(n, UINT64_MAX, out);
            assert_in_range(strlen(out), 1, MONITOR_PERCENT_COLUMNS);
        }
    for (uint64_t n = 1; n < 2000000000; n = n * 21 / 20 + 1) {
        monitor_text_count(n, out);
        assert_in_range(strlen(out), 1, MONITOR_COUNT_COLUMNS);
        monitor_text_size((double)n * 1000, out);
        assert_in_range(strlen(out), 1, MONITOR_SIZE_COLUMNS);
        monitor_text_latency(n, out);
        assert_in_range(strlen(out), 1, MONITOR_LATENCY_COLUMNS);
    }
}

static void test_monitor_text__numbers_read_well(void **state)
{
    (void)state;
    char out[MONITOR_TEXT_BYTES];
#define SAYS(call, expected)                \
    do {                                    \
        call;                               \
        assert_string_equal(out, expected); \
    } while (0)
    SAYS(monitor_text_count(99999, out), "99999");
    SAYS(monitor_text_count(123456, out), "123k");
    SAYS(monitor_text_count(999999, out), "1.0M");
    SAYS(monitor_text_rate(0, out), "0/s");
    SAYS(monitor_text_rate(.01, out), "<0.1/s");
    SAYS(monitor_text_rate(.34, out), "0.3/s");
    SAYS(monitor_text_rate(1234.4, out), "1234/s");
    SAYS(monitor_text_duration(-1, out), "-");
    SAYS(monitor_text_duration(59999, out), "59s");
    SAYS(monitor_text_duration(754000, out), "12m34s");
    SAYS(monitor_text_duration(3 * 3600000 + 300000, out), "3h05m");
    SAYS(monitor_text_duration(50 * 3600000ll, out), "2d02h");
    SAYS(monitor_text_latency(850, out), "850 us");
    SAYS(monitor_text_latency(9940, out), "9.9 ms");
    SAYS(monitor_text_latency(9960, out), "10 ms");
    SAYS(monitor_text_latency(12345678, out), "12 s");
    SAYS(monitor_text_size(1023, out), "1023 B");
    SAYS(monitor_text_size(1536, out), "1.5 KiB");
    SAYS(monitor_text_size(1048570, out), "1.0 MiB");
    SAYS(monitor_text_share(999, 1000, out), "99%");
    SAYS(monitor_text_share(0, 0, out), "-");
#undef SAYS
}

static void test_monitor_text__what_is_there_is_seen(void **state)
{
    (void)state;
    for (int is_utf8 = 0; is_utf8 < 2; is_utf8++) {
        assert_string_equal(monitor_text_spark(0, is_utf8), " ");
        assert_string_not_equal(monitor_text_spark(1e-9, is_utf8), " ");
        assert_string_not_equal(monitor_text_spark(1e-9, is_utf8), monitor_text_spark(1, is_utf8));
        assert_string_equal(monitor_text_spark(7, is_utf8), monitor_text_spark(1, is_utf8));
    }
}

static void test_monitor_events__the_newest_first_in_both_forms(void **state)
{
    (void)state;
    static const char log[] =
        "cut line without a beginning exit_code=1\n"
        "2026-11-29T18:24:33.005Z warn  file_failed run=87e9 status=malformed\n"
        "2026-11-29T18:24:34.005Z info  run_ended run=87e9 command=add exit_code=0 took_us=1117\n"
        "2026-11-29T18:24:35.005Z info  run_ended run=87e9 trace=93f422d44a3f066f6daaa27f5f1c59f8 "
        "command=add exit_code=3 took_us=1117\n"
        "2026-11-29T18:24:35.005Z info  run_ended run=87e9 command=add exit_code=130 took_us=1\n"
        "{\"ts\":\"2026-11-29T18:24:36.005Z\",\"level\":\"error\",\"event\":\"search_failed\","
        "\"run\":\"87e9\",\"trace\":\"93f4\",\"status\":\"format\",\"count\":4}\n";
    struct monitor_event events[8];
    assert_int_equal(monitor_events_parse(log, strlen(log), events, 8), 3);
    assert_string_equal(events[0].name, "search_failed");
    assert_string_equal(events[0].facts, "format count=4");
    assert_true(events[0].is_error);
    assert_string_equal(events[1].name, "failed");
    assert_string_equal(events[1].facts, "add exit_code=3");
    assert_string_equal(events[2].name, "file_failed");
    assert_string_equal(events[2].facts, "malformed");
    assert_int_equal(events[0].wall_ms - events[2].wall_ms, 3000);
    assert_int_equal(events[2].wall_ms % 1000, 5);
    assert_int_equal(monitor_events_parse(log, strlen(log), events, 1), 1);
}

static void test_monitor_events__nonsense_is_passed_over(void **state)
{
    (void)state;
    static const char log[] = "\n\n{\n{\"ts\":7}\nx\n"
                              "2026-11-29T18:24:33.005Z warn  a\033[31m status=\033]0;x\a\n"
                              "99-99 warn  late status=x";
    struct monitor_event events[4];
    assert_int_equal(monitor_events_parse(log, sizeof log - 1, events, 4), 1);
    assert_string_equal(events[0].name, "a?[31m");
    assert_null(strpbrk(events[0].facts, "\033\a"));
    assert_int_equal(monitor_events_parse("", 0, events, 4), 0);
    for (size_t len = 0; len < sizeof log; len++)
        (void)monitor_events_parse(log, len, events, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monitor_text__everything_fits),
        cmocka_unit_test(test_monitor_text__numbers_read_well),
        cmocka_unit_test(test_monitor_text__what_is_there_is_seen),
        cmocka_unit_test(test_monitor_events__the_newest_first_in_both_forms),
        cmocka_unit_test(test_monitor_events__nonsense_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
