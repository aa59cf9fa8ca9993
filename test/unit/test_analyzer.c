#include "../testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "lexical/lexical.h"

static struct error err;

static void collect(void *ctx, const struct analyzer_term *term)
{
    struct buf *out = ctx;
    assert_true(term->len > 0 && term->len <= 255);
    if (out->len > 0)
        buf_append_char(out, ' ');
    buf_append(out, term->bytes, term->len);
}

static void collect_positions(void *ctx, const struct analyzer_term *term)
{
    struct buf *out = ctx;
    collect(ctx, term);
    buf_printf(out, "%s%u/%u", term->is_compound ? "*" : ":", term->position, term->i_word);
}

static struct analyzer *new_analyzer(const char *language)
{
    struct analyzer *analyzer = NULL;
    assert_ok(analyzer_new(language, &analyzer, &err));
    return analyzer;
}

struct analyzer_case {
    const char *text, *terms;
};

static void check_cases(const char *language, enum analyzer_mode mode,
                        const struct analyzer_case *cases, size_t n)
{
    struct analyzer *analyzer = new_analyzer(language);
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0};
        assert_ok(analyzer_terms(analyzer, mode, cases[i].text, strlen(cases[i].text), collect,
                                 &out, &err));
        assert_string_equal(buf_text(&out), cases[i].terms);
        buf_clear(&out);
    }
    analyzer_free(analyzer);
}

#define CHECK(language, mode, cases) \
    check_cases(language, mode, cases, sizeof(cases) / sizeof((cases)[0]))

static void test_analyzer__stems_words(void **state)
{
    (void)state;
    static const struct analyzer_case cases[] = {
        {"", ""},
        {" \n\t.,;!? -- ... ", ""},
        {"The runners were running", "the runner were run"},
        {"Connections, connected; CONNECTING!", "connect connect connect"},
        {"the company's offices", "the compani offic"},
        {"the company\xE2\x80\x99s", "the compani"},
        {"don't", "don't"},
        {"\xC3\x89t\xC3\xA9 \xC3\x84rger", "\xC3\xA9t\xC3\xA9 \xC3\xA4rger"},
        {"\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3", "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x83"},
        {"(brackets) \"quotes\"", "bracket quot"},
        {"__init__", "init"},
        {"_emphasis_", "emphasi"},
    };
    CHECK("english", ANALYZER_INDEX, cases);
}

static void test_analyzer__keeps_names_whole_and_in_parts(void **state)
{
    (void)state;
    static const struct analyzer_case cases[] = {
        {"ERR_CONN_RESET", "err_conn_reset err conn reset"},
        {"v1.2.3", "v1.2.3 v 1 2 3"},
        {"2026.4.10", "2026.4.10 2026 4 10"},
        {"foo.bar", "foo.bar foo bar"},
        {"getFileNames", "getfilenam get file name"},
        {"getfilenames", "getfilenam"},
        {"C++ and C#", "c++ c and c# c"},
        {"ID-123", "id-123 id 123"},
        {"joe@example.org", "joe@example.org joe exampl org"},
        {"1,000,000", "1,000,000 1 000 000"},
        {"one,two", "one two"},
        {"p53", "p53 p 53"},
        {"2026", "2026"},
        {"GPT-4's", "gpt-4 gpt 4 s"},
        {"well-known", "well-known well known"},
        {"foo(bar)", "foo bar"},
        {"a -- b", "a b"},
        {"end. Next", "end next"},
        {"\xEF\xBC\xA1\xEF\xBC\xA2\xEF\xBC\xA3", "abc"}, /* full-width ABC */
    };
    CHECK("english", ANALYZER_INDEX, cases);
}

static void test_analyzer__cuts_unspaced_scripts_in_bigrams(void **state)
{
    (void)state;
    static const struct analyzer_case cases[] = {
        {"東京都", "東京 京都"},
        {"東", "東"},
        {"東京。大阪", "東京 大阪"},
        {"日々の", "日々 々の"},
        {"カタカナ", "カタ タカ カナ"},
        {"GPU使用率", "gpu 使用 用率"},
        {"ไทย", "ไท ทย"},
        {"한국어", "한국 국어"},
    };
    CHECK("english", ANALYZER_INDEX, cases);
}

