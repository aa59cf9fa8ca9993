/* The files of /proc and /sys are laid out in a folder, as kernels with either version write them.
 */
#include "../testing.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "governor/governor.h"
#include "governor/pressure.h"

#define MIB ((size_t)1 << 20)

struct tree {
    char *root;
    struct error err;
};

static void put(struct tree *t, const char *path, const char *text)
{
    char folder[PATH_MAX], file[PATH_MAX];
    snprintf(file, sizeof file, "%s/%s", t->root, path);
    snprintf(folder, sizeof folder, "%s", file);
    *strrchr(folder, '/') = '\0';
    struct error err = {0};
    assert_ok(folder_make(folder, &err));
    assert_ok(file_replace(file, text, strlen(text), 0600, &err));
}

static int set_up(void **state)
{
    static struct tree tree;
    if (folder_make_temporary("/tmp", "pressure-", &tree.root, &tree.err))
        return -1;
    put(&tree, "proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
    put(&tree, "proc/self/statm", "5000 3000 1000 1 0 2000 0\n");
    put(&tree, "proc/self/task/77/children", "78 \n");
    put(&tree, "proc/78/statm", "5000 600 100 1 0 2000 0\n");
    put(&tree, "proc/pressure/memory",
        "some avg10=1.50 avg60=9.00 avg300=9.00 total=1\nfull avg10=0.70 avg60=9.00 total=1\n");
    *state = &tree;
    return 0;
}

static int tear_down(void **state)
{
    struct tree *tree = *state;
    int rc = folder_remove(tree->root, NULL) != STATUS_OK;
    mem_free(tree->root);
    return rc;
}

static void test_pressure__sees_a_machine_without_groups(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct pressure *p = NULL;
    struct governor_sight sight;
    assert_ok(pressure_new(t->root, &p, &err));
    pressure_look(p, &sight);
    assert_int_equal(pressure_machine_bytes(p), (size_t)16384000 * 1024);
    assert_true(pressure_group_bytes(p) == SIZE_MAX);
    assert_int_equal(sight.own_bytes, (2000 + 500) * 4096);
    assert_int_equal(sight.group_permille, 0);
    assert_int_equal(sight.some_permille, 15);
    assert_int_equal(sight.full_permille, 7);
    pressure_free(p);
}

/* The parent's limit is the smaller one, the own group is the fuller one. */
static void test_pressure__counts_all_parents_of_version_2(void **state)
{
    struct tree *t = *state;
    put(t, "proc/self/mountinfo",
        "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    put(t, "proc/self/cgroup", "0::/user.slice/app\n");
    put(t, "sys/fs/cgroup/user.slice/memory.max", "209715200\n");
    put(t, "sys/fs/cgroup/user.slice/memory.current", "20971520\n");
    put(t, "sys/fs/cgroup/user.slice/memory.stat", "anon 1\ninactive_file 0\nactive_file 0\n");
    put(t, "sys/fs/cgroup/user.slice/app/memory.max", "419430400\n");
    put(t, "sys/fs/cgroup/user.slice/app/memory.current", "314572800\n");
    put(t, "sys/fs/cgroup/user.slice/app/memory.stat",
        "anon 1\ninactive_file 41943040\nworkingset_inactive_file 7\nactive_file 62914560\n");
    put(t, "sys/fs/cgroup/user.slice/app/memory.pressure",
        "some avg10=12.34 avg60=0.00 total=1\nfull avg10=6.00 avg60=0.00 total=1\n");
    struct error err = {0};
    struct pressure *p = NULL;
    struct governor_sight sight;
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 200 * MIB);
    pressure_look(p, &sight);
    assert_int_equal(sight.group_permille, 500);
    assert_int_equal(sight.some_permille, 123);
    assert_int_equal(sight.full_permille, 60);
    pressure_free(p);
}

/* In a container the path is the host's: the mount says which part of it is seen. */
static void test_pressure__finds_version_1_in_a_container(void **state)
{
    struct tree *t = *state;
    put(t, "proc/self/mountinfo",
        "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
    put(t, "proc/self/cgroup", "5:cpu:/docker/abc\n4:memory:/docker/abc/job\n0::/\n");
    put(t, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put(t, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "104857600\n");
    put(t, "sys/fs/cgroup/memory/job/memory.usage_in_bytes", "104857600\n");
    put(t, "sys/fs/cgroup/memory/job/memory.stat",
        "inactive_file 5\ntotal_inactive_file 10485760\ntotal_active_file 10485760\n");
    struct error err = {0};
    struct pressure *p = NULL;
    struct governor_sight sight;
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 100 * MIB);
    pressure_look(p, &sight);
    assert_int_equal(sight.group_permille, 800);
    pressure_free(p);
}

static void test_pressure__hostile_files_are_no_limit(void **state)
{
    struct tree *t = *state;
    put(t, "proc/self/mountinfo",
        "- cgroup2\n\n 1 2 - cgroup2 x\n - cgroup2 c c\n31 23 0:28 / /c rw - cgroup2 c c\n");
    put(t, "proc/self/cgroup", "0\n0:\n0::/../etc\n:::\n");
    put(t, "proc/pressure/memory", "some avg60=9.00 total=1\n");
    put(t, "c/memory.max", "max\n");
    put(t, "etc/memory.max", "7\n");
    struct error err = {0};
    struct pressure *p = NULL;
    struct governor_sight sight;
    assert_ok(pressure_new(t->root, &p, &err));
    assert_true(pressure_group_bytes(p) == SIZE_MAX);
    pressure_look(p, &sight);
    assert_int_equal(sight.group_permille, 0);
    assert_int_equal(sight.some_permille, 0);
    pressure_free(p);
}

/* Moved into a group outside of what the container sees: the top of the mount is what is left. */
static void test_pressure__looks_no_further_than_its_mount(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct pressure *p = NULL;
    put(t, "proc/self/mountinfo", "35 31 0:32 /docker/abc /c rw - cgroup cgroup rw,memory\n");
    put(t, "proc/self/cgroup", "4:memory:/other/job\n");
    put(t, "c/memory.limit_in_bytes", "104857600\n");
    put(t, "c/other/job/memory.limit_in_bytes", "4096\n");
    put(t, "c/job/memory.limit_in_bytes", "8192\n");
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 100 * MIB);
    pressure_free(p);
}

/* What pages of files take does not count, however the kernel's numbers disagree; nor do groups
 * that have no limit to speak of. */
static void test_pressure__numbers_that_disagree_stay_in_their_range(void **state)
{
    struct tree *t = *state;
    put(t, "proc/self/mountinfo", "31 23 0:28 / /c rw - cgroup2 cgroup2 rw\n");
    put(t, "proc/self/cgroup", "0::/a/b\n");
    put(t, "c/memory.max", "1152921504606846976\n"); /* as good as none */
    put(t, "c/a/memory.max", "0\n");
    put(t, "c/a/b/memory.max", "1000000\n");
    static const struct {
        const char *use, *stat;
        unsigned permille;
    } rows[] = {
        {"600000\n", "inactive_file 400000\nactive_file 300000\n", 0},
        {"9000000\n", "inactive_file 1\nactive_file 1\n", 1000},
        {"1001000\n", "file 7\nactive_file 1000", 1000},
        {"700000\n", "inactive_files 400000\nx active_file 9", 700},
        {"max\n", "", 0},
    };
    struct error err = {0};
    struct pressure *p = NULL;
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 1000000);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct governor_sight sight;
        put(t, "c/a/b/memory.current", rows[i].use);
        put(t, "c/a/b/memory.stat", rows[i].stat);
        pressure_look(p, &sight);
        assert_int_equal(sight.group_permille, rows[i].permille);
    }
    struct buf stat = {0};
    struct governor_sight sight;
    buf_append_text(&stat, "inactive_file 100000\n");
    for (size_t i = 0; i < 2048; i++)
        buf_append_text(&stat, "other 1\n");
    buf_append_text(&stat, "active_file 100000\n"); /* behind what is read */
    put(t, "c/a/b/memory.stat", buf_text(&stat));
    put(t, "c/a/b/memory.current", "700000\n");
    pressure_look(p, &sight);
    assert_int_equal(sight.group_permille, 600);
    assert_int_equal(sight.some_permille, 15); /* the machine's: the group has no such file */
    buf_clear(&stat);
    pressure_free(p);
}

