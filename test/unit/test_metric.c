/* Counters, histograms and running operations, alone and shared with other processes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../testing.h"
#include "base/board.h"
#include "base/clock.h"
#include "base/file.h"

#define N_PROCESSES 4
#define N_ADDS 100000

static char folder[64];

static const char *board_path(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Every test shares a board once in a process: each in a child of its own. */
static void in_child(void (*run)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    int wait_status = 0;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_int_equal(wait_status, 0);
}

static void every_bucket_ends_where_the_next_begins(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 5000; value++) {
        struct histogram_counts before, after;
        histogram_get(HISTOGRAM_QUERY_FUSE, &before);
        histogram_add(HISTOGRAM_QUERY_FUSE, value);
        histogram_get(HISTOGRAM_QUERY_FUSE, &after);
        size_t bucket = 0;
        while (before.buckets[bucket] == after.buckets[bucket])
            bucket++;
        assert_true(value < histogram_bound(bucket));
        assert_true(bucket == 0 || value >= histogram_bound(bucket - 1));
        assert_true(histogram_bound(bucket) - value <= 1 + value / 8);
    }
}

static void quantiles_are_within_an_eighth(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(HISTOGRAM_GENERATE, i * 1000);
    struct histogram_counts counts;
    histogram_get(HISTOGRAM_GENERATE, &counts);
    assert_int_equal(counts.n, 1000);
    assert_int_equal(counts.sum_us, 500500000);
    uint64_t p50 = histogram_quantile(&counts, .5), p99 = histogram_quantile(&counts, .99);
    assert_in_range(p50, 500000, 563000);
    assert_in_range(p99, 990000, 1114000);
    histogram_add(HISTOGRAM_GENERATE, UINT64_MAX);
    histogram_get(HISTOGRAM_GENERATE, &counts);
    assert_int_equal(counts.buckets[HISTOGRAM_BUCKETS - 1], 1);
}

static void count_in_share(void)
{
    metric_add(METRIC_CACHE_RESULT_HITS, 1); /* before it is shared: carried over */
    if (board_share(board_path("shared"), NULL))
        _exit(1);
    for (int i = 0; i < N_ADDS; i++)
        metric_add(METRIC_CACHE_RESULT_HITS, 1);
    histogram_add(HISTOGRAM_QUERY_TOTAL, 7);
    if (board_share(board_path("another"), NULL) || access(board_path("another"), F_OK) == 0)
        _exit(2);
}

static void look_at_share(void)
{
    struct histogram_counts counts;
    struct stat info;
    if (board_share(board_path("shared"), NULL))
        _exit(1);
    histogram_get(HISTOGRAM_QUERY_TOTAL, &counts);
    if (metric_get(METRIC_CACHE_RESULT_HITS) != N_PROCESSES * (N_ADDS + 1) ||
        counts.n != N_PROCESSES || counts.sum_us != 7 * N_PROCESSES)
        _exit(2);
    if (stat(board_path("shared"), &info) || (info.st_mode & 0777) != 0600)
        _exit(3);
}

static void processes_count_together(void **state)
{
    (void)state;
    pid_t pids[N_PROCESSES];
    for (int i = 0; i < N_PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            count_in_share();
            _exit(0);
        }
    }
    for (int i = 0; i < N_PROCESSES; i++) {
        int wait_status = 0;
        waitpid(pids[i], &wait_status, 0);
        assert_int_equal(wait_status, 0);
    }
    in_child(look_at_share);
}

static void share_at_once(void)
{
    int64_t start_ms = clock_monotonic_ms();
    if (board_share(board_path("held"), NULL))
        _exit(1);
    metric_add(METRIC_CACHE_RESULT_HITS, 1);
    if (clock_monotonic_ms() - start_ms > 1000 || metric_get(METRIC_CACHE_RESULT_HITS) != 2)
        _exit(2);
}

static void share_damaged(void)
{
    if (board_share(board_path("damaged"), NULL))
        _exit(1);
    metric_add(METRIC_CACHE_RESULT_HITS, 3);
    if (metric_get(METRIC_CACHE_RESULT_HITS) != 3)
        _exit(2);
}

