#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/utf8.h"
#include "text/text.h"

static struct error err;

struct normalize_case {
    const char *text, *collapsed, *kept;
};

static const struct normalize_case cases[] = {
    {"", "", ""},
    {"plain words", "plain words", "plain words"},
    {"  two  \t blanks \n", "two blanks", "  two  \t blanks \n"},
    {"a\r\nb\rc\nd", "a b c d", "a\nb\nc\nd"},
    {"a\xE2\x80\xA8"
     "b\xC2\x85"
     "c",
     "a b c", "a\nb\nc"},
    {"e\xCC\x81", "\xC3\xA9", "\xC3\xA9"},
    {"A\xCC\x8A ngstr\xC3\xB6m", "\xC3\x85 ngstr\xC3\xB6m", "\xC3\x85 ngstr\xC3\xB6m"},
    {"\xE2\x84\xAB", "\xC3\x85", "\xC3\x85"},                                 /* angstrom sign */
    {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C", "\xED\x95\x9C"}, /* jamo */
    {"q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87", "q\xCC\xA3\xCC\x87"},          /* order of marks */
    {"e\xE2\x80\x8D\xCC\x81", "\xC3\xA9", "\xC3\xA9"}, /* a dropped joiner parts nothing */
    {"hy\xC2\xADphen", "hyphen", "hyphen"},
    {"z\xE2\x80\x8B\xE2\x80\x8C\xE2\x80\x8Dw\xEF\xBB\xBF", "zw", "zw"},
    {"\xEF\xBB\xBFtext", "text", "text"},
    {"a\xE2\x80\xAE\xE2\x81\xA6"
     "b\xE2\x81\xA9",
     "ab", "ab"},
    {"a\xF3\xA0\x81\x81\xF3\xA0\x80\x81"
     "b",
     "ab", "ab"}, /* tag characters */
    {"a\x01\x1B\x7F"
     "b\xC2\x80",
     "ab", "ab"},
    {"a\x0C"
     "b",
     "a b", "a b"},
    {"a\xC2\xA0"
     "b\xE3\x80\x80"
     "c",
     "a b c",
     "a\xC2\xA0"
     "b\xE3\x80\x80"
     "c"},
    {"bad\xFF\xC3", "bad\xEF\xBF\xBD\xEF\xBF\xBD", "bad\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"\xEF\xBC\xA1\xEF\xAC\x81", "\xEF\xBC\xA1\xEF\xAC\x81", "\xEF\xBC\xA1\xEF\xAC\x81"},
};

static void test_normalize__gives_clean_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf collapsed = {0}, kept = {0};
        text_normalize(cases[i].text, strlen(cases[i].text), TEXT_SPACE_COLLAPSE, &collapsed);
        text_normalize(cases[i].text, strlen(cases[i].text), TEXT_SPACE_KEEP, &kept);
        assert_string_equal(buf_text(&collapsed), cases[i].collapsed);
        assert_string_equal(buf_text(&kept), cases[i].kept);
        buf_clear(&collapsed);
        buf_clear(&kept);
    }
}

static void test_normalize__drops_nul(void **state)
{
    (void)state;
    struct buf out = {0};
    text_normalize("a\0b", 3, TEXT_SPACE_KEEP, &out);
    assert_string_equal(buf_text(&out), "ab");
    buf_clear(&out);
}

static void test_normalize__appends(void **state)
{
    (void)state;
    struct buf out = {0};
    buf_append_text(&out, "before");
    text_normalize("  after ", 8, TEXT_SPACE_COLLAPSE, &out);
    assert_string_equal(buf_text(&out), "beforeafter");
    buf_clear(&out);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Letters with and without marks, jamo, Indic vowel signs that compose: pieces must not show. */
static uint32_t random_codepoint(uint32_t *seed)
{
    static const struct {
        uint32_t first, n;
    } ranges[] = {{'a', 26},     {0x00C0, 64},  {0x0300, 48},  {0x1100, 19},
                  {0x1161, 21},  {0x11A8, 27},  {0x09BE, 26},  {0x0BBE, 26},
                  {0x1E00, 200}, {0xAC00, 500}, {0x11099, 34}, {0x4E00, 100}};
    uint32_t i = next_random(seed) % (sizeof ranges / sizeof ranges[0]);
    return ranges[i].first + next_random(seed) % ranges[i].n;
}

static void test_normalize__equals_the_library_in_one_go(void **state)
{
    (void)state;
    uint32_t seed = 23;
    for (int round = 0; round < 60; round++) {
        struct buf text = {0}, out = {0};
        for (int i = 0; i < 100 * round; i++) {
            buf_append_codepoint(&text, random_codepoint(&seed));
            if (next_random(&seed) % 40 == 0)
                buf_append_char(&text, ' ');
        }
        text_normalize(buf_text(&text), text.len, TEXT_SPACE_KEEP, &out);
        utf8proc_uint8_t *expected = utf8proc_NFC((const utf8proc_uint8_t *)buf_text(&text));
        assert_non_null(expected);
        assert_string_equal(buf_text(&out), (const char *)expected);
        free(expected);
        buf_clear(&text);
        buf_clear(&out);
    }
}

static void test_normalize__gives_valid_text_for_any_bytes(void **state)
{
    (void)state;
    uint32_t seed = 29;
    for (int round = 0; round < 3000; round++) {
        char text[40];
        size_t len = next_random(&seed) % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(next_random(&seed) % 3 ? next_random(&seed) : 0xCC);
        struct buf out = {0};
        text_normalize(text, len, round % 2 ? TEXT_SPACE_KEEP : TEXT_SPACE_COLLAPSE, &out);
        assert_true(utf8_is_valid(buf_text(&out), out.len));
        assert_null(memchr(buf_text(&out), 0, out.len));
        buf_clear(&out);
    }
}

static void test_normalize__is_linear_in_hostile_text(void **state)
{
    (void)state;
    static const char *const units[] = {"\xCC\x81\xCC\xA3", " ", "\xC2\xAD", "\xFF", "\r\n", "a "};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct buf text = {0}, out = {0};
        while (text.len < 1000000)
            buf_append_text(&text, units[i]);
        text_normalize(text.data, text.len, TEXT_SPACE_COLLAPSE, &out);
        assert_true(utf8_is_valid(buf_text(&out), out.len));
        assert_int_equal(out.failed, STATUS_OK);
        buf_clear(&text);
        buf_clear(&out);
    }
}

static void test_normalize__fails_with_the_buffer(void **state)
{
    (void)state;
    struct buf out = {.limit_bytes = 4};
    text_normalize("longer than four", 16, TEXT_SPACE_KEEP, &out);
    assert_status(buf_status(&out, &err), STATUS_LIMIT);
    buf_clear(&out);
#ifdef RAGGED_FAULT
    fault_plan("mem:1");
    text_normalize("words", 5, TEXT_SPACE_KEEP, &out);
    fault_plan(NULL);
    assert_status(buf_status(&out, &err), STATUS_NOMEM);
    buf_clear(&out);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalize__gives_clean_text),
        cmocka_unit_test(test_normalize__drops_nul),
        cmocka_unit_test(test_normalize__appends),
        cmocka_unit_test(test_normalize__equals_the_library_in_one_go),
        cmocka_unit_test(test_normalize__gives_valid_text_for_any_bytes),
        cmocka_unit_test(test_normalize__is_linear_in_hostile_text),
        cmocka_unit_test(test_normalize__fails_with_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
