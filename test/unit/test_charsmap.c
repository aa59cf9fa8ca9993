/* The map of characters of a tokenizer: what it finds, and what it may not be. */
#include "charsmap_fixture.h"

#include <string.h>

#include "nn/charsmap.h"

static void test_charsmap__bad_bytes_lead_nowhere(void **state)
{
    (void)state;
    struct error err;
    struct buf text = {0};
    struct charsmap map = {0};
    append_charsmap(&text);
    assert_ok(charsmap_open(text.data, text.len, &map, &err));
    assert_string_equal(charsmap_find(&map, "Xq", 2), "xy");
    assert_null(charsmap_find(&map, "q", 1));
    assert_null(charsmap_find(&map, "", 0));
    map.units[0x100] = 0x7FFFFFFF; /* beyond the replacements */
    assert_null(charsmap_find(&map, "X", 1));
    map.units[0x100 ^ 'X'] |= 0x7FFFFC00; /* beyond the units */
    assert_null(charsmap_find(&map, "X", 1));
    map.units[0] = 0xFFFFFE00;
    assert_null(charsmap_find(&map, "X", 1));
    charsmap_clear(&map);
    for (size_t len = 0; len < text.len; len += 97)
        assert_status(charsmap_open(text.data, len, &map, &err), STATUS_FORMAT);
    buf_clear(&text);
}

/* A key of two bytes goes through a unit at which nothing ends. */
static void test_charsmap__keys_may_be_longer(void **state)
{
    (void)state;
    enum { AT_X = 0x100 ^ 'X', AT_W = 0x100 ^ 'W', AT_END = 0x101 };
    struct error err;
    struct buf text = {0};
    struct charsmap map = {0};
    append_charsmap(&text);
    assert_ok(charsmap_open(text.data, text.len, &map, &err));
    map.units[AT_X] = 'X' | (uint32_t)'X' << 10; /* on to 0x100 again */
    map.units[AT_W] = 'W' | 1u << 8 | (uint32_t)(AT_W ^ AT_END) << 10;
    assert_string_equal(charsmap_find(&map, "XWq", 3), "xy");
    assert_null(charsmap_find(&map, "X", 1));
    assert_null(charsmap_find(&map, "Xq", 2));
    charsmap_clear(&map);
    buf_clear(&text);
}

/* What a map may not be, as bytes and as base64. */
static void test_charsmap__names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *said; /* NULL: nothing is wrong */
    } rows[] = {
        {"\4\0\0\0uuuu\0", 9, NULL},
        {"\4\0\0\0uuuu\xCF\xBB\0", 11, NULL},
        {"\4\0\0", 3, "cut short"},
        {"\0\0\0\0uuuu\0", 9, "no multiple of 4"},
        {"\3\0\0\0uuuu\0", 9, "no multiple of 4"},
        {"\b\0\0\0uuuu\0", 9, "no multiple of 4"},
        {"\4\0\0\0uuuu", 8, "do not end with NUL"},
        {"\4\0\0\0uuuuxy", 10, "do not end with NUL"},
        {"\4\0\0\0uuuu\xFF\0", 10, "not UTF-8"},
    };
    struct charsmap map = {0};
    struct error err;
    assert_null(charsmap_find(&map, "a", 1));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = {0}, bytes = {0};
        buf_append(&bytes, rows[i].bytes, rows[i].len);
        append_base64(&text, &bytes);
        enum status status = charsmap_open(text.data, text.len, &map, &err);
        assert_status(status, rows[i].said ? STATUS_FORMAT : STATUS_OK);
        if (rows[i].said)
            assert_non_null(strstr(err.message, rows[i].said));
        charsmap_clear(&map);
        buf_clear(&text);
        buf_clear(&bytes);
    }
    static const char *const no_digits[] = {"AB-A", "AB=A", "A===", "\x80\x80\x80\x80"};
    for (size_t i = 0; i < sizeof no_digits / sizeof no_digits[0]; i++)
        assert_status(charsmap_open(no_digits[i], 4, &map, &err), STATUS_FORMAT);
    assert_status(charsmap_open("+/+/+/9", 7, &map, &err), STATUS_FORMAT);
    assert_status(charsmap_open("+/+/+/9=", 8, &map, &err), STATUS_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_charsmap__bad_bytes_lead_nowhere),
        cmocka_unit_test(test_charsmap__keys_may_be_longer),
        cmocka_unit_test(test_charsmap__names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
