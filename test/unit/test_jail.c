#include "../testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"

static char *offender_path(void)
{
    const char *build = getenv("RAGGED_BUILD");
    char *path = path_join(build ? build : "build/release", "test/tools/jail_offender");
    assert_non_null(path);
    return path;
}

/* The wait status of one act. */
static int run_act(const char *path, const char *act)
{
    struct error err;
    struct process process;
    const char *const argv[] = {path, act, NULL};
    int wait_status = 0;
    assert_ok(process_start(
        &(struct process_options){.argv = argv, .extra_fd = -1, .errors = PROCESS_ERRORS_QUIET},
        &process, &err));
    assert_true(process_wait(&process, 20000, &wait_status));
    return wait_status;
}

static void test_jail__lets_a_parser_work(void **state)
{
    (void)state;
    char *path = offender_path();
    int wait_status = run_act(path, "none");
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    mem_free(path);
}

static void test_jail__blocks_every_act(void **state)
{
    (void)state;
    struct error err;
    struct buf list = {0};
    char *path = offender_path();
    const char *const argv[] = {path, "list", NULL};
    assert_ok(process_run(argv, PROCESS_ERRORS_QUIET, 20000, NULL, &list, &err));
    size_t n_acts = 0, n_allowed = 0;
    char *rest = list.data;
    for (char *act; (act = strsep(&rest, "\n")) && *act; n_acts++) {
        int wait_status = run_act(path, act);
        bool is_killed = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS;
        bool is_refused = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
        if (!is_killed && !is_refused) {
            print_error("\"%s\" was not blocked (wait status %#x)\n", act, (unsigned)wait_status);
            n_allowed++;
        }
    }
    assert_true(n_acts >= 30);
    assert_int_equal(n_allowed, 0);
    buf_clear(&list);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jail__lets_a_parser_work),
        cmocka_unit_test(test_jail__blocks_every_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
