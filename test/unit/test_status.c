/* Every status has a class, a word and a sentence, and every class has a policy. */
#include "../testing.h"

#include <string.h>

#include "app/command.h"
#include "base/metric.h"

/* What each is, once more: a new status has to be thought about here too. */
static const struct {
    enum status status;
    const char *name;
    enum error_class error_class;
    int exit_code;
    bool is_of_peer;
} expected[] = {
    {STATUS_OK, "ok", ERROR_CLASS_NONE, 0, false},
    {STATUS_NOMEM, "nomem", ERROR_CLASS_RESOURCE, 1, false},
    {STATUS_IO, "io", ERROR_CLASS_PERMANENT, 1, false},
    {STATUS_FORMAT, "format", ERROR_CLASS_INPUT, 1, false},
    {STATUS_NOT_FOUND, "not_found", ERROR_CLASS_PERMANENT, 1, false},
    {STATUS_INVALID, "invalid", ERROR_CLASS_PERMANENT, 2, false},
    {STATUS_LIMIT, "limit", ERROR_CLASS_INPUT, 1, false},
    {STATUS_BUSY, "busy", ERROR_CLASS_TRANSIENT, 4, false},
    {STATUS_CANCELLED, "cancelled", ERROR_CLASS_CANCELLED, 1, false},
    {STATUS_REMOTE, "remote", ERROR_CLASS_TRANSIENT, 1, true},
    {STATUS_DAMAGED, "damaged", ERROR_CLASS_CORRUPT, 1, false},
    {STATUS_MALFORMED, "malformed", ERROR_CLASS_TRANSIENT, 1, true},
    {STATUS_THROTTLED, "throttled", ERROR_CLASS_THROTTLED, 1, true},
    {STATUS_REFUSED, "refused", ERROR_CLASS_PERMANENT, 1, true},
    {STATUS_CRASHED, "crashed", ERROR_CLASS_BUG, 1, false},
};

static void test_status__each_has_a_class_a_text_and_an_exit_code(void **state)
{
    (void)state;
    assert_int_equal(sizeof expected / sizeof expected[0], STATUS_COUNT);
    bool is_used[ERROR_CLASS_COUNT] = {false};
    for (int i = 0; i < STATUS_COUNT; i++) {
        enum status status = (enum status)i;
        assert_int_equal(expected[i].status, status);
        assert_string_equal(status_name(status), expected[i].name);
        assert_string_equal(error_class_name(status_class(status)),
                            error_class_name(expected[i].error_class));
        assert_int_equal(exit_code_of(status, 0), expected[i].exit_code);
        assert_int_equal(status_is_of_peer(status), expected[i].is_of_peer);
        assert_true(strlen(status_text(status)) >= 4);
        is_used[status_class(status)] = true;
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(status_name(status), status_name((enum status)k));
            assert_string_not_equal(status_text(status), status_text((enum status)k));
        }
    }
    for (int i = 0; i < ERROR_CLASS_COUNT; i++)
        if (!is_used[i])
            fail_msg("no status is %s", error_class_name((enum error_class)i));
    assert_string_equal(status_name(STATUS_COUNT), "unknown");
    assert_int_equal(status_class(STATUS_COUNT), ERROR_CLASS_BUG);
}

static void test_status__what_a_server_says_back_is_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *said, *hidden;
    } cases[] = {
        {"sk-0123456789", "wrong key sk-0123456789.", "wrong key *************."},
        {"sk-0123456789", "sk-0123456789sk-0123456789", "**************************"},
        {"sk-0123456789", "cut: sk-01234", "cut: ********"},
        {"sk-0123456789", "keys begin with sk-0", "keys begin with sk-0"},
        {"abc", "abc, ab, cabc", "***, ab, c***"},
        {"", "nothing to hide", "nothing to hide"},
        {NULL, "nothing to hide", "nothing to hide"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        error_set(&err, STATUS_REFUSED, "%s", cases[i].said);
        error_hide(&err, cases[i].secret);
        assert_string_equal(err.message, cases[i].hidden);
    }
    error_hide(NULL, "sk-0123456789");
}

static void test_status__each_class_has_a_word_and_a_counter(void **state)
{
    (void)state;
    assert_int_equal(metric_of_class(ERROR_CLASS_NONE), METRIC_COUNT);
    for (int i = 0; i < ERROR_CLASS_COUNT; i++) {
        const char *name = error_class_name((enum error_class)i);
        char label[64];
        snprintf(label, sizeof label, "class=\"%s\"", name);
        if (i != ERROR_CLASS_NONE)
            assert_string_equal(metric_row(metric_of_class((enum error_class)i))->label, label);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(name, error_class_name((enum error_class)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__each_has_a_class_a_text_and_an_exit_code),
        cmocka_unit_test(test_status__what_a_server_says_back_is_hidden),
        cmocka_unit_test(test_status__each_class_has_a_word_and_a_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
