#include "../testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "query/query_syntax.h"

static struct error err;

/* One line: +words "phrase" prefix* and - in front of what is excluded; then the condition. */
static void describe(const struct query_syntax *query, struct buf *out)
{
    static const char *const before[] = {"[", "\"", "{"}, *const behind[] = {"]", "\"", "*}"};
    for (size_t i = 0; i < query->n_clauses; i++) {
        const struct lexical_clause *clause = &query->clauses[i];
        buf_printf(out, "%s%s%s%.*s%s", i ? " " : "", clause->is_excluded ? "-" : "",
                   before[clause->kind], (int)clause->len, clause->text, behind[clause->kind]);
    }
    if (*query->where_text)
        buf_printf(out, " | %s", query->where_text);
}

static const struct {
    const char *text, *described, *embedded;
} rows[] = {
    {"green tea", "[green tea]", "green tea"},
    {"  green   tea ", "[green   tea]", "green   tea"},
    {"how to \"brew green\" tea", "[how to] \"brew green\" [tea]", "how to brew green tea"},
    {"\"green tea\"", "\"green tea\"", "green tea"},
    {"\"green tea\", \"black\".", "\"green tea\" [,] \"black\" [.]", "green tea , black ."},
    {"tea -green", "[tea] -[green]", "tea"},
    {"-green tea", "-[green] [tea]", "tea"},
    {"tea -\"green leaf\" cup", "[tea] -\"green leaf\" [cup]", "tea cup"},
    {"tea -gre*", "[tea] -{gre*}", "tea"},
    {"conf* file", "{conf*} [file]", "conf file"},
    {"a1b* x", "{a1b*} [x]", "a1b x"},
    {"\xC3\xA9t* x", "{\xC3\xA9t*} [x]", "\xC3\xA9t x"},
    {"tea -\xC3\xA9t\xC3\xA9", "[tea] -[\xC3\xA9t\xC3\xA9]", "tea"},
    /* plain words */
    {"-5 degrees", "[-5 degrees]", "-5 degrees"},
    {"a - b", "[a - b]", "a - b"},
    {"well-known e-mail", "[well-known e-mail]", "well-known e-mail"},
    {"ls --all", "[ls --all]", "ls --all"},
    {"C* algebra", "[C* algebra]", "C* algebra"},
    {"2* x", "[2* x]", "2* x"},
    {"2a* x", "[2a* x]", "2a* x"},
    {"**bold** * x", "[**bold** * x]", "**bold** * x"},
    {"a*b foo*, bar", "[a*b foo*, bar]", "a*b foo*, bar"},
    {"a 5\" disk", "[a 5\" disk]", "a 5\" disk"},
    {"5\" and 3\" disks", "[5\" and 3\" disks]", "5\" and 3\" disks"},
    {"say \"hello", "[say \"hello]", "say \"hello"},
    {"tea -\"hello", "[tea -\"hello]", "tea -\"hello"},
    {"\"\" tea \" \"", "[\"\" tea \" \"]", "\"\" tea \" \""},
    {"\"foo\"bar", "[\"foo\"bar]", "\"foo\"bar"},
    {"note: this", "[note: this]", "note: this"},
    {"see https://example.org/a?b=c", "[see https://example.org/a?b=c]",
     "see https://example.org/a?b=c"},
    {"std::vector title: x", "[std::vector title: x]", "std::vector title: x"},
    {"author:smith", "[author:smith]", "author:smith"},
    {"meta.:x meta:y", "[meta.:x meta:y]", "meta.:x meta:y"},
    {"subtitle:x", "[subtitle:x]", "subtitle:x"},
    /* fields */
    {"tea kind:pdf", "[tea] | \"kind\" = \"pdf\"", "tea"},
    {"tea -kind:pdf cup", "[tea] [cup] | not \"kind\" = \"pdf\"", "tea cup"},
    {"Title:kettle tea", "[tea] | \"Title\" ~ \"kettle\"", "tea"},
    {"tea title:\"a kettle\" x", "[tea] [x] | \"title\" ~ \"a kettle\"", "tea x"},
    {"tea title:\"a kettle", "[tea] [kettle] | \"title\" ~ \"\\\"a\"", "tea kettle"},
    {"tea path:*.pdf", "[tea] | \"path\" like \"*.pdf\"", "tea"},
    {"tea path:papers/ name:rep", "[tea] | \"path\" ~ \"papers/\" and \"name\" ~ \"rep\"", "tea"},
    {"tea collection:work", "[tea] | \"collection\" = \"work\"", "tea"},
    {"tea after:2024 before:2024-05",
     "[tea] | \"modified\" >= \"2024\" and \"modified\" < \"2024-05\"", "tea"},
    {"tea meta.author:smith", "[tea] | \"meta.author\" ~ \"smith\"", "tea"},
    {"tea meta.year:1843", "[tea] | \"meta.year\" = \"1843\"", "tea"},
    {"tea meta.date:2024-05", "[tea] | \"meta.date\" = \"2024-05\"", "tea"},
    {"tea path:a\\b", "[tea] | \"path\" ~ \"a\\\\b\"", "tea"},
};

