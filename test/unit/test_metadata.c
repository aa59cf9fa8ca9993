#include "../testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "query/metadata.h"

static struct error err;

struct given_case {
    const char *texts[6];
    const char *expected;
};

static size_t count(const char *const *texts)
{
    size_t n = 0;
    while (texts[n])
        n++;
    return n;
}

static void test_metadata__given_texts_become_values(void **state)
{
    (void)state;
    static const struct given_case cases[] = {
        {{NULL}, ""},
        {{"author=Ada"}, "{\"author\":\"Ada\"}"},
        {{"Document Type= a  b ", "url=x=y"}, "{\"document_type\":\"a b\",\"url\":\"x=y\"}"},
        {{"year=1843", "rating=4.5", "draft=true"},
         "{\"year\":1843,\"rating\":4.5,\"draft\":true}"},
        {{"zip=01234", "id=20240517103000123", "sum=1e400", "day=2024-05-17"},
         "{\"zip\":\"01234\",\"id\":\"20240517103000123\",\"sum\":\"1e400\",\"day\":\"2024-05-"
         "17\"}"},
        {{"tag=a", "tag=b", "tag=a"}, "{\"tag\":[\"a\",\"b\"]}"},
        {{"tag="}, "{\"tag\":null}"},
        {{"a=\xFF"}, "{\"a\":\"\xEF\xBF\xBD\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        const char *given = NULL;
        assert_ok(
            metadata_given_parse(cases[i].texts, count(cases[i].texts), &arena, &given, &err));
        assert_string_equal(given, cases[i].expected);
        arena_clear(&arena);
    }
    static const char *const bad[] = {"", "author", "=x", "_given=x", " =x", "_=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena arena = {0};
        const char *given = "untouched";
        assert_status(metadata_given_parse(&bad[i], 1, &arena, &given, &err), STATUS_INVALID);
        assert_string_equal(given, "untouched");
        assert_true(err.hint[0] != '\0');
        arena_clear(&arena);
    }
}

static void test_metadata__what_is_given_is_bounded(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *given = NULL, *many[65];
    char value[2000] = "a=";
    const char *one = value;
    memset(value + 2, 'x', 1024);
    assert_ok(metadata_given_parse(&one, 1, &arena, &given, &err));
    memset(value + 2, 'x', 1025);
    assert_status(metadata_given_parse(&one, 1, &arena, &given, &err), STATUS_LIMIT);
    for (size_t i = 0; i < 65; i++)
        many[i] = "a=b";
    assert_ok(metadata_given_parse(many, 64, &arena, &given, &err));
    assert_status(metadata_given_parse(many, 65, &arena, &given, &err), STATUS_LIMIT);
    arena_clear(&arena);
}

static void test_metadata__now_wins_over_before(void **state)
{
    (void)state;
    static const struct {
        const char *before, *now, *joined;
        bool is_changed;
    } cases[] = {
        {"", "", "", false},
        {"{\"a\":1}", "", "{\"a\":1}", false},
        {"{\"a\":1}", "{\"a\":1}", "{\"a\":1}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2}", "{\"a\":1,\"b\":2}", false},
        {"", "{\"a\":1}", "{\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}", true},
        {"{\"a\":1}", "{\"a\":\"1\"}", "{\"a\":\"1\"}", true},
        {"{\"a\":[\"x\"]}", "{\"a\":[\"x\",\"y\"]}", "{\"a\":[\"x\",\"y\"]}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}", true},
        {"{\"a\":1}", "{\"a\":null}", "", true},
        {"", "{\"a\":null}", "", false},
        {"damaged", "{\"a\":1}", "{\"a\":1}", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        const char *joined = NULL;
        bool is_changed = !cases[i].is_changed;
        assert_ok(
            metadata_given_join(cases[i].before, cases[i].now, &arena, &joined, &is_changed, &err));
        assert_string_equal(joined, cases[i].joined);
        assert_int_equal(is_changed, cases[i].is_changed);
        arena_clear(&arena);
    }
}

static void test_metadata__given_lies_over_what_is_loaded(void **state)
{
    (void)state;
    struct arena arena = {0};
    const char *stored, *given, *shown;
    assert_ok(metadata_join("{\"a\":\"file\",\"b\":1}", "{\"a\":\"user\",\"c\":true}", &arena,
                            &stored, &err));
    assert_string_equal(stored, "{\"_given\":[\"a\",\"c\"],\"a\":\"user\",\"c\":true,\"b\":1}");
    assert_ok(metadata_given_of(stored, &arena, &given, &err));
    assert_string_equal(given, "{\"a\":\"user\",\"c\":true}");
    assert_ok(metadata_show(stored, &arena, &shown, &err));
    assert_string_equal(shown, "{\"a\":\"user\",\"c\":true,\"b\":1}");
    assert_ok(metadata_join("{\"b\":1}", "", &arena, &stored, &err));
    assert_string_equal(stored, "{\"b\":1}");
    assert_ok(metadata_given_of("{\"b\":1}", &arena, &given, &err));
    assert_string_equal(given, "");
    assert_ok(metadata_given_of(NULL, &arena, &given, &err));
    assert_string_equal(given, "");
    assert_ok(metadata_given_of("{\"_given\":[1,\"x\",null],\"b\":1}", &arena, &given, &err));
    assert_string_equal(given, "");
    assert_ok(metadata_given_of("{\"_given\":", &arena, &given, &err));
    assert_string_equal(given, "");
    arena_clear(&arena);
}

static void test_metadata__joined_it_is_bounded_and_given_has_room(void **state)
{
    (void)state;
    struct buf loaded = {0};
    struct arena arena = {0};
    const char *stored;
    buf_append_char(&loaded, '{');
    for (unsigned i = 0; i < 64; i++)
        buf_printf(&loaded, "%s\"k%u\":\"%0230u\"", i ? "," : "", i, i);
    buf_append_char(&loaded, '}');
    assert_ok(metadata_join(buf_text(&loaded), "{\"mine\":\"x\"}", &arena, &stored, &err));
    assert_true(strlen(stored) <= 16 * 1024);
    assert_non_null(strstr(stored, "\"mine\":\"x\""));
    assert_non_null(strstr(stored, "\"k50\""));
    assert_null(strstr(stored, "\"k63\""));
    buf_clear(&loaded);
    arena_clear(&arena);
}

static void test_metadata__reads_elements(void **state)
{
    (void)state;
    static const char meta[] =
        "{\"a\":1,\"b\":[\"x\",\"y\\\"\\u00e9\"],\"c\":\"\",\"d\":[],\"e\":true}";
    struct metadata_reader reader;
    assert_true(metadata_find(meta, "b", &reader));
    assert_true(metadata_next(&reader));
    assert_true(reader.len == 1 && reader.text[0] == 'x');
    assert_true(metadata_next(&reader));
    assert_true(reader.len == 4 && memcmp(reader.text, "y\"\xC3\xA9", 4) == 0);
    assert_false(metadata_next(&reader));
    assert_false(metadata_next(&reader));
    assert_true(metadata_find(meta, "e", &reader) && metadata_next(&reader));
    assert_true(reader.len == 4 && memcmp(reader.text, "true", 4) == 0);
    assert_true(metadata_find(meta, "d", &reader) && !metadata_next(&reader));
    assert_true(metadata_find(meta, "c", &reader) && metadata_next(&reader) && reader.len == 0);
    assert_false(metadata_find(meta, "f", &reader) || metadata_find("", "a", &reader) ||
                 metadata_find(NULL, "a", &reader));
    struct buf text = {0};
    buf_append_text(&text, "{\"a\":\"");
    for (size_t i = 0; i < 3 * METADATA_ELEMENT_BYTES_MAX; i++)
        buf_append_char(&text, 'x');
    buf_append_text(&text, "\",\"b\":2}");
    assert_true(metadata_find(buf_text(&text), "a", &reader) && metadata_next(&reader));
    assert_int_equal(reader.len, METADATA_ELEMENT_BYTES_MAX);
    assert_true(metadata_find(buf_text(&text), "b", &reader) && metadata_next(&reader));
    buf_clear(&text);
}

static void test_metadata__any_failing_allocation_is_reported(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    static const char *const texts[] = {"a=1", "b=x", "b=y"};
    enum status status = STATUS_NOMEM;
    for (unsigned i = 1; status; i++) {
        struct arena arena = {0};
        const char *given = "", *joined = "", *stored = "";
        bool is_changed;
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%u", i);
        fault_plan(plan);
        status = metadata_given_parse(texts, 3, &arena, &given, &err);
        if (!status)
            status = metadata_given_join("{\"c\":1}", given, &arena, &joined, &is_changed, &err);
        if (!status)
            status = metadata_join("{\"d\":1}", joined, &arena, &stored, &err);
        if (!status)
            status = metadata_given_of(stored, &arena, &given, &err);
        fault_plan(NULL);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        arena_clear(&arena);
        assert_true(i < 1000);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metadata__given_texts_become_values),
        cmocka_unit_test(test_metadata__what_is_given_is_bounded),
        cmocka_unit_test(test_metadata__now_wins_over_before),
        cmocka_unit_test(test_metadata__given_lies_over_what_is_loaded),
        cmocka_unit_test(test_metadata__joined_it_is_bounded_and_given_has_room),
        cmocka_unit_test(test_metadata__reads_elements),
        cmocka_unit_test(test_metadata__any_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
