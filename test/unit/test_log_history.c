/* What the log says of the past: of both formats the same, of one library only when that is wanted.
 */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/log_history.h"

#define PAGE_KINDS                                                                \
    (LOG_HISTORY_BIT(LOG_HISTORY_SEARCHED) | LOG_HISTORY_BIT(LOG_HISTORY_FILES) | \
     LOG_HISTORY_BIT(LOG_HISTORY_VECTORS))
#define ALL_KINDS (LOG_HISTORY_BIT(LOG_HISTORY_COUNT) - 1)

static void test_log_history__both_formats_and_what_is_no_line(void **state)
{
    static const char text[] =
        "2026-11-29T18:00:00.500Z info  searched run=1 took_us=900 mode=hybrid count=7\n"
        "{\"ts\":\"2026-11-29T18:00:01.000Z\",\"level\":\"info\",\"event\":\"added\",\"run\":\"1\","
        "\"added\":3,\"failed\":0,\"vectors\":40}\n"
        "2026-11-29T18:00:02.000Z warn  suppressed run=1 of=searched count=90\n"
        "2026-11-29T18:00:02.000Z warn  suppressed run=1 of=file_failed count=5\n"
        "2026-11-29T18:00:03.000Z info  added run=1 added=0 vectors=0\n"
        "garbage\n\n2026-11-29T18:0";
    struct log_history history = {.kinds = PAGE_KINDS};
    struct error err = {0};
    (void)state;
    assert_ok(log_history_parse(&history, text, &err));
    assert_int_equal(history.n, 4);
    assert_int_equal(history.entries[0].n, 1);
    assert_int_equal(history.entries[0].took_us, 900);
    assert_int_equal(history.entries[1].kind, LOG_HISTORY_FILES);
    assert_int_equal(history.entries[1].n, 3);
    assert_int_equal(history.entries[1].at_ms - history.entries[0].at_ms, 500);
    assert_int_equal(history.entries[2].n, 40);
    assert_int_equal(history.entries[3].kind, LOG_HISTORY_SEARCHED);
    assert_int_equal(history.entries[3].n, 90);
    assert_int_equal(history.entries[3].took_us, 0);
    log_history_clear(&history);
}

static void test_log_history__of_one_library(void **state)
{
    static const char text[] =
        "2026-11-29T18:00:00.000Z info  searched run=1 library=7 took_us=900 mode=hybrid cached=1\n"
        "2026-11-29T18:00:01.000Z info  searched run=1 library=77 took_us=800 mode=hybrid\n"
        "2026-11-29T18:00:02.000Z info  searched run=1 took_us=700 mode=hybrid\n"
        "{\"ts\":\"2026-11-29T18:00:03.000Z\",\"level\":\"info\",\"event\":\"run_ended\","
        "\"run\":\"1\",\"library\":7,\"exit_code\":0,\"free_bytes\":0}\n"
        "2026-11-29T18:00:04.000Z info  added run=1 library=7 added=0 failed=0 tail=12\n";
    struct log_history history = {.kinds = ALL_KINDS, .library = 7};
    struct error err = {0};
    (void)state;
    assert_ok(log_history_parse(&history, text, &err));
    assert_int_equal(history.n, 4);
    assert_int_equal(history.entries[0].took_us, 900);
    assert_true(history.entries[0].is_cached);
    assert_string_equal(history.modes[history.entries[0].i_mode], "hybrid");
    assert_int_equal(history.entries[1].kind, LOG_HISTORY_FREE);
    assert_int_equal(history.entries[2].kind, LOG_HISTORY_FILES_FAILED);
    assert_int_equal(history.entries[2].n, 0);
    assert_int_equal(history.entries[3].kind, LOG_HISTORY_TAIL);
    assert_int_equal(history.entries[3].n, 12);
    log_history_clear(&history);
}

static void test_log_history__failures_that_count(void **state)
{
    static const char text[] =
        "2026-11-29T18:00:00.000Z error search_failed run=1 status=io\n"
        "2026-11-29T18:00:00.000Z error search_failed run=1 status=invalid\n"
        "2026-11-29T18:00:00.000Z error search_failed run=1 status=cancelled\n"
        "2026-11-29T18:00:00.000Z error search_failed run=1 status=not_found\n"
        "2026-11-29T18:00:00.000Z error search_failed run=1\n"
        "2026-11-29T18:00:00.000Z error search_failed run=1 status=damaged";
    struct log_history history = {.kinds = LOG_HISTORY_BIT(LOG_HISTORY_SEARCH_FAILED)};
    struct error err = {0};
    (void)state;
    assert_ok(log_history_parse(&history, text, &err));
    assert_int_equal(history.n, 2);
    log_history_clear(&history);
}

/* Names of modes are few: what is more, or no name, is told of no mode. */
static void test_log_history__modes_of_anybody(void **state)
{
    struct log_history history = {.kinds = ALL_KINDS};
    struct error err = {0};
    char line[160];
    (void)state;
    for (int i = 0; i < 2 * LOG_HISTORY_MODES; i++) {
        snprintf(line, sizeof line, "2026-11-29T18:00:00.000Z info  searched mode=m%d took_us=5\n",
                 i);
        assert_ok(log_history_parse(&history, line, &err));
        assert_int_equal(history.entries[i].i_mode, i < LOG_HISTORY_MODES ? i : LOG_HISTORY_MODES);
    }
    assert_int_equal(history.n_modes, LOG_HISTORY_MODES);
    assert_ok(log_history_parse(
        &history, "2026-11-29T18:00:00.000Z info  searched mode=a_mode_of_sixteen took_us=5",
        &err));
    assert_int_equal(history.entries[history.n - 1].i_mode, LOG_HISTORY_MODES);
    log_history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_history__both_formats_and_what_is_no_line),
        cmocka_unit_test(test_log_history__of_one_library),
        cmocka_unit_test(test_log_history__failures_that_count),
        cmocka_unit_test(test_log_history__modes_of_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
