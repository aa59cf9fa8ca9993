#include "../testing.h"

#include <string.h>

#include "query/typed_value.h"

static void test_typed_value__numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } good[] = {{"0", 0},
                {"42", 42},
                {"-7", -7},
                {"+3", 3},
                {"1.5", 1.5},
                {".5", 0.5},
                {"2.", 2},
                {"1e3", 1000},
                {"1E-2", 0.01},
                {"007", 7},
                {"999999999999999", 999999999999999}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double number = -1;
        assert_true(value_parse_number(good[i].text, strlen(good[i].text), &number));
        assert_true(number == good[i].number);
    }
    static const char *const bad[] = {
        "",    "-",     ".",   "e3",  "1e",    "1e999",           "0x10", "inf", "nan", "1 ", " 1",
        "1,5", "1.2.3", "12a", "--1", "1_000", "1234567890123456"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double number = -1;
        assert_false(value_parse_number(bad[i], strlen(bad[i]), &number));
        assert_true(number == -1);
    }
    double number;
    assert_false(value_parse_number("1\0002", 3, &number));
}

static void test_typed_value__sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double bytes;
    } good[] = {{"10", 10},         {"10k", 10240},       {"10K", 10240},
                {"5M", 5242880},    {"5MB", 5242880},     {"5MiB", 5242880},
                {"5 mib", 5242880}, {"1.5G", 1610612736}, {"1T", 1099511627776},
                {"12b", 12}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double bytes = -1;
        assert_true(value_parse_size(good[i].text, strlen(good[i].text), &bytes));
        assert_true(bytes == good[i].bytes);
    }
    static const char *const bad[] = {"", "k", "10x", "10kk", "10 k b", "M5", "ten", "10ib"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double bytes;
        assert_false(value_parse_size(bad[i], strlen(bad[i]), &bytes));
    }
}

static void test_typed_value__dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t start_s, len_s;
    } good[] = {
        {"1970", 0, 365 * 86400},
        {"2024", 1704067200, 366 * 86400},
        {"2024-02", 1706745600, 29 * 86400},
        {"2024-12", 1733011200, 31 * 86400},
        {"2024-05-17", 1715904000, 86400},
        {"2024-05-17T10:30", 1715941800, 60},
        {"2024-05-17 10:30:05", 1715941805, 1},
        {"2024-05-17T10:30:05Z", 1715941805, 1},
        {"2024-05-17T10:30:05+02:00", 1715934605, 1},
        {"2024-05-17 10:30:05 +0200", 1715934605, 1},
        {"2024-05-17T10:30-0330", 1715954400, 60},
        {"1969-12-31", -86400, 86400},
        {"0001-01-01", -62135596800, 86400},
        {"9999-12-31", 253402214400, 86400},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct date_span span = {0};
        assert_true(value_parse_date(good[i].text, strlen(good[i].text), &span));
        assert_int_equal(span.start_ms, good[i].start_s * 1000);
        assert_int_equal(span.end_ms - span.start_ms, good[i].len_s * 1000);
    }
    struct date_span span;
    assert_true(value_parse_date("2024-05-17T10:30:05.1239Z", 25, &span));
    assert_int_equal(span.start_ms, INT64_C(1715941805123));
    assert_int_equal(span.end_ms, span.start_ms + 1);
    static const char *const bad[] = {
        "",
        "24",
        "20240",
        "2024-",
        "2024-5",
        "2024-13",
        "2024-00",
        "2024-02-30",
        "2023-02-29",
        "2024-05-17T",
        "2024-05-17T25:00",
        "2024-05-17T10:60",
        "2024-05-17T10:30:05.",
        "2024-05-17T10:30X",
        "2024-05-17T10:30+25:00",
        "2024-05T10:30",
        "0000",
        "2024-05-17T10:30 ",
        "x2024",
        "2024 ",
        "2024-05-17-03",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(value_parse_date(bad[i], strlen(bad[i]), &span));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_value__numbers),
        cmocka_unit_test(test_typed_value__sizes),
        cmocka_unit_test(test_typed_value__dates),
    };
    return cmocka_run_group_tests_name("typed_value", tests, NULL, NULL);
}
