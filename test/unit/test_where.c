#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "query/query.h"
#include "query/where.h"

static struct error err;

/* 2024-05-17T10:30:00Z */
#define MODIFIED_MS INT64_C(1715941800000)

static const struct store_document sample = {
    .path = "/home/me/Papers/Report-2024.pdf",
    .title = "On Kettles",
    .kind = "pdf",
    .collection = "work",
    .size_bytes = 3 * 1024 * 1024,
    .mtime_ns = MODIFIED_MS * 1000000,
    .added_ms = MODIFIED_MS + 86400000,
    .n_pages = 12,
    .n_chunks = 40,
    .meta =
        "{\"_given\":[\"tags\"],\"tags\":[\"tea\",\"To Read\"],\"author\":\"Ada \\\"Q\\\" "
        "Lovelace\","
        "\"empty\":[],\"year\":1843,\"rating\":4.5,\"draft\":false,\"date\":\"2024-05-17\","
        "\"isbn\":\"0123456789\",\"og:title\":\"x\",\"back\":\"a\\\\b\",\"author.name\":\"Ada\","
        "\"ids\":[\"7\",\"12\"],\"kind\":\"essay\",\"big\":\"20240517103000123\"}",
};

static const struct store_document bare = {
    .path = "/b.txt", .title = "", .kind = "", .collection = "c"};

static bool matches(const char *text, const struct store_document *document)
{
    struct arena arena = {0};
    const struct where *where = NULL;
    assert_ok(where_compile(text, &arena, &where, &err));
    bool is_match = where_matches(where, document);
    arena_clear(&arena);
    return is_match;
}

struct expectation {
    const char *text;
    bool is_match;
};

static void check_all(const struct expectation *rows, size_t n,
                      const struct store_document *document)
{
    for (size_t i = 0; i < n; i++)
        if (matches(rows[i].text, document) != rows[i].is_match)
            fail_msg("%s: not %s", rows[i].text, rows[i].is_match ? "true" : "false");
}
#define CHECK_ALL(rows, document) check_all(rows, sizeof rows / sizeof rows[0], document)

static void test_where__texts(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"title = \"on kettles\"", true},
        {"title = 'ON KETTLES'", true},
        {"title == on", false},
        {"title != on", true},
        {"title <> \"On Kettles\"", false},
        {"title ~ KETTLE", true},
        {"title ~ tea", false},
        {"title < p", true},
        {"title <= \"on kettles\"", true},
        {"title > \"on kettles\"", false},
        {"title >= o", true},
        {"title in (a, \"On Kettles\")", true},
        {"title in (a, b)", false},
        {"TITLE ~ kettles AND Kind = PDF", true},
        {"kind = pdf", true},
        {"kind in (html, markdown)", false},
        {"kind ~ d", true},
        {"collection = Work", true},
        {"name = report-2024.PDF", true},
        {"name ~ 2024", true},
        {"name like '*.PDF'", true},
        {"name like 'report-????.pdf'", true},
        {"name like '*.md'", false},
        {"path = /home/me/Papers/Report-2024.pdf", true},
        {"path = /home/me/papers/report-2024.pdf", false},
        {"path != /home/me/papers/report-2024.pdf", true},
        {"path ~ papers/", true},
        {"path like '*.pdf'", true},
        {"path like 'Papers/*'", true},
        {"path like '/x/*'", false},
        {"path in ('/a', '/home/me/Papers/Report-2024.pdf')", true},
    };
    CHECK_ALL(rows, &sample);
}

static void test_where__numbers_and_sizes(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"pages = 12", true},          {"pages = 12.0", true},   {"pages != 12", false},
        {"pages < 13", true},          {"pages < 9", false},     {"pages <= 12", true},
        {"pages > 9", true},           {"pages >= 12.5", false}, {"pages in (1, 12)", true},
        {"chunks > 39", true},         {"size = 3M", true},      {"size > 10k", true},
        {"size > 3MiB", false},        {"size <= '3 MB'", true}, {"size < 3145729", true},
        {"size in (1k, 3072k)", true},
    };
    CHECK_ALL(rows, &sample);
}