/* Version 1 mounts several controllers together, each under its own name. */
static void test_pressure__knows_memory_from_words_like_it(void **state)
{
    struct tree *t = *state;
    static const struct {
        const char *options, *controllers;
        bool is_memory;
    } rows[] = {
        {"rw,memory", "memory", true},     {"rw,cpu,memory,pids", "cpu,memory,pids", true},
        {"memory,rw", "memory,cpu", true}, {"rw,memoryx", "memory", false},
        {"rw,xmemory", "memory", false},   {"rw,memory", "xmemory,memoryx", false},
    };
    put(t, "c/memory.limit_in_bytes", "4096000\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        struct pressure *p = NULL;
        char text[128];
        snprintf(text, sizeof text, "31 23 0:28 / /c rw - cgroup cgroup %s\n", rows[i].options);
        put(t, "proc/self/mountinfo", text);
        snprintf(text, sizeof text, "4:%s:/\n", rows[i].controllers);
        put(t, "proc/self/cgroup", text);
        assert_ok(pressure_new(t->root, &p, &err));
        assert_true(pressure_group_bytes(p) == (rows[i].is_memory ? 4096000 : SIZE_MAX));
        pressure_free(p);
    }
}

/* Deeper than anybody nests groups, and with a path longer than any: the first ones count. */
static void test_pressure__endless_paths_are_cut(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct pressure *p = NULL;
    char group[128] = "", path[256], text[8192] = "0::";
    put(t, "proc/self/mountinfo", "31 23 0:28 / /c rw - cgroup2 cgroup2 rw\n");
    for (size_t i = 0; i < 40; i++) {
        strcat(group, "/g");
        snprintf(path, sizeof path, "c%s/memory.max", group);
        put(t, path, i < 39 - 31 ? "1000\n" : "2000\n");
    }
    put(t, "proc/self/cgroup", strcat(text, group));
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 2000); /* the 32 innermost */
    pressure_free(p);
    memset(text + 3, 'x', sizeof text - 4);
    text[3] = '/';
    text[sizeof text - 1] = '\0';
    put(t, "proc/self/cgroup", text);
    put(t, "c/memory.max", "3000\n");
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 3000);
    pressure_free(p);
}