static void test_analyzer__drops_function_words_from_queries_only(void **state)
{
    (void)state;
    static const struct analyzer_case queries[] = {
        {"What is the capital of France?", "capit franc"},
        {"how do I reset the password", "reset password"},
        {"THE", ""},
    };
    static const struct analyzer_case german[] = {{"the Haus", "the haus"}};
    CHECK("english", ANALYZER_QUERY, queries);
    CHECK("german", ANALYZER_QUERY, german);
}

static void test_analyzer__speaks_other_languages(void **state)
{
    (void)state;
    static const struct analyzer_case german[] = {{"Die H\xC3\xA4user", "die haus"}};
    static const struct analyzer_case french[] = {{"l'eau l\xE2\x80\x99\x65\x61u", "l eau l eau"}};
    static const struct analyzer_case none[] = {{"Running Connections", "running connections"}};
    CHECK("german", ANALYZER_INDEX, german);
    CHECK("french", ANALYZER_INDEX, french);
    CHECK("none", ANALYZER_INDEX, none);
}

static void test_analyzer__numbers_positions_and_words(void **state)
{
    (void)state;
    static const struct {
        const char *language, *text, *terms;
        enum analyzer_mode mode;
    } cases[] = {
        {"english", "the big dog", "the:0/0 big:1/1 dog:2/2", ANALYZER_INDEX},
        {"english", "the big dog", "big:1/1 dog:2/2", ANALYZER_QUERY},
        {"english", "a foo.bar b", "a:0/0 foo.bar*1/1 foo:1/1 bar:2/1 b:3/2", ANALYZER_INDEX},
        {"english", "getFileName of", "getfilenam*0/0 get:0/0 file:1/0 name:2/0 of:3/1",
         ANALYZER_INDEX},
        {"english", "2026 C# v1", "2026:0/0 c#*1/1 c:1/1 v1*2/2 v:2/2 1:3/2", ANALYZER_INDEX},
        {"english", "東京都 x", "東京:0/0 京都:1/0 x:2/1", ANALYZER_INDEX},
        {"english", "東 x", "東:0/0 x:1/1", ANALYZER_INDEX},
        {"french", "l'eau x", "l:0/0 eau:1/0 x:2/1", ANALYZER_INDEX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct analyzer *analyzer = new_analyzer(cases[i].language);
        struct buf out = {0};
        assert_ok(analyzer_terms(analyzer, cases[i].mode, cases[i].text, strlen(cases[i].text),
                                 collect_positions, &out, &err));
        assert_string_equal(buf_text(&out), cases[i].terms);
        buf_clear(&out);
        analyzer_free(analyzer);
    }
}

static void test_analyzer__encodes_terms_then_positions(void **state)
{
    (void)state;
    struct analyzer *analyzer = new_analyzer("none");
    const char *texts[] = {"b a b", "a"};
    const size_t lens[] = {5, 1};
    static const unsigned char expected[] = {1, 'a', 2, 1, 'b', 2, 0, 1, 18, 0, 2};
    struct buf blob = {0};
    uint32_t n_terms = 0;
    assert_ok(lexical_terms_encode(analyzer, texts, lens, 2, &blob, &n_terms, &err));
    assert_int_equal(n_terms, 4);
    assert_int_equal(blob.len, sizeof expected);
    assert_memory_equal(blob.data, expected, sizeof expected);
    buf_reset(&blob);
    assert_ok(lexical_terms_encode(analyzer, texts, lens, 0, &blob, &n_terms, &err));
    assert_true(n_terms == 0 && blob.len == 0);
    buf_clear(&blob);
    analyzer_free(analyzer);
}

static void test_analyzer__refuses_unknown_languages(void **state)
{
    (void)state;
    struct analyzer *analyzer = NULL;
    assert_status(analyzer_new("klingon", &analyzer, &err), STATUS_INVALID);
    assert_null(analyzer);
    assert_non_null(strstr(err.message, "klingon"));
    assert_non_null(strstr(err.hint, "none, "));
    assert_non_null(strstr(err.hint, "english"));
    analyzer_free(NULL);
}

static void test_analyzer__names_itself(void **state)
{
    (void)state;
    struct analyzer *english = new_analyzer("english"), *none = new_analyzer("none");
    assert_memory_equal(analyzer_id(english), "english-", 8);
    assert_memory_equal(analyzer_id(none), "none-", 5);
    analyzer_free(english);
    analyzer_free(none);
}

/* Terms that do not fit are cut, never split in a character, never longer than a byte can say. */
static void test_analyzer__cuts_long_words_at_a_character(void **state)
{
    (void)state;
    struct analyzer *analyzer = new_analyzer("none");
    struct buf text = {0}, out = {0};
    buf_append_char(&text, 'x');
    for (int i = 0; i < 1000; i++)
        buf_append_text(&text, "\xC3\xA9");
    assert_ok(analyzer_terms(analyzer, ANALYZER_INDEX, text.data, text.len, collect, &out, &err));
    assert_int_equal(out.len, 255);
    buf_reset(&out);
    buf_append_char(&text, 'x');
    buf_truncate(&text, 0);
    for (int i = 0; i < 1000; i++)
        buf_append_text(&text, "\xC3\xA9");
    assert_ok(analyzer_terms(analyzer, ANALYZER_INDEX, text.data, text.len, collect, &out, &err));
    assert_int_equal(out.len, 254);
    buf_clear(&text);
    buf_clear(&out);
    analyzer_free(analyzer);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void test_analyzer__survives_any_bytes(void **state)
{
    (void)state;
    static const char alphabet[] = "aZ9_.,'-@#+ \n\x80\xC3\xA9\xE6\x9D\xB1\xE0\xB8\x97\xF0\xFF";
    struct analyzer *analyzer = new_analyzer("english");
    uint32_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char text[64];
        size_t len = next_random(&seed) % sizeof text;
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        struct buf out = {0};
        assert_ok(analyzer_terms(analyzer, round % 2 ? ANALYZER_QUERY : ANALYZER_INDEX, text, len,
                                 collect, &out, &err));
        buf_clear(&out);
    }
    analyzer_free(analyzer);
}

static void test_analyzer__is_linear_in_hostile_text(void **state)
{
    (void)state;
    static const char *const units[] = {"_",  "a.",       "'", "1,",
                                        "aB", "\xCC\x81", "+", "\xE6\x9D\xB1"};
    struct analyzer *analyzer = new_analyzer("english");
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct buf text = {0}, out = {0};
        while (text.len < 1000000)
            buf_append_text(&text, units[i]);
        assert_ok(
            analyzer_terms(analyzer, ANALYZER_INDEX, text.data, text.len, collect, &out, &err));
        buf_clear(&text);
        buf_clear(&out);
    }
    analyzer_free(analyzer);
}

static void test_analyzer__reports_lack_of_memory(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    struct analyzer *analyzer = NULL;
    fault_plan("mem:1");
    assert_status(analyzer_new("english", &analyzer, &err), STATUS_NOMEM);
    fault_plan(NULL);
    assert_null(analyzer);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analyzer__stems_words),
        cmocka_unit_test(test_analyzer__keeps_names_whole_and_in_parts),
        cmocka_unit_test(test_analyzer__cuts_unspaced_scripts_in_bigrams),
        cmocka_unit_test(test_analyzer__drops_function_words_from_queries_only),
        cmocka_unit_test(test_analyzer__speaks_other_languages),
        cmocka_unit_test(test_analyzer__numbers_positions_and_words),
        cmocka_unit_test(test_analyzer__encodes_terms_then_positions),
        cmocka_unit_test(test_analyzer__refuses_unknown_languages),
        cmocka_unit_test(test_analyzer__names_itself),
        cmocka_unit_test(test_analyzer__cuts_long_words_at_a_character),
        cmocka_unit_test(test_analyzer__survives_any_bytes),
        cmocka_unit_test(test_analyzer__is_linear_in_hostile_text),
        cmocka_unit_test(test_analyzer__reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
