/* Looking at the counters of others: what is seen, and that nothing is changed by it. */
#include "../testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/board.h"
#include "base/board_view.h"
#include "base/file.h"
#include "base/mem.h"

#define N_UPDATES 20000

struct scene {
    char *folder, *path;
    struct board_view view;
};

static int set_up(void **state)
{
    struct scene *scene = mem_zalloc(1, sizeof *scene);
    struct error err = {0};
    assert_ok(folder_make_temporary(NULL, "board-view-", &scene->folder, &err));
    scene->path = path_join(scene->folder, BOARD_FILE);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    (void)!folder_remove(scene->folder, NULL);
    mem_free(scene->path);
    mem_free(scene->folder);
    mem_free(scene);
    return 0;
}

/* A child that counts and then waits for the end of the pipe, or dies at once. */
struct child {
    pid_t pid;
    int stop_fd;
};

static void count(const char *path)
{
    if (board_share(path, NULL))
        _exit(1);
    metric_add(METRIC_RETRIES, 7);
    histogram_add(HISTOGRAM_GENERATE, 1000);
    operation_update(operation_begin("add"), &(struct operation){.stage = "vec\033tors",
                                                                 .n_done = 3,
                                                                 .n_total = 9,
                                                                 .n_queued = 2,
                                                                 .memory_state = "yellow"});
}

static struct child start(const char *path)
{
    int stop[2], ready[2];
    char byte = 0;
    assert_int_equal(pipe(stop) | pipe(ready), 0);
    struct child child = {.pid = fork(), .stop_fd = stop[1]};
    if (child.pid == 0) {
        close(stop[1]);
        count(path);
        (void)!write(ready[1], &byte, 1);
        (void)!read(stop[0], &byte, 1);
        _exit(0);
    }
    close(stop[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void stop(struct child *child)
{
    close(child->stop_fd);
    waitpid(child->pid, NULL, 0);
}

static void test_board_view__shows_what_another_process_does(void **state)
{
    struct scene *scene = *state;
    struct error err = {0};
    struct child child = start(scene->path);
    assert_ok(board_view_read(scene->path, &scene->view, &err));
    assert_int_equal(scene->view.values[METRIC_RETRIES], 7);
    assert_int_equal(scene->view.histograms[HISTOGRAM_GENERATE].n, 1);
    assert_int_equal(scene->view.histograms[HISTOGRAM_GENERATE].sum_us, 1000);
    assert_int_equal(scene->view.n_operations, 1);
    const struct board_operation *seen = &scene->view.operations[0];
    assert_int_equal(seen->process_id, child.pid);
    assert_string_equal(seen->operation.name, "add");
    assert_string_equal(seen->operation.stage, "vec?tors");
    assert_string_equal(seen->operation.memory_state, "yellow");
    assert_int_equal(seen->operation.n_queued, 2);
    stop(&child);
    assert_ok(board_view_read(scene->path, &scene->view, &err));
    assert_int_equal(scene->view.n_operations, 0);
    assert_int_equal(scene->view.values[METRIC_RETRIES], 7);
}

static void test_board_view__looking_makes_no_file(void **state)
{
    struct scene *scene = *state;
    struct file_info info;
    struct error err = {0};
    assert_status(board_view_read(scene->path, &scene->view, &err), STATUS_NOT_FOUND);
    assert_status(file_stat(scene->path, FILE_FOLLOW, &info, NULL), STATUS_NOT_FOUND);
}

/* Cut at any place, and with any beginning: told, and left as it is. */
static void test_board_view__damage_is_told_and_left_alone(void **state)
{
    struct scene *scene = *state;
    static const size_t lens[] = {
        0, 1, 4096, sizeof(struct board) - 1, sizeof(struct board), sizeof(struct board) + 1};
    char *bytes = mem_zalloc(1, sizeof(struct board) + 1);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (int fill = 0; fill < 256; fill += 255) {
            struct error err = {0};
            struct file_info info;
            memset(bytes, fill, lens[i]);
            assert_ok(file_replace(scene->path, bytes, lens[i], 0600, &err));
            assert_status(board_view_read(scene->path, &scene->view, &err), STATUS_FORMAT);
            assert_non_null(strstr(err.message, scene->path));
            assert_ok(file_stat(scene->path, FILE_FOLLOW, &info, &err));
            assert_int_equal(info.size_bytes, lens[i]);
        }
    mem_free(bytes);
}

static void write_without_end(const char *path)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || board_share(path, NULL))
        _exit(1);
    int slot = operation_begin("add");
    for (uint64_t n = 1;; n++)
        operation_update(
            slot,
            &(struct operation){
                .n_done = n, .n_total = n, .n_bytes_done = n, .n_bytes_total = n, .n_queued = n});
}

/* What is seen of a slot is one writer's whole, though it is written all the time. */
static void test_board_view__an_operation_is_never_torn(void **state)
{
    struct scene *scene = *state;
    pid_t pid = fork();
    if (pid == 0)
        write_without_end(scene->path);
    int n_seen = 0;
    for (int i = 0; i < N_UPDATES && n_seen < N_UPDATES / 10; i++) {
        if (board_view_read(scene->path, &scene->view, NULL) || scene->view.n_operations == 0)
            continue;
        const struct operation *o = &scene->view.operations[0].operation;
        assert_int_equal(o->n_done, o->n_total);
        assert_int_equal(o->n_done, o->n_bytes_done);
        assert_int_equal(o->n_done, o->n_bytes_total);
        assert_int_equal(o->n_done, o->n_queued);
        n_seen++;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(n_seen > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_board_view__##name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shows_what_another_process_does),
        TEST(looking_makes_no_file),
        TEST(damage_is_told_and_left_alone),
        TEST(an_operation_is_never_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