static void test_where__dates(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"modified = 2024", true},
        {"modified = 2024-05", true},
        {"modified = 2024-05-17", true},
        {"modified = 2024-05-17T10:30", true},
        {"modified = '2024-05-17 10:30:00'", true},
        {"modified = 2024-05-17T12:30:00+02:00", true},
        {"modified = 2024-05-17T10:31", false},
        {"modified != 2024-05-18", true},
        {"modified > 2024-05", false},
        {"modified >= 2024-05", true},
        {"modified <= 2024-05", true},
        {"modified < 2024-05", false},
        {"modified < 2024-06", true},
        {"modified > 2023", true},
        {"modified in (2023, 2024)", true},
        {"added > 2024-05-17", true},
        {"date = 2024", true},
        {"date = 2024-05-17", true},
        {"date = 2024-05-17T10:30", false}, /* that day is no minute */
        {"date >= 2024-05-01 and date < 2024-06", true},
        {"date < 2024-05-17", false},
        {"date > 2024-05-17", false},
    };
    CHECK_ALL(rows, &sample);
}

static void test_where__metadata(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"tags = tea", true},
        {"tags = \"to read\"", true},
        {"tags ~ READ", true},
        {"tags = read", false},
        {"tags != draft", true},
        {"tags != tea", false},
        {"tags in (x, tea)", true},
        {"author ~ lovelace", true},
        {"author = \"ada \\\"q\\\" lovelace\"", true},
        {"author.name = ada", true},
        {"back = 'a\\\\b'", true},
        {"year = 1843", true},
        {"year < 1850", true},
        {"year > 999", true}, /* as numbers, not as texts */
        {"rating >= 4.5", true},
        {"rating = 4.50", true},
        {"draft = false", true},
        {"draft = true", false},
        {"isbn = 123456789", true},
        {"ids > 10", true},
        {"ids > 12", false},
        {"ids < 7", false},
        {"big = 20240517103000124", false}, /* one double, two texts */
        {"big = 20240517103000123", true},
        {"og:title = x", true},
        {"Author ~ ADA", true},
        {"meta.year = 1843", true},
        {"meta.kind = essay", true},
        {"kind = pdf", true},
        {"has tags", true},
        {"has empty", false},
        {"empty != x", false},
        {"has meta.kind", true},
        {"has publisher", false},
        {"author > 5", false}, /* no order between a text and a number */
        {"author < 5", false},
        {"author != 5", true},
        {"author > 2024-05", false},
        {"\"author\" ~ ada", true},
    };
    CHECK_ALL(rows, &sample);
}

static void test_where__a_missing_key_makes_a_comparison_false(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"author = x", false},           {"author != x", false},   {"author < x", false},
        {"author ~ ''", false},          {"author in (x)", false}, {"has author", false},
        {"not author = x", true},        {"not has author", true}, {"pages = 0", false},
        {"pages != 1", false},           {"has pages", false},     {"title != x", false},
        {"kind != pdf", false},          {"has kind", false},      {"has path", true},
        {"has size and size = 0", true}, {"chunks = 0", true},
    };
    CHECK_ALL(rows, &bare);
    struct store_document without = bare;
    without.meta = "";
    CHECK_ALL(rows, &without);
}

static void test_where__joins(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"pages = 12 and pages = 13", false},
        {"pages = 12 or pages = 13", true},
        {"pages = 1 or pages = 2 or pages = 12", true},
        {"pages = 12 or pages = 1 and pages = 2", true}, /* and binds tighter */
        {"(pages = 12 or pages = 1) and pages = 2", false},
        {"pages = 1 and pages = 2 or pages = 12", true},
        {"not pages = 12 or pages = 12", true},
        {"not (pages = 12 or pages = 1)", false},
        {"not not pages = 12", true},
        {"not pages = 1 and not pages = 2", true},
        {"((((pages = 12))))", true},
        {"pages=12 and(pages>1)", true},
    };
    CHECK_ALL(rows, &sample);
}