/* A process that counts does not hold up those that come after it. */
static void nobody_waits_for_a_process_that_counts(void **state)
{
    (void)state;
    int pipe_fds[2];
    char byte = 0;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (board_share(board_path("held"), NULL))
            _exit(1);
        metric_add(METRIC_CACHE_RESULT_HITS, 1);
        if (write(pipe_fds[1], &byte, 1) != 1)
            _exit(2);
        pause();
    }
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    in_child(share_at_once);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void a_file_of_another_layout_is_replaced(void **state)
{
    (void)state;
    static const size_t lens[] = {1, 4096, sizeof(struct board) - 1, sizeof(struct board),
                                  sizeof(struct board) + 1};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        FILE *file = fopen(board_path("damaged"), "w");
        for (size_t j = 0; j < lens[i]; j++)
            fputc('x', file);
        fclose(file);
        in_child(share_damaged);
    }
}

static void share_nowhere(void)
{
    struct error err = {0};
    if (board_share("/nowhere/at/all", &err) == STATUS_OK || !*err.message)
        _exit(1);
    metric_add(METRIC_CACHE_VECTOR_HITS, 2);
    if (metric_get(METRIC_CACHE_VECTOR_HITS) != 2)
        _exit(2);
}

static void without_a_file_a_process_counts_for_itself(void **state)
{
    (void)state;
    in_child(share_nowhere);
}

struct seen {
    int n;
    int64_t process_id;
    struct operation last;
};

static void see(void *ctx, int64_t process_id, const struct operation *operation)
{
    struct seen *seen = ctx;
    seen->n++;
    seen->process_id = process_id;
    seen->last = *operation;
}

static void die_in_an_operation(void)
{
    if (board_share(board_path("operations"), NULL) || operation_begin("dying") < 0)
        _exit(1);
}

static void look_at_operations(void)
{
    struct seen seen = {0};
    if (board_share(board_path("operations"), NULL))
        _exit(1);
    operation_each(see, &seen);
    if (seen.n != 0) /* its process is gone */
        _exit(2);
    int slot = operation_begin("add");
    operation_update(
        slot, &(struct operation){.stage = "vectors", .n_done = 3, .n_total = 9, .eta_ms = 100});
    operation_each(see, &seen);
    if (seen.n != 1 || seen.process_id != getpid() || strcmp(seen.last.name, "add") != 0 ||
        strcmp(seen.last.stage, "vectors") != 0 || seen.last.n_done != 3 ||
        seen.last.started_ms > clock_wall_ms() || seen.last.started_ms == 0)
        _exit(3);
    operation_end(slot);
    seen.n = 0;
    operation_each(see, &seen);
    if (seen.n != 0)
        _exit(4);
}

static void operations_of_the_living_are_seen(void **state)
{
    (void)state;
    in_child(die_in_an_operation);
    in_child(look_at_operations);
}

static void more_operations_than_slots_run_unseen(void **state)
{
    (void)state;
    int slots[OPERATION_SLOTS];
    for (int i = 0; i < OPERATION_SLOTS; i++)
        slots[i] = operation_begin("many");
    assert_int_equal(operation_begin("one more"), -1);
    operation_update(-1, &(struct operation){.n_done = 1});
    operation_end(-1);
    for (int i = 0; i < OPERATION_SLOTS; i++)
        operation_end(slots[i]);
    int slot = operation_begin("again");
    assert_true(slot >= 0);
    operation_end(slot);
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/ragged-metric-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bucket_ends_where_the_next_begins),
        cmocka_unit_test(quantiles_are_within_an_eighth),
        cmocka_unit_test(processes_count_together),
        cmocka_unit_test(nobody_waits_for_a_process_that_counts),
        cmocka_unit_test(a_file_of_another_layout_is_replaced),
        cmocka_unit_test(without_a_file_a_process_counts_for_itself),
        cmocka_unit_test(operations_of_the_living_are_seen),
        cmocka_unit_test(more_operations_than_slots_run_unseen),
    };
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (folder_remove(folder, NULL))
        return 1;
    return n_failed;
}
