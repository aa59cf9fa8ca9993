/* What TRACEPARENT may be, and what a server is told of it. */
#include <string.h>

#include "../testing.h"
#include "base/trace_context.h"

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT_ID "00f067aa0ba902b7"

static void the_trace_goes_on_with_a_span_of_its_own(void **state)
{
    (void)state;
    struct trace_context context;
    char sent[TRACE_PARENT_SIZE];
    assert_int_equal(trace_context_begin("00-" TRACE_ID "-" PARENT_ID "-01", &context), STATUS_OK);
    trace_context_write(&context, sent);
    assert_true(context.is_inherited);
    assert_int_equal(strlen(sent), 55);
    assert_memory_equal(sent, "00-" TRACE_ID "-", 36);
    assert_memory_not_equal(sent + 36, PARENT_ID, 16);
    assert_memory_not_equal(sent + 36, "0000000000000000", 16);
    assert_string_equal(sent + 52, "-01");
}

static void unknown_flags_and_later_versions(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "00-" TRACE_ID "-" PARENT_ID "-ff",
        "cc-" TRACE_ID "-" PARENT_ID "-01",
        "cc-" TRACE_ID "-" PARENT_ID "-01-what-the-future-will-be-like",
    };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        struct trace_context context;
        char sent[TRACE_PARENT_SIZE];
        assert_int_equal(trace_context_begin(valid[i], &context), STATUS_OK);
        trace_context_write(&context, sent);
        assert_memory_equal(sent, "00-" TRACE_ID "-", 36);
        assert_string_equal(sent + 52, "-01");
    }
}

static void what_is_none_begins_a_trace_of_its_own(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",
        "00",
        "00-" TRACE_ID "-" PARENT_ID,
        "00-" TRACE_ID "-" PARENT_ID "-1",
        "00-" TRACE_ID "-" PARENT_ID "-01-more",
        "00-" TRACE_ID "-" PARENT_ID "-01 ",
        " 00-" TRACE_ID "-" PARENT_ID "-01",
        "cc-" TRACE_ID "-" PARENT_ID "-01.more",
        "ff-" TRACE_ID "-" PARENT_ID "-01",
        "0g-" TRACE_ID "-" PARENT_ID "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT_ID "-01",
        "00-00000000000000000000000000000000-" PARENT_ID "-01",
        "00-" TRACE_ID "-0000000000000000-01",
        "00_" TRACE_ID "_" PARENT_ID "_01",
        "00-" TRACE_ID "-" PARENT_ID "-0\r\nX",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        struct trace_context context;
        char trace_id[TRACE_ID_SIZE], span_id[SPAN_ID_SIZE];
        assert_int_equal(trace_context_begin(invalid[i], &context), STATUS_INVALID);
        trace_context_ids(&context, trace_id, span_id);
        assert_false(context.is_inherited);
        assert_string_not_equal(trace_id, TRACE_ID);
        assert_string_not_equal(trace_id, "00000000000000000000000000000000");
    }
}

static void every_run_has_ids(void **state)
{
    (void)state;
    struct trace_context a, b;
    assert_int_equal(trace_context_begin(NULL, &a), STATUS_OK);
    assert_int_equal(trace_context_begin(NULL, &b), STATUS_OK);
    assert_false(a.is_inherited);
    assert_memory_not_equal(a.trace_id, b.trace_id, sizeof a.trace_id);
    assert_memory_not_equal(a.span_id, b.span_id, sizeof a.span_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_goes_on_with_a_span_of_its_own),
        cmocka_unit_test(unknown_flags_and_later_versions),
        cmocka_unit_test(what_is_none_begins_a_trace_of_its_own),
        cmocka_unit_test(every_run_has_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
