#include "../testing.h"

#include <string.h>

#include "text/text.h"

static int compare(const char *a, const char *b)
{
    return text_compare_folded(a, strlen(a), b, strlen(b));
}

static bool contains(const char *text, const char *part)
{
    return text_contains_folded(text, strlen(text), part, strlen(part));
}

static void test_fold__case_makes_no_difference(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"", ""},
        {"Kettle", "kETTLE"},
        {"\xC3\x89t\xC3\xA9", "\xC3\xA9T\xC3\x89"}, /* Été */
        {"Stra\xC3\x9F"
         "e",
         "STRASSE"},                                              /* Straße */
        {"\xCE\xA3\xCE\xA3", "\xCF\x83\xCF\x82"},                 /* Σ, and σς */
        {"\xD0\x9C\xD0\xB8\xD1\x80", "\xD0\xBC\xD0\x98\xD0\xA0"}, /* Мир */
        {"\xEF\xAC\x83", "ffi"},                                  /* the ligature */
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct buf a = {0}, b = {0};
        assert_int_equal(compare(same[i][0], same[i][1]), 0);
        assert_true(contains(same[i][0], same[i][1]));
        text_fold(same[i][0], strlen(same[i][0]), &a);
        text_fold(same[i][1], strlen(same[i][1]), &b);
        assert_string_equal(buf_text(&a), buf_text(&b));
        buf_clear(&a);
        buf_clear(&b);
    }
}

static void test_fold__orders_as_code_points(void **state)
{
    (void)state;
    assert_true(compare("a", "B") < 0 && compare("B", "a") > 0);
    assert_true(compare("ab", "abc") < 0 && compare("abc", "AB") > 0);
    assert_true(compare("z", "\xC3\xA9") < 0);
}

static void test_fold__finds_parts(void **state)
{
    (void)state;
    assert_true(contains("The Kettle", "KETT") && contains("The Kettle", ""));
    assert_true(contains("aaab", "AAB") && contains("\xC3\x89t\xC3\xA9", "T\xC3\x89"));
    assert_false(contains("kettle", "kettles") || contains("", "a") || contains("abc", "ac"));
    assert_false(contains("\xC3\xA9", "\xA9")); /* no half characters */
}

static void test_fold__takes_any_bytes(void **state)
{
    (void)state;
    assert_int_equal(compare("\xFF\xC3", "\xFF\xC3"), 0);
    assert_true(text_compare_folded("a\0b", 3, "A\0B", 3) == 0);
    assert_true(text_compare_folded("a\0b", 3, "a", 1) > 0);
    assert_true(contains("\xF0\x9F\x98", "\xF0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold__case_makes_no_difference),
        cmocka_unit_test(test_fold__orders_as_code_points),
        cmocka_unit_test(test_fold__finds_parts),
        cmocka_unit_test(test_fold__takes_any_bytes),
    };
    return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