/* The kernel need not give all of a file at once. */
static void test_pressure__reads_on_after_a_part(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct pressure *p = NULL;
    char path[256];
    put(t, "proc/self/mountinfo", "31 23 0:28 / /c rw - cgroup2 cgroup2 rw\n");
    put(t, "c/a/memory.max", "1000\n");
    put(t, "c/a/b/memory.max", "900\n");
    snprintf(path, sizeof path, "%s/proc/self/cgroup", t->root);
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool is_written = write(fd, "0::/a", 5) == 5;
        usleep(30000);
        _exit(!is_written || write(fd, "/b\n", 3) != 3);
    }
    assert_ok(pressure_new(t->root, &p, &err));
    assert_int_equal(pressure_group_bytes(p), 900);
    pressure_free(p);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A child may end, and /proc may lack what this kernel was not built with. */
static void test_pressure__what_is_gone_takes_no_memory(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct pressure *p = NULL;
    struct governor_sight sight;
    put(t, "proc/self/task/78/children", "78 79 80 81\n");
    put(t, "proc/79/statm", "5000 100 600 1 0 2000 0\n"); /* read while it changed */
    put(t, "proc/80/statm", "\n");
    assert_ok(pressure_new(t->root, &p, &err));
    pressure_look(p, &sight);
    assert_int_equal(sight.own_bytes, (2000 + 500 + 500) * 4096);
    pressure_free(p);
    assert_ok(pressure_new("/nowhere/at/all", &p, &err));
    assert_int_equal(pressure_machine_bytes(p), 1024 * MIB);
    assert_true(pressure_group_bytes(p) == SIZE_MAX);
    memset(&sight, 0xff, sizeof sight);
    pressure_look(p, &sight);
    assert_int_equal(sight.own_bytes, 0);
    assert_true(!sight.group_permille && !sight.some_permille && !sight.full_permille);
    pressure_free(p);
}

