#include "../testing.h"

#include <string.h>

#include "base/utf8.h"

static void test_utf8__round_trips_every_codepoint(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char bytes[4];
        size_t n = utf8_encode(c, bytes);
        uint32_t back;
        assert_int_equal(utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, c);
        assert_true(utf8_is_valid(bytes, n));
    }
}

static void test_utf8__refuses_malformed_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n_used;
    } cases[] = {
        {"\x80", 1},         {"\xC0\xAF", 1},         {"\xC1\xBF", 1}, {"\xE0\x9F\xBF", 1},
        {"\xED\xA0\x80", 1}, {"\xF4\x90\x80\x80", 1}, {"\xE2\x82", 2}, {"\xF0\x9F\x98", 3},
        {"\xFF", 1},         {"\xE2\x28\xA1", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t c;
        size_t len = strlen(cases[i].bytes);
        assert_int_equal(utf8_decode(cases[i].bytes, len, &c), cases[i].n_used);
        assert_int_equal(c, UTF8_REPLACEMENT);
        assert_false(utf8_is_valid(cases[i].bytes, len));
    }
    assert_true(utf8_is_valid("\xEF\xBF\xBD", 3));
}

static void test_utf8__finds_whole_prefix(void **state)
{
    (void)state;
    assert_int_equal(utf8_whole_prefix("a\xE2\x82\xAC", 4), 4);
    assert_int_equal(utf8_whole_prefix("a\xE2\x82", 3), 1);
    assert_int_equal(utf8_whole_prefix("\xF0\x9F\x98", 3), 0);
    assert_int_equal(utf8_whole_prefix("", 0), 0);
    assert_int_equal(utf8_floor("a\xE2\x82\xAC", 4, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__round_trips_every_codepoint),
        cmocka_unit_test(test_utf8__refuses_malformed_bytes),
        cmocka_unit_test(test_utf8__finds_whole_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
