/* What stays free on the disk of the library. */
#include "../testing.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "governor/disk_reserve.h"

#define MIB ((size_t)1 << 20)

static int set_up(void **state)
{
    struct error err;
    char *folder = NULL;
    if (folder_make_temporary("/tmp", "disk-", &folder, &err))
        return -1;
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    int rc = folder_remove(*state, NULL) != STATUS_OK;
    mem_free(*state);
    return rc;
}

static void test_disk_reserve__scales_with_the_disk(void **state)
{
    (void)state;
    assert_int_equal(disk_reserve_bytes(1000 * 1024 * MIB, 0), 512 * MIB);
    assert_int_equal(disk_reserve_bytes(1000 * 1024 * MIB, 1024 * MIB), 2048 * MIB);
    assert_int_equal(disk_reserve_bytes(1024 * MIB, 1024 * MIB), 1024 * MIB / 20);
    assert_int_equal(disk_reserve_bytes(64 * MIB, 0), 64 * MIB / 20);
}

static void test_disk_reserve__says_how_much_is_missing(void **state)
{
    const char *folder = *state;
    struct error err = {0};
    assert_ok(disk_reserve_check(folder, 4096, 4096, 0, &err));
    assert_status(disk_reserve_check(folder, 4096, UINT64_C(1) << 60, 0, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "is full: "));
    assert_non_null(strstr(err.message, "KiB more are needed"));
}

enum { NO_MOUNT = 77 };

static bool has_ballast(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/ballast", folder);
    return access(path, F_OK) == 0;
}

/* Of the size it should have. */
static bool remove_ballast(const char *folder)
{
    struct stat found;
    char path[256];
    snprintf(path, sizeof path, "%s/ballast", folder);
    return stat(path, &found) == 0 && (uint64_t)found.st_size == disk_ballast_bytes(folder) &&
           unlink(path) == 0;
}

/* Leaves `free_bytes` of a disk of 64 MiB. */
static bool fill(const char *folder, size_t free_bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/others", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t len = (off_t)(64 * MIB - free_bytes - disk_ballast_bytes(folder));
    bool is_done = fd >= 0 && posix_fallocate(fd, 0, len) == 0;
    close(fd);
    return is_done;
}

/* There is room, yet the file can't be made: nothing of it stays. */
static bool keep_fails_whole(const char *folder)
{
    const struct rlimit limit = {.rlim_cur = MIB, .rlim_max = MIB};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return false;
    disk_ballast_keep(folder);
    return !has_ballast(folder);
}

/* A name that leads elsewhere is left alone: what is behind it is not ours to fill. */
static bool keeps_off_a_link(const char *folder)
{
    char path[256], elsewhere[256];
    snprintf(path, sizeof path, "%s/ballast", folder);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
    if (symlink(elsewhere, path))
        return false;
    disk_ballast_keep(folder);
    return access(elsewhere, F_OK) != 0 && unlink(path) == 0;
}

/* Without memory for its name it stays, until the next time. */
static bool lending_needs_memory(const char *folder)
{
#ifdef RAGGED_FAULT
    fault_plan("mem:1+");
    disk_ballast_lend(folder);
    fault_plan(NULL);
#endif
    return has_ballast(folder);
}

/* To the byte, and in KiB that are rounded up. */
static bool counts_what_is_missing(const char *folder)
{
    struct disk_room disk;
    struct error err = {0};
    if (!disk_look(folder, &disk) || disk_reserve_check(folder, 1, disk.free_bytes - 1, 0, &err) ||
        disk_reserve_check(folder, 1, disk.free_bytes, 0, &err) != STATUS_IO ||
        !strstr(err.message, ": 1 KiB more are needed"))
        return false;
    uint64_t n_bytes = disk.free_bytes + 1024 * MIB - 1;
    return disk_reserve_check(folder, 1, n_bytes, 0, &err) == STATUS_IO &&
           strstr(err.message, ": 1048576 KiB more are needed") &&
           disk_reserve_check(folder, 2, n_bytes, 0, &err) == STATUS_IO &&
           strstr(err.message, ": 1048577 KiB more are needed");
}

/* The step that went wrong; 0: none. */
static int live_on_a_small_disk(const char *folder)
{
    struct error err;
    if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", folder, "tmpfs", 0, "size=64m"))
        return NO_MOUNT;
    if (disk_ballast_bytes(folder) != 2 * MIB)
        return 1;
    if (!keeps_off_a_link(folder))
        return 9;
    if (!counts_what_is_missing(folder))
        return 10;
    disk_ballast_keep(folder);
    disk_ballast_keep(folder);
    if (!has_ballast(folder) || disk_ballast_lend(folder) || !has_ballast(folder))
        return 2;
    if (disk_reserve_check(folder, 0, 0, 0, &err) || !fill(folder, 3 * MIB))
        return 3;
    if (disk_reserve_check(folder, 0, 0, 0, &err) != STATUS_IO || !strstr(err.message, "is full"))
        return 4;
    if (!lending_needs_memory(folder))
        return 8;
    if (!disk_ballast_lend(folder) || has_ballast(folder))
        return 5;
    disk_ballast_keep(folder); /* five MiB are free: no time for another one */
    if (has_ballast(folder) || disk_ballast_lend(folder) || !fill(folder, 7 * MIB))
        return 6;
    disk_ballast_keep(folder); /* nine, more than four times as many as it has */
    if (!has_ballast(folder) || !remove_ballast(folder))
        return 11;
    return keep_fails_whole(folder) ? 0 : 7;
}

static void test_disk_reserve__ballast_is_there_and_given_up(void **state)
{
    const char *folder = *state;
    int wait_status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(live_on_a_small_disk(folder));
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    if (WEXITSTATUS(wait_status) == NO_MOUNT)
        skip_because("a disk of its own can't be mounted here");
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

static void test_disk_reserve__a_folder_that_is_not_there_is_no_obstacle(void **state)
{
    (void)state;
    struct error err = {0};
    assert_ok(disk_reserve_check("/nowhere/at/all", 1, UINT64_C(1) << 60, 0, &err));
    assert_int_equal(disk_ballast_bytes("/nowhere/at/all"), 16 * MIB);
    disk_ballast_keep("/nowhere/at/all");
    assert_false(disk_ballast_lend("/nowhere/at/all"));
    assert_ok(disk_reserve_check("/proc", 1, UINT64_C(1) << 60, 0, &err)); /* it has no size */
}

#ifdef RAGGED_FAULT
static void test_disk_reserve__without_memory_leaves_things_as_they_are(void **state)
{
    const char *folder = *state;
    fault_plan("mem:1+");
    disk_ballast_keep(folder);
    fault_plan(NULL);
    assert_false(has_ballast(folder));
}
#endif

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_disk_reserve__scales_with_the_disk),
        TEST(test_disk_reserve__says_how_much_is_missing),
        TEST(test_disk_reserve__ballast_is_there_and_given_up),
        TEST(test_disk_reserve__a_folder_that_is_not_there_is_no_obstacle),
#ifdef RAGGED_FAULT
        TEST(test_disk_reserve__without_memory_leaves_things_as_they_are),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