static void test_where__hostile_metadata_is_some_answer(void **state)
{
    (void)state;
    static const char *const metas[] = {
        "{",
        "{\"",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":[",
        "{\"a\":[1",
        "{\"a\":[1,",
        "{\"a\":{\"b\":1}}",
        "{\"a\":\"\\",
        "{\"a\":\"\\u",
        "{\"a\":\"\\u12",
        "{\"a\":\"\\uD800\"}",
        "[1,2]",
        "1",
        "null",
        "{\"a\":[[1]]}",
        "{\"b\":[1,2],\"a\":1",
        "{\"b\":}",
        "{,}",
        "{\"a\" 1}",
        "{\"b\":1 \"a\":2}",
        "\"",
        "{\"a\":\"x\"\"y\"}",
    };
    for (size_t i = 0; i < sizeof metas / sizeof metas[0]; i++) {
        struct store_document document = bare;
        document.meta = metas[i];
        matches("a = 1", &document);
        matches("has b or a ~ x", &document);
    }
    struct store_document escaped = bare;
    escaped.meta = " { \"b\" : [ \"x\" , \"y\" ] , \"a\" : \"\\u00e9\\n\\/\" } ";
    assert_true(matches("a = '\xC3\x89\n/'", &escaped) && matches("b = y", &escaped));
}

static void test_where__errors_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "a key is wanted at the end"},
        {"pages >> 3", "a value is wanted at character 8"},
        {"pages", "an operator is wanted at the end"},
        {"pages 12", "an operator is wanted at character 7"},
        {"pages = ", "a value is wanted at the end"},
        {"pages = twelve", "a number is wanted at character 9"},
        {"size > 10x", "a size like 500, 10k or 5M is wanted at character 8"},
        {"modified > yesterday", "a date like 2024"},
        {"kind = pfd", "a kind that there is not at character 8"},
        {"title = on kettles", "\"and\", \"or\" or the end is wanted at character 12"},
        {"(title = on", "\"and\", \"or\" or \")\" is wanted at the end"},
        {"title = on)", "or the end is wanted at character 11"},
        {"title = 'on", "a quote without its end at character 9"},
        {"tags in tea", "\"(\" is wanted at character 9"},
        {"tags in (", "a value is wanted at the end"},
        {"tags in (a b)", "\",\" or \")\" is wanted at character 12"},
        {"tags in (a,)", "a value is wanted at character 12"},
        {"tags in ()", "a value is wanted at character 10"},
        {"pages ~ 1", "\"~\" with a key that is no text at character 7"},
        {"tags like x", "\"like\" with neither path nor name at character 6"},
        {"a = b and", "a key is wanted at the end"},
        {"a = b or or c = d", "an operator is wanted at character 13"},
        {"not", "a key is wanted at the end"},
        {"has", "a key is wanted at the end"},
        {"= 5", "a key is wanted at character 1"},
        {"_given = tags", "a key that can not be at character 1"},
        {"\xC3\xA9 = 1 x", "character 7"}, /* characters, not bytes */
        {"a ! b", "a character that means nothing at character 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena = {0};
        const struct where *where = NULL;
        assert_status(where_compile(rows[i].text, &arena, &where, &err), STATUS_INVALID);
        if (!strstr(err.message, rows[i].part))
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_true(err.hint[0] != '\0');
        assert_null(where);
        arena_clear(&arena);
    }
}

static enum status compile_repeated(const char *first, const char *unit, size_t n, const char *last)
{
    struct buf text = {0};
    struct arena arena = {0};
    const struct where *where = NULL;
    buf_append_text(&text, first);
    for (size_t i = 0; i < n; i++)
        buf_append_text(&text, unit);
    buf_append_text(&text, last);
    enum status status = where_compile(buf_text(&text), &arena, &where, &err);
    if (!status)
        where_matches(where, &sample);
    arena_clear(&arena);
    buf_clear(&text);
    return status;
}

