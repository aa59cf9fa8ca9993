/* Child programs: what they say, how they end, and that none is left. */
#include "../testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

enum { LONG_MS = 60000 };

static struct process start(const char *script, enum process_errors errors, int extra_fd)
{
    struct error err;
    struct process process;
    const char *const argv[] = {"sh", "-c", script, NULL};
    assert_ok(process_start(
        &(struct process_options){.argv = argv, .extra_fd = extra_fd, .errors = errors}, &process,
        &err));
    return process;
}

static void assert_gone(pid_t pid)
{
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void assert_says(struct process *process, const char *expected)
{
    char text[256];
    size_t n = 0;
    ssize_t got;
    while ((got = process_read(process, text + n, sizeof text - 1 - n, LONG_MS)) > 0)
        n += (size_t)got;
    assert_int_equal(got, 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static void test_process__its_input_ends_and_it_is_waited_for(void **state)
{
    (void)state;
    struct process process = start("cat; exit 7", PROCESS_ERRORS_SHOWN, -1);
    pid_t pid = process.pid;
    int status = 0;
    assert_int_equal(write(process.in_fd, "some words", 10), 10);
    assert_true(process_wait(&process, LONG_MS, &status));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    assert_gone(pid);
    assert_int_equal(process.pid, 0);
    assert_int_equal(process.in_fd, -1);
    assert_int_equal(process.out_fd, -1);
    assert_true(process_wait(&process, 0, NULL));
    process_stop(&process, NULL);
}

static void test_process__one_that_stays_is_stopped(void **state)
{
    (void)state;
    int status = 0;
    struct process process = start("exec sleep 1000", PROCESS_ERRORS_SHOWN, -1);
    pid_t pid = process.pid;
    int64_t start_ms = clock_monotonic_ms();
    assert_false(process_wait(&process, 30, &status));
    assert_true(clock_monotonic_ms() - start_ms >= 30);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_gone(pid);
}

/* As on a kernel without pidfds. */
static void test_process__is_waited_for_without_another_descriptor(void **state)
{
    (void)state;
    struct rlimit before, none;
    int status = 0;
    struct process process = start("sleep .05; exit 3", PROCESS_ERRORS_SHOWN, -1);
    struct process slow = start("exec sleep 1000", PROCESS_ERRORS_SHOWN, -1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    int64_t start_ms = clock_monotonic_ms();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool has_ended = process_wait(&process, LONG_MS, &status);
    bool has_slow_ended = process_wait(&slow, 20, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(has_ended);
    assert_true(clock_monotonic_ms() - start_ms < LONG_MS / 2);
    assert_false(has_slow_ended);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void test_process__nothing_yet_is_not_the_end(void **state)
{
    (void)state;
    char c;
    struct process process = start("read line; echo $line", PROCESS_ERRORS_SHOWN, -1);
    assert_int_equal(process_read(&process, &c, 1, 10), -1);
    assert_int_equal(write(process.in_fd, "x\n", 2), 2);
    assert_says(&process, "x\n");
    assert_true(process_wait(&process, LONG_MS, NULL));
}

static void test_process__where_its_errors_go(void **state)
{
    (void)state;
    struct process both = start("echo out; echo wrong >&2", PROCESS_ERRORS_OUTPUT, -1);
    assert_says(&both, "out\nwrong\n");
    assert_true(process_wait(&both, LONG_MS, NULL));
    struct process quiet = start("echo wrong >&2; echo out", PROCESS_ERRORS_QUIET, -1);
    assert_says(&quiet, "out\n");
    assert_true(process_wait(&quiet, LONG_MS, NULL));
}

/* And no other: what the parent has open is its own. */
static void test_process__gets_one_descriptor_more(void **state)
{
    (void)state;
    int extra[2];
    assert_int_equal(pipe(extra), 0);
    assert_int_equal(write(extra[1], "third\n", 6), 6);
    struct process process = start("read line <&3; echo $line", PROCESS_ERRORS_SHOWN, extra[0]);
    assert_says(&process, "third\n");
    assert_true(process_wait(&process, LONG_MS, NULL));
    close(extra[0]);
    close(extra[1]);
}

static void test_process__a_program_that_is_not_there(void **state)
{
    (void)state;
    struct error err;
    struct process process;
    const char *const argv[] = {"/nowhere/program", NULL};
    assert_status(
        process_start(&(struct process_options){.argv = argv, .extra_fd = -1}, &process, &err),
        STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/program"));
}

/* ---- run to its end ---- */

static enum status run(const char *script, int timeout_ms, const struct cancel *cancel,
                       struct buf *out, struct error *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return process_run(argv, PROCESS_ERRORS_QUIET, timeout_ms, cancel, out, err);
}

static void test_process__run_keeps_the_output(void **state)
{
    (void)state;
    struct error err;
    struct buf out = {0};
    assert_ok(run("echo one; echo two", LONG_MS, NULL, &out, &err));
    assert_string_equal(buf_text(&out), "one\ntwo\n");
    buf_clear(&out);
}

static void test_process__run_tells_how_it_failed(void **state)
{
    (void)state;
    struct error err;
    struct buf out = {0};
    assert_status(run("exit 9", LONG_MS, NULL, &out, &err), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "code 9"));
    assert_status(run("kill -TERM $$", LONG_MS, NULL, &out, &err), STATUS_REMOTE);
    assert_non_null(strstr(err.message, "signal 15"));
    buf_clear(&out);
}

static void test_process__run_ends_in_time(void **state)
{
    (void)state;
    struct error err;
    struct buf out = {0}, small = {.limit_bytes = 100};
    assert_status(run("exec sleep 1000", 20, NULL, &out, &err), STATUS_CANCELLED);
    assert_status(run("exec cat /dev/zero", LONG_MS, NULL, &small, &err), STATUS_LIMIT);
    buf_clear(&out);
    buf_clear(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__its_input_ends_and_it_is_waited_for),
        cmocka_unit_test(test_process__one_that_stays_is_stopped),
        cmocka_unit_test(test_process__is_waited_for_without_another_descriptor),
        cmocka_unit_test(test_process__nothing_yet_is_not_the_end),
        cmocka_unit_test(test_process__where_its_errors_go),
        cmocka_unit_test(test_process__gets_one_descriptor_more),
        cmocka_unit_test(test_process__a_program_that_is_not_there),
        cmocka_unit_test(test_process__run_keeps_the_output),
        cmocka_unit_test(test_process__run_tells_how_it_failed),
        cmocka_unit_test(test_process__run_ends_in_time),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
