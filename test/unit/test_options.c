#include "../testing.h"

#include <string.h>

#include "app/command.h"
#include "app/option.h"
#include "base/mem.h"

static struct error err;

static enum status parse(const char *const *argv, struct arguments *out)
{
    int argc = 0;
    char *copy[16] = {0};
    for (; argv[argc]; argc++)
        copy[argc] = (char *)(uintptr_t)argv[argc];
    return arguments_parse(argc, copy, out, &err);
}
#define PARSE(out, ...) parse((const char *const[]){"ragged", __VA_ARGS__, NULL}, out)

static void test_options__take_every_spelling_of_a_value(void **state)
{
    (void)state;
    const char *const spellings[][3] = {
        {"--limit", "5", NULL}, {"--limit=5", NULL}, {"-n", "5", NULL}, {"-n5", NULL},
        {"--top-k=5", NULL},    {"--k", "5", NULL},  {"-qn5", NULL},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct arguments arguments;
        const char *argv[6] = {"ragged", "search", spellings[i][0]};
        size_t n = 3;
        if (spellings[i][1])
            argv[n++] = spellings[i][1];
        argv[n] = "word";
        assert_ok(parse(argv, &arguments));
        assert_true(arguments_number(&arguments, "limit", 0) == 5);
        assert_int_equal(arguments.n_words, 1);
        assert_string_equal(arguments.words[0], "word");
        arguments_clear(&arguments);
    }
}

static void test_options__of_the_program_stand_on_both_sides(void **state)
{
    (void)state;
    struct arguments before, after;
    assert_ok(PARSE(&before, "--json", "-q", "search", "x"));
    assert_ok(PARSE(&after, "search", "x", "-q", "--json"));
    assert_true(arguments_has(&before, "json") && arguments_has(&before, "quiet"));
    assert_true(arguments_has(&after, "json") && arguments_has(&after, "quiet"));
    arguments_clear(&before);
    arguments_clear(&after);
}

static void test_options__end_at_two_dashes(void **state)
{
    (void)state;
    struct arguments arguments;
    assert_ok(PARSE(&arguments, "search", "--", "--json", "-"));
    assert_false(arguments_has(&arguments, "json"));
    assert_int_equal(arguments.n_words, 2);
    assert_string_equal(arguments.words[0], "--json");
    assert_string_equal(arguments.words[1], "-");
    arguments_clear(&arguments);
}

static void test_options__last_value_wins_and_all_are_kept(void **state)
{
    (void)state;
    struct arguments arguments;
    struct arena arena = {0};
    const char **globs;
    size_t n;
    assert_ok(PARSE(&arguments, "add", "-x", "a", "--exclude=b", "."));
    assert_string_equal(arguments_text(&arguments, "exclude", ""), "b");
    assert_ok(arguments_all(&arguments, "exclude", &arena, &globs, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(globs[0], "a");
    assert_string_equal(globs[1], "b");
    arena_clear(&arena);
    arguments_clear(&arguments);
}

static void test_options__refuse_and_name_what_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *argv[5];
        const char *named;
    } cases[] = {
        {{"ragged", "serach", "x"}, "did you mean \"search\"?"},
        {{"ragged", "search", "--limti=3", "x"}, "did you mean \"--limit\"?"},
        {{"ragged", "search", "--format", "yam", "x"}, "did you mean \"yaml\"?"},
        {{"ragged", "search", "-Z", "x"}, "--explain"},
        {{"ragged", "search"}, "usage: ragged search"},
        {{"ragged", "version", "x"}, "usage: ragged version"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arguments arguments;
        assert_status(parse(cases[i].argv, &arguments), STATUS_INVALID);
        assert_non_null(strstr(err.hint, cases[i].named));
        arguments_clear(&arguments);
    }
}

static void test_options__check_numbers(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0",   "1001", "-3", "five", "",  "3.5",
                                        "nan", "inf",  "5x", "1e99", "0x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct arguments arguments;
        assert_status(PARSE(&arguments, "search", "-n", wrong[i], "x"), STATUS_INVALID);
        arguments_clear(&arguments);
    }
    struct arguments arguments;
    assert_status(PARSE(&arguments, "search", "--limit"), STATUS_INVALID);
    arguments_clear(&arguments);
    assert_status(PARSE(&arguments, "search", "--json=yes", "x"), STATUS_INVALID);
    arguments_clear(&arguments);
}

static void check_rows(const struct option *rows, const struct option *others)
{
    for (; rows && rows->name; rows++) {
        assert_non_null(rows->help);
        assert_true(!rows->config_key || config_key_find(rows->config_key));
        for (const struct option *other = rows + 1; other->name; other++)
            assert_string_not_equal(rows->name, other->name);
        for (const struct option *other = others; other && other->name; other++)
            assert_string_not_equal(rows->name, other->name);
    }
}

static void test_options__every_row_of_every_command_is_sound(void **state)
{
    (void)state;
    check_rows(option_globals, NULL);
    for (const struct command *const *row = command_table; *row; row++) {
        const struct command *command = *row;
        check_rows(command->options, option_globals);
        assert_true(command->run && command->summary && command->usage);
        assert_true(command->formats & (FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSONL)));
        assert_true(command->formats & FORMAT_BIT(FORMAT_JSON));
        assert_ptr_equal(command_find(command->name), command);
        assert_true(!command->verbs || command->n_words_min >= 1);
    }
}

static void test_options__may_have_a_usual_value(void **state)
{
    (void)state;
    struct arguments arguments;
    assert_ok(PARSE(&arguments, "search", "--timings", "x"));
    assert_string_equal(arguments_text(&arguments, "timings", ""), "table");
    assert_int_equal(arguments.n_words, 1);
    arguments_clear(&arguments);
    assert_ok(PARSE(&arguments, "--timings=json", "search", "x"));
    assert_string_equal(arguments_text(&arguments, "timings", ""), "json");
    arguments_clear(&arguments);
    assert_status(PARSE(&arguments, "search", "x", "--timings=tree"), STATUS_INVALID);
    arguments_clear(&arguments);
}

static void test_options__of_a_wrapped_command_are_its_own(void **state)
{
    (void)state;
    struct arguments outer, inner;
    assert_ok(PARSE(&outer, "-q", "--format", "csv", "profile", "-o", "x", "--data-dir", "a",
                    "search", "-n", "5", "--", "-o"));
    assert_string_equal(arguments_text(&outer, "output", ""), "x");
    assert_int_equal(outer.n_words, 5);
    assert_string_equal(outer.words[1], "-n");
    assert_ok(PARSE(&inner, "search", "--format", "json", "y"));
    assert_ok(arguments_inherit(&inner, &outer, &err));
    assert_true(arguments_has(&inner, "quiet"));
    assert_string_equal(arguments_text(&inner, "data-dir", ""), "a");
    assert_string_equal(arguments_text(&inner, "format", ""), "json");
    assert_null(arguments_find(&inner, "output"));
    assert_int_equal(inner.n_given, 4);
    arguments_clear(&outer);
    arguments_clear(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__take_every_spelling_of_a_value),
        cmocka_unit_test(test_options__of_the_program_stand_on_both_sides),
        cmocka_unit_test(test_options__end_at_two_dashes),
        cmocka_unit_test(test_options__last_value_wins_and_all_are_kept),
        cmocka_unit_test(test_options__refuse_and_name_what_there_is),
        cmocka_unit_test(test_options__check_numbers),
        cmocka_unit_test(test_options__every_row_of_every_command_is_sound),
        cmocka_unit_test(test_options__may_have_a_usual_value),
        cmocka_unit_test(test_options__of_a_wrapped_command_are_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