static void test_where__is_bounded(void **state)
{
    (void)state;
    assert_ok(compile_repeated("", "not ", WHERE_DEPTH_MAX - 1, "a=b"));
    assert_status(compile_repeated("", "not ", WHERE_DEPTH_MAX, "a=b"), STATUS_INVALID);
    assert_status(compile_repeated("", "(", 10000, "a=b"), STATUS_INVALID);
    assert_ok(compile_repeated("a=b", " or a=b", WHERE_TESTS_MAX - 1, ""));
    assert_status(compile_repeated("a=b", " or a=b", WHERE_TESTS_MAX, ""), STATUS_INVALID);
    assert_status(compile_repeated("a in (b", ",b", WHERE_TESTS_MAX, ")"), STATUS_INVALID);
    assert_status(compile_repeated("a='", "x", WHERE_VALUE_BYTES_MAX + 1, "'"), STATUS_INVALID);
    assert_status(compile_repeated("a=b", " ", WHERE_BYTES_MAX, ""), STATUS_LIMIT);
}

static void test_where__hostile_globs_end(void **state)
{
    (void)state;
    struct buf path = {0}, glob = {0};
    for (size_t i = 0; i < 3000; i++)
        buf_append_char(&path, 'a');
    buf_append_text(&glob, "name like '");
    for (size_t i = 0; i < 200; i++)
        buf_append_text(&glob, "*a");
    buf_append_text(&glob, "b'");
    struct store_document document = bare;
    document.path = buf_text(&path);
    int64_t start_ms = clock_cpu_ms();
    assert_false(matches(buf_text(&glob), &document));
    assert_true(clock_cpu_ms() - start_ms < 5000);
    buf_clear(&path);
    buf_clear(&glob);
}

static void test_where__filter_joins_all_its_parts(void **state)
{
    (void)state;
    static const char *const wheres[] = {"pages > 5 or pages > 100", "kind = pdf"};
    static const char *const kinds[] = {"html", "pdf"};
    static const char *const documents[] = {"/home/me/Papers/Report-2024.pdf"};
    struct engine_filter filter = {.wheres = wheres,
                                   .n_wheres = 2,
                                   .since = "2024-05",
                                   .until = "2024-05-17",
                                   .kinds = kinds,
                                   .n_kinds = 2,
                                   .documents = documents,
                                   .n_documents = 1};
    struct arena arena = {0};
    const struct where *where = NULL;
    assert_ok(where_compile_filter(&filter, &arena, &where, &err));
    assert_true(where_matches(where, &sample));
    struct store_document other = sample;
    other.n_pages = 1;
    assert_false(where_matches(where, &other));
    other = sample;
    other.mtime_ns += INT64_C(86400) * 1000000000;
    assert_false(where_matches(where, &other));
    other = sample;
    other.path = "/home/me/papers/report-2024.pdf";
    assert_false(where_matches(where, &other));
    other = sample;
    other.kind = "html";
    assert_false(where_matches(where, &other)); /* the second expression */
    assert_ok(where_compile_filter(&(struct engine_filter){0}, &arena, &where, &err));
    assert_null(where);
    const char *hostile = "x\" or \"y";
    assert_ok(where_compile_filter(&(struct engine_filter){.documents = &hostile, .n_documents = 1},
                                   &arena, &where, &err));
    assert_false(where_matches(where, &sample));
    arena_clear(&arena);
}

/* ---- random expressions, and what they mean done the slow way ---- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned n)
{
    dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice->state >> 33) % n;
}

static const struct expectation atoms[] = {
    {"pages = 12", true},      {"pages > 12", false},   {"tags = tea", true},
    {"has nothing", false},    {"nothing != 1", false}, {"title ~ 'on k'", true},
    {"year in (1, 2)", false}, {"has year", true},
};

/* Writes one and returns its truth; what need not stand in parentheses sometimes does. */
static bool write_random(struct dice *dice, unsigned depth, unsigned level, struct buf *out)
{
    unsigned choice = depth == 0 ? 0 : roll(dice, 4);
    bool is_wrapped =
        (choice == 2 && level > 0) || (choice == 3 && level > 1) || roll(dice, 5) == 0;
    bool is_true;
    if (is_wrapped)
        buf_append_char(out, '(');
    if (choice == 0) {
        const struct expectation *atom = &atoms[roll(dice, sizeof atoms / sizeof atoms[0])];
        buf_append_text(out, atom->text);
        is_true = atom->is_match;
    } else if (choice == 1) {
        buf_append_text(out, "not ");
        is_true = !write_random(dice, depth - 1, 2, out);
    } else {
        unsigned n = 2 + roll(dice, 3);
        is_true = choice == 3;
        for (unsigned i = 0; i < n; i++) {
            buf_append_text(out, i == 0 ? "" : choice == 3 ? " and " : " or ");
            bool is_part = write_random(dice, depth - 1, choice == 3 ? 2 : 1, out);
            is_true = choice == 3 ? is_true && is_part : is_true || is_part;
        }
    }
    if (is_wrapped)
        buf_append_char(out, ')');
    return is_true;
}

