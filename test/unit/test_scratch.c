/* A folder for one command: base/scratch.h. Whoever is killed leaves one, and it goes with the
 * next. */
#include "../testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/scratch.h"

static struct error err;

/* A folder for temporary folders, that nothing else uses. */
static int set_up(void **state)
{
    char *folder = NULL;
    if (folder_make_temporary("/tmp", "ragged-test-", &folder, &err))
        return -1;
    setenv("TMPDIR", folder, 1);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    unsetenv("TMPDIR");
    enum status status = folder_remove(*state, &err);
    mem_free(*state);
    return status ? -1 : 0;
}

static bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static void write_file(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    assert_ok(file_replace(path, "x", 1, 0600, &err));
    mem_free(path);
}

/* The path of a scratch whose process was killed in the middle, owned. */
static char *leave_one(void)
{
    int ends[2];
    char path[4096] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct scratch *scratch = NULL;
        if (scratch_open("killed", &scratch, NULL))
            _exit(1);
        write_file(scratch_path(scratch), "one");
        const char *made = scratch_path(scratch);
        _exit(write(ends[1], made, strlen(made)) > 0 && raise(SIGKILL));
    }
    close(ends[1]);
    assert_true(read(ends[0], path, sizeof path - 1) > 0);
    close(ends[0]);
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended) && is_there(path));
    return mem_text(path);
}

static void test_scratch__is_private_and_goes_when_it_is_closed(void **state)
{
    const char *parent = *state;
    struct scratch *one = NULL, *other = NULL;
    struct stat info;
    assert_ok(scratch_open("eval", &one, &err));
    assert_ok(scratch_open("eval", &other, &err));
    const char *path = scratch_path(one);
    assert_int_equal(strncmp(path, parent, strlen(parent)), 0);
    assert_non_null(strstr(path, "/ragged-eval-"));
    assert_string_not_equal(path, scratch_path(other));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    write_file(path, "one");
    assert_ok(scratch_close(one, &err));
    assert_true(is_there(scratch_path(other)));
    assert_ok(scratch_close(other, &err));
    assert_int_equal(rmdir(parent), 0); /* nothing is left in it */
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_ok(scratch_close(NULL, &err));
}

static void test_scratch__what_a_killed_process_left_goes_with_the_next(void **state)
{
    (void)state;
    struct scratch *living = NULL, *next = NULL;
    assert_ok(scratch_open("living", &living, &err));
    write_file(scratch_path(living), "one");
    char *dead = leave_one();
    assert_ok(scratch_open("next", &next, &err));
    char *folder = mem_text_n(dead, strlen(dead) - strlen("/files"));
    assert_false(is_there(folder));
    assert_true(is_there(scratch_path(living)));
    assert_ok(scratch_close(next, &err));
    assert_ok(scratch_close(living, &err));
    mem_free(folder);
    mem_free(dead);
}

/* A person's folder of such a name, one that others can write to, a file, a link. */
static void test_scratch__what_is_not_ours_stays(void **state)
{
    const char *parent = *state;
    struct scratch *scratch = NULL;
    char *mine = path_join(parent, "ragged-eval-report"), *link = path_join(parent, "ragged-link");
    char *open_to_all = leave_one(), *linked = leave_one();
    char *folder = mem_text_n(open_to_all, strlen(open_to_all) - strlen("/files"));
    char *target = mem_text_n(linked, strlen(linked) - strlen("/files"));
    char *elsewhere = path_join(parent, "elsewhere");
    assert_ok(folder_make(mine, &err));
    write_file(mine, "kept");
    write_file(parent, "ragged-file");
    assert_false(is_there(folder)); /* the second one's opening removed it */
    assert_int_equal(rename(target, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, link), 0);
    char *wide = leave_one();
    char *wide_folder = mem_text_n(wide, strlen(wide) - strlen("/files"));
    assert_int_equal(chmod(wide_folder, 0770), 0);
    assert_ok(scratch_open("next", &scratch, &err));
    assert_ok(scratch_close(scratch, &err));
    assert_true(is_there(mine) && is_there(link) && is_there(wide) && is_there(elsewhere));
    char *texts[] = {mine, link, open_to_all, linked, folder, target, elsewhere, wide, wide_folder};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        mem_free(texts[i]);
}

static void test_scratch__needs_a_place(void **state)
{
    (void)state;
    struct scratch *scratch = NULL;
    char *usual = mem_text(getenv("TMPDIR"));
    setenv("TMPDIR", "/nonexistent", 1);
    assert_status(scratch_open("eval", &scratch, &err), STATUS_NOT_FOUND);
    setenv("TMPDIR", usual, 1);
    assert_null(scratch);
    assert_non_null(strstr(err.message, "/nonexistent"));
    mem_free(usual);
}

#ifdef RAGGED_FAULT
/* Whatever fails, nothing is left and nothing is handed out. */
static void test_scratch__fails_without_a_trace(void **state)
{
    const char *parent = *state;
    static const char *const hooks[] = {"mem", "file.mkdir", "file.lock", "file.rename"};
    for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
        bool is_over = false;
        for (int n = 1; !is_over; n++) {
            char plan[32];
            struct scratch *scratch = NULL;
            snprintf(plan, sizeof plan, "%s:%d", hooks[i], n);
            fault_plan(plan);
            is_over = scratch_open("eval", &scratch, &err) == STATUS_OK;
            fault_plan(NULL);
            assert_true(is_over == (scratch != NULL));
            assert_ok(scratch_close(scratch, &err));
            assert_true(n < 20);
        }
    }
    assert_int_equal(rmdir(parent), 0);
    assert_int_equal(mkdir(parent, 0700), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scratch__is_private_and_goes_when_it_is_closed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_scratch__what_a_killed_process_left_goes_with_the_next,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scratch__what_is_not_ours_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scratch__needs_a_place, set_up, tear_down),
#ifdef RAGGED_FAULT
        cmocka_unit_test_setup_teardown(test_scratch__fails_without_a_trace, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