static void test_query_syntax__reads_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = {0};
        struct query_syntax query;
        struct buf described = {0};
        assert_ok(query_syntax_parse(rows[i].text, &arena, &query, &err));
        describe(&query, &described);
        assert_string_equal(buf_text(&described), rows[i].described);
        assert_string_equal(query.text, rows[i].embedded);
        assert_true((query.where != NULL) == (*query.where_text != '\0'));
        buf_clear(&described);
        arena_clear(&arena);
    }
}

static void test_query_syntax__fields_choose_documents(void **state)
{
    (void)state;
    struct store_document document = {.path = "/me/papers/report.pdf",
                                      .title = "On Kettles",
                                      .kind = "pdf",
                                      .collection = "work",
                                      .mtime_ns = INT64_C(1715941800) * 1000000000,
                                      .meta = "{\"author\":\"John Smith\",\"tags\":[\"a\",\"b\"]}"};
    static const struct {
        const char *text;
        bool is_match;
    } cases[] = {
        {"x path:*.pdf", true},
        {"x path:papers", true},
        {"x name:papers", false},
        {"x name:REP", true},
        {"x title:kettle", true},
        {"x kind:pdf", true},
        {"x -kind:pdf", false},
        {"x collection:home", false},
        {"x after:2024-05-17", true},
        {"x before:2024-05-17", false},
        {"x before:2024-06", true},
        {"x meta.author:smith", true},
        {"x meta.tags:b -meta.tags:c", true},
        {"x -meta.tags:b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct query_syntax query;
        assert_ok(query_syntax_parse(cases[i].text, &arena, &query, &err));
        if (where_matches(query.where, &document) != cases[i].is_match)
            fail_msg("%s", cases[i].text);
        arena_clear(&arena);
    }
}

static void test_query_syntax__refuses_what_wants_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"-green", "not wanted"},
        {"-\"green tea\" -cup", "not wanted"},
        {"kind:pdf", "no word"},
        {"", "no word"},
        {"  ", "no word"},
        {"-cup kind:pdf", "not wanted"},
        {"tea kind:pfd", "a kind that"},
        {"tea after:yesterday", "a date like"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct query_syntax query = {.n_clauses = 99};
        assert_status(query_syntax_parse(cases[i].text, &arena, &query, &err), STATUS_INVALID);
        if (!strstr(err.message, cases[i].part) || !*err.hint)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_true(strstr(err.message, "--plain") || strstr(err.hint, "--plain"));
        assert_int_equal(query.n_clauses, 99);
        arena_clear(&arena);
    }
}

/* Whatever is typed: clauses are not empty, and lie in order in the text. */
static void test_query_syntax__takes_anything(void **state)
{
    (void)state;
    static const char *const parts[] = {"\"", "-",    "*",    ":",      " ",        "a",
                                        "bc", "kind", "path", "meta.x", "\xC3\xA9", "\xFF",
                                        "\\", "(",    "pdf",  "2024",   "\t",       "title"};
    uint64_t dice = 99;
    printf("seed %llu\n", (unsigned long long)dice);
    for (size_t i = 0; i < 30000; i++) {
        struct buf text = {0};
        struct arena arena = {0};
        struct query_syntax query;
        for (unsigned n = 0; n < 14; n++) {
            dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            buf_append_text(&text, parts[(dice >> 33) % (sizeof parts / sizeof parts[0])]);
        }
        enum status status = query_syntax_parse(buf_text(&text), &arena, &query, &err);
        assert_true(status == STATUS_OK || status == STATUS_INVALID);
        for (size_t k = 0; !status && k < query.n_clauses; k++) {
            const struct lexical_clause *clause = &query.clauses[k];
            assert_true(clause->len > 0 &&
                        (k == 0 || clause->text >= clause[-1].text + clause[-1].len));
        }
        arena_clear(&arena);
        buf_clear(&text);
    }
}

static void test_query_syntax__long_lines(void **state)
{
    (void)state;
    struct buf text = {0};
    struct arena arena = {0};
    struct query_syntax query;
    for (size_t i = 0; i < 20000; i++)
        buf_append_text(&text, "-a ");
    buf_append_text(&text, "\"b c");
    assert_ok(query_syntax_parse(buf_text(&text), &arena, &query, &err));
    assert_int_equal(query.n_clauses, 20001);
    arena_clear(&arena);
    buf_clear(&text);
}

static void test_query_syntax__any_failing_allocation_is_reported(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    enum status status = STATUS_NOMEM;
    for (unsigned i = 1; status; i++) {
        struct arena arena = {0};
        struct query_syntax query;
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%u", i);
        fault_plan(plan);
        status = query_syntax_parse("tea \"a b\" -c kind:pdf meta.x:y", &arena, &query, &err);
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
        cmocka_unit_test(test_query_syntax__reads_lines),
        cmocka_unit_test(test_query_syntax__fields_choose_documents),
        cmocka_unit_test(test_query_syntax__refuses_what_wants_nothing),
        cmocka_unit_test(test_query_syntax__takes_anything),
        cmocka_unit_test(test_query_syntax__long_lines),
        cmocka_unit_test(test_query_syntax__any_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("query_syntax", tests, NULL, NULL);
}