#ifdef RAGGED_FAULT
/* What can't be kept of the groups is as if it were not there. */
static void test_pressure__without_memory_there_is_none_or_less(void **state)
{
    struct tree *t = *state;
    char group[3200] = "", path[3300], name[100], plan[32];
    memset(name, 'g', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    put(t, "proc/self/mountinfo", "31 23 0:28 / /c rw - cgroup2 cgroup2 rw\n");
    for (size_t i = 0; i < 30; i++) { /* more text than one block of the arena */
        strcat(group, name);
        snprintf(path, sizeof path, "c%s/memory.max", group);
        put(t, path, "1000\n");
    }
    snprintf(path, sizeof path, "0::%s\n", group);
    put(t, "proc/self/cgroup", path);
    for (int i = 1; i < 6; i++) {
        struct pressure *p = NULL;
        struct error err = {0};
        struct governor_sight sight;
        snprintf(plan, sizeof plan, "mem:%d+", i);
        fault_plan(plan);
        enum status status = pressure_new(t->root, &p, &err);
        fault_plan(NULL);
        assert_status(status, i < 3 ? STATUS_NOMEM : STATUS_OK);
        if (!status)
            pressure_look(p, &sight);
        pressure_free(p);
    }
}

static void test_governor__without_memory_there_is_none(void **state)
{
    (void)state;
    char plan[32];
    enum status status = STATUS_NOMEM;
    for (int i = 1; status == STATUS_NOMEM; i++) {
        struct governor *g = NULL;
        struct error err = {0};
        snprintf(plan, sizeof plan, "mem:%d", i);
        fault_plan(plan);
        status = governor_new(&(struct governor_options){.data_folder = "/tmp"}, &g, &err);
        fault_plan(NULL);
        assert_true(status == STATUS_NOMEM ? !g && *err.message : !status && g);
        governor_free(g);
        assert_true(i < 100);
        if (i <= 3)
            assert_status(status, STATUS_NOMEM);
    }
    assert_status(status, STATUS_OK);
}
#endif

/* The shell with the real machine: what is taken is counted, and comes back. */
static void test_governor__hands_out_and_takes_back(void **state)
{
    (void)state;
    struct error err = {0};
    struct governor *g = NULL;
    assert_ok(governor_new(&(struct governor_options){.max_bytes = 64 * MIB}, &g, &err));
    assert_int_equal(governor_budget(g), 64 * MIB);
    assert_true(governor_try(g, GOVERNOR_INGEST, 40 * MIB));
    assert_false(governor_try(g, GOVERNOR_INGEST, 10 * MIB));
    assert_false(governor_try(g, GOVERNOR_INGEST, 60 * MIB));
    assert_false(governor_try(g, GOVERNOR_CACHE, 10 * MIB));
    assert_true(governor_try(g, GOVERNOR_QUERY, 19 * MIB));
    assert_int_equal(governor_taken(g), 59 * MIB);
    assert_int_equal(governor_resize(g, GOVERNOR_INGEST, 40 * MIB, 8 * MIB), 8 * MIB);
    governor_give(g, GOVERNOR_INGEST, 8 * MIB);
    governor_give(g, GOVERNOR_QUERY, 19 * MIB);
    assert_int_equal(governor_taken(g), 0);
    governor_free(g);
}

/* Without a data folder, or switched off, no disk is too full. */
static void test_governor__looks_after_a_disk_when_there_is_one(void **state)
{
    struct tree *t = *state;
    const struct {
        struct governor_options options;
        enum status status;
    } rows[] = {
        {{.data_folder = t->root, .reserve_bytes = 4096}, STATUS_IO},
        {{.data_folder = t->root, .is_off = true}, STATUS_OK},
        {{0}, STATUS_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct governor *g = NULL;
        struct error err = {0};
        assert_ok(governor_new(&rows[i].options, &g, &err));
        assert_status(governor_check_disk(g, UINT64_C(1) << 60, 0, &err), rows[i].status);
        assert_ok(governor_check_disk(g, 4096, 0, &err));
        governor_free(g);
    }
    governor_free(NULL);
}

static void test_governor__says_what_each_may_have(void **state)
{
    (void)state;
    struct error err = {0};
    struct governor *g = NULL;
    assert_ok(governor_new(&(struct governor_options){.max_bytes = 80 * MIB}, &g, &err));
    assert_int_equal(governor_share(g, GOVERNOR_INGEST), 40 * MIB);
    assert_int_equal(governor_thread_share(g, 0), 10 * MIB);
    assert_int_equal(governor_thread_share(g, 4), 40 * MIB / 16);
    assert_int_equal(governor_free_bytes(g, GOVERNOR_CACHE), 16 * MIB);
    assert_true(governor_try(g, GOVERNOR_CACHE, 15 * MIB));
    assert_int_equal(governor_free_bytes(g, GOVERNOR_CACHE), MIB);
    assert_int_equal(governor_free_bytes(g, GOVERNOR_QUERY), 65 * MIB);
    governor_give(g, GOVERNOR_CACHE, 15 * MIB);
    assert_string_equal(governor_state_name(GOVERNOR_GREEN), "green");
    assert_string_equal(governor_state_name(GOVERNOR_BLACK), "black");
    assert_string_equal(governor_state_name(GOVERNOR_STATE_COUNT), "unknown");
    governor_free(g);
}

/* A quarter of the machine, half of the group, what the user says: the least of them. */
static void test_governor__chooses_the_least_budget(void **state)
{
    struct tree *t = *state;
    put(t, "proc/meminfo", "MemTotal: 400 kB\n");
    put(t, "proc/self/mountinfo", "31 23 0:28 / /c rw - cgroup2 cgroup2 rw\n");
    put(t, "proc/self/cgroup", "0::/\n");
    static const struct {
        const char *limit;
        size_t max_bytes, budget_bytes;
    } rows[] = {{"max\n", 0, 102400},    {"300000\n", 0, 102400},   {"100000\n", 0, 50000},
                {"max\n", 70000, 70000}, {"max\n", 200000, 102400}, {"100000\n", 60000, 50000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct governor *g = NULL;
        struct error err = {0};
        put(t, "c/memory.max", rows[i].limit);
        const struct governor_options options = {.root = t->root, .max_bytes = rows[i].max_bytes};
        assert_ok(governor_new(&options, &g, &err));
        assert_int_equal(governor_budget(g), rows[i].budget_bytes);
        governor_free(g);
    }
}

static enum governor_state state_with(struct governor *g, struct tree *t, const char *statm)
{
    put(t, "proc/self/statm", statm);
    return governor_state(g);
}

/* Looking costs some system calls: what has changed is seen a tenth of a second later. */
static void test_governor__looks_now_and_then(void **state)
{
    struct tree *t = *state;
    struct error err = {0};
    struct governor *g = NULL;
    const struct governor_options options = {.root = t->root, .max_bytes = 64 * MIB};
    bool was_quick = false;
    for (int i = 0; i < 50 && !was_quick; i++) { /* a busy machine may take longer */
        assert_ok(governor_new(&options, &g, &err));
        int64_t start_ms = clock_monotonic_ms();
        assert_int_equal(state_with(g, t, "5000 3000 1000 1 0 2000 0\n"), GOVERNOR_GREEN);
        enum governor_state soon = state_with(g, t, "50000 30000 1000 1 0 2000 0\n");
        was_quick = clock_monotonic_ms() - start_ms < 100;
        assert_true(!was_quick || soon == GOVERNOR_GREEN);
        clock_sleep_ms(101);
        assert_int_equal(governor_state(g), GOVERNOR_BLACK);
        governor_free(g);
    }
    assert_true(was_quick);
}

/* Switched off, the machine is not looked at: however much is in use, all is well. On, it is looked
 * at by whoever asks first, for whatever. */
static void test_governor__looks_at_the_machine_but_when_it_is_off(void **state)
{
    (void)state;
    for (int is_off = 0; is_off < 2; is_off++) {
        struct error err = {0};
        struct governor *g = NULL;
        const struct governor_options options = {.max_bytes = 4096, .is_off = is_off};
        assert_ok(governor_new(&options, &g, &err));
        assert_int_equal(governor_try(g, GOVERNOR_CACHE, 1), is_off);
        governor_give(g, GOVERNOR_CACHE, is_off ? 1 : 0);
        assert_int_equal(governor_state(g), is_off ? GOVERNOR_GREEN : GOVERNOR_BLACK);
        governor_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pressure__sees_a_machine_without_groups, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__counts_all_parents_of_version_2, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__finds_version_1_in_a_container, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__hostile_files_are_no_limit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__looks_no_further_than_its_mount, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__numbers_that_disagree_stay_in_their_range,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__knows_memory_from_words_like_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__endless_paths_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__reads_on_after_a_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pressure__what_is_gone_takes_no_memory, set_up,
                                        tear_down),
        cmocka_unit_test(test_governor__hands_out_and_takes_back),
        cmocka_unit_test(test_governor__says_what_each_may_have),
        cmocka_unit_test_setup_teardown(test_governor__looks_now_and_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_governor__chooses_the_least_budget, set_up, tear_down),
        cmocka_unit_test(test_governor__looks_at_the_machine_but_when_it_is_off),
        cmocka_unit_test_setup_teardown(test_governor__looks_after_a_disk_when_there_is_one, set_up,
                                        tear_down),
#ifdef RAGGED_FAULT
        cmocka_unit_test_setup_teardown(test_pressure__without_memory_there_is_none_or_less, set_up,
                                        tear_down),
        cmocka_unit_test(test_governor__without_memory_there_is_none),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
