#include "../testing.h"

#include <string.h>

#include "base/buf.h"
#include "text/text.h"

/* Sentences are separated by '|' where they are expected to end. */
static const char *const texts[] = {
    "One. |Two.",
    "One! |Two? |Three.",
    "No stop at all",
    "He said e.g. Paris is large. |Next.",
    "That is, i.e. London, is big. |Next.",
    "Dr. Smith came. |Mr. Jones left.",
    "Prof. Miller and Mrs. Brown agree. |Good.",
    "See Fig. 3 for this. |Then Sec. 4.",
    "The answer is no. |We left.",
    "It is no. 5 of 7. |Good.",
    "Oil vs. Water was played. |Good.",
    "Apples, pears, etc. |They are sweet.",
    "Apples, pears, etc. are sweet. |Good.",
    "J. Smith and A. B. Clark wrote it. |Good.",
    "J. R. R. Tolkien wrote. |Good.",
    "As Smith et al. (2010) show, it works. |Good.",
    "Shown by Smith et al. |The rest is new.",
    "Acme Inc. Germany sells. |It is rich.",
    "He works for Acme Inc. |The company is rich.",
    "The U.S. Army came. |Good.",
    "He lives in the U.S. |The law is old.",
    "At 5 p.m. they left. |Good.",
    "Pi is 3.14 and e is 2.72. |Good.",
    "Use version 2.0.1 or v3.2. |Good.",
    "It costs 1.000,50 euro. |Good.",
    "Visit example.org or foo.bar.com. |Good.",
    "Wait... what? |Yes.",
    "Hmm... |Then it ended.",
    "And so on\xE2\x80\xA6 |Next.",
    "\"Is it?\" he asked. |Yes.",
    "He said \"stop.\" |She did.",
    "(It was late.) |They slept.",
    "It ends (as it should). |Good.",
    "What?! |No.",
    "It is so.[12] |Next.",
    "It is so.[3, 4] |Next.",
    "approx. 5 of them. |Good.",
    "cf. Miller. |Good.",
    "It came from vol. 3, pp. 4-5. |Good.",
    "1. Introduction to it. |It begins.",
    "a. First thing. |Good.",
    "It was 1999. |Then came 2000.",
    "Vitamin C. |The rest.",
    "He went to St. Petersburg. |Good.",
    "iPhone. eBay. |Good.",
    "First line\n|Second line",
    "First.\n\n|second",
    "- one\n|- two",
    "\xE4\xB8\x80\xE3\x80\x82|\xE4\xBA\x8C\xEF\xBC\x81|\xE4\xB8\x89\xEF\xBC\x9F",
    "\xE3\x80\x8C\xE4\xB8\x80\xE3\x80\x82\xE3\x80\x8D|\xE4\xBA\x8C",
    "\xC3\x89t\xC3\xA9. |\xC3\x80 la mer.",
    "Fin. |\xC2\xABOui.\xC2\xBB |Non.",
    "Fin. \xC3\xA9t\xC3\xA9. |Ha.",
    "\xE0\xA4\x95\xE0\xA5\xA4 |\xE0\xA4\x96\xE0\xA5\xA4",
    "  Leading blanks. |Good.  ",
    "x = a.b.c(). |Good.",
    "Really?? |Really.",
    "...",
    ".",
};

static void test_sentence__ends_where_a_reader_would(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf plain = {0}, cut = {0};
        for (const char *c = texts[i]; *c; c++)
            if (*c != '|')
                buf_append_char(&plain, *c);
        for (size_t at = 0, end; at < plain.len; at = end) {
            end = text_sentence_end(plain.data, plain.len, at);
            assert_true(end > at && end <= plain.len);
            buf_append(&cut, plain.data + at, end - at);
            if (end < plain.len)
                buf_append_char(&cut, '|');
        }
        assert_string_equal(buf_text(&cut), texts[i]);
        buf_clear(&plain);
        buf_clear(&cut);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_sentence__walks_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "aB1. .!?)[]\"'\n\xE3\x80\x82\xE2\x80\xA6\xFF\xC2";
    uint32_t seed = 3;
    for (int round = 0; round < 5000; round++) {
        char text[48];
        size_t len = 1 + next_random(&seed) % (sizeof text - 1);
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        /* A copy of its own size, so that a read past the end is seen. */
        char *copy = test_malloc(len);
        memcpy(copy, text, len);
        for (size_t at = 0, end; at < len; at = end) {
            end = text_sentence_end(copy, len, at);
            assert_true(end > at && end <= len);
        }
        test_free(copy);
    }
}

static void test_sentence__is_linear_in_hostile_text(void **state)
{
    (void)state;
    static const char *const units[] = {".",   ".x", ". a", ".)",   ".[1",
                                        "a.b", " ",  "?!",  ".\"x", "\xE2\x80\xA6x"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct buf text = {0};
        while (text.len < 1000000)
            buf_append_text(&text, units[i]);
        for (size_t at = 0; at < text.len;)
            at = text_sentence_end(text.data, text.len, at);
        buf_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentence__ends_where_a_reader_would),
        cmocka_unit_test(test_sentence__walks_any_bytes),
        cmocka_unit_test(test_sentence__is_linear_in_hostile_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