static void test_where__random_expressions_mean_what_they_say(void **state)
{
    (void)state;
    struct dice dice = {.state = 20240517};
    printf("seed %llu\n", (unsigned long long)dice.state);
    size_t n_true = 0;
    enum { N_EXPRESSIONS = 4000 };
    for (size_t i = 0; i < N_EXPRESSIONS; i++) {
        struct buf text = {0};
        bool is_true = write_random(&dice, 1 + roll(&dice, 4), 0, &text);
        if (matches(buf_text(&text), &sample) != is_true)
            fail_msg("%s: not %s", buf_text(&text), is_true ? "true" : "false");
        n_true += is_true;
        buf_clear(&text);
    }
    assert_in_range(n_true, N_EXPRESSIONS / 4, N_EXPRESSIONS * 3 / 4);
}

static void test_where__random_bytes_are_refused_or_compiled(void **state)
{
    (void)state;
    static const char *const words[] = {
        "(",      ")",        "not ", " and ", " or ", "has ",  " in (", "'",       "\"",
        "=",      "!=",       "~",    ",",     "a",    "pages", "12",    "2024-05", "\\",
        " like ", "modified", "\xC3", "kind",  "pdf",  "<",     "!",     "meta."};
    struct dice dice = {.state = 7};
    printf("seed %llu\n", (unsigned long long)dice.state);
    for (size_t i = 0; i < 30000; i++) {
        struct buf text = {0};
        struct arena arena = {0};
        const struct where *where = NULL;
        for (unsigned n = roll(&dice, 12); n > 0; n--)
            buf_append_text(&text, words[roll(&dice, sizeof words / sizeof words[0])]);
        enum status status = where_compile(buf_text(&text), &arena, &where, &err);
        assert_true(status == STATUS_OK || status == STATUS_INVALID);
        if (!status)
            where_matches(where, &sample);
        arena_clear(&arena);
        buf_clear(&text);
    }
}

static void test_where__any_failing_allocation_is_reported(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    enum status status = STATUS_NOMEM;
    for (unsigned i = 1; status; i++) {
        struct arena arena = {0};
        const struct where *where = NULL;
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%u", i);
        fault_plan(plan);
        status =
            where_compile("a = 'b' and (title in (x, y) or not kind = pdf)", &arena, &where, &err);
        fault_plan(NULL);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        assert_true(status == STATUS_OK || !where);
        arena_clear(&arena);
        assert_true(i < 1000);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where__texts),
        cmocka_unit_test(test_where__numbers_and_sizes),
        cmocka_unit_test(test_where__dates),
        cmocka_unit_test(test_where__metadata),
        cmocka_unit_test(test_where__a_missing_key_makes_a_comparison_false),
        cmocka_unit_test(test_where__joins),
        cmocka_unit_test(test_where__hostile_metadata_is_some_answer),
        cmocka_unit_test(test_where__errors_name_the_place),
        cmocka_unit_test(test_where__is_bounded),
        cmocka_unit_test(test_where__hostile_globs_end),
        cmocka_unit_test(test_where__filter_joins_all_its_parts),
        cmocka_unit_test(test_where__random_expressions_mean_what_they_say),
        cmocka_unit_test(test_where__random_bytes_are_refused_or_compiled),
        cmocka_unit_test(test_where__any_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("where", tests, NULL, NULL);
}
