/* Folders that come and go: base/file.h. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

static char *make_folder(void)
{
    struct error err = {0};
    char *folder = NULL;
    assert_ok(folder_make_temporary("/tmp", "ragged-test-", &folder, &err));
    return folder;
}

static void write_file(const char *folder, const char *name)
{
    struct error err = {0};
    char *path = path_join(folder, name);
    assert_ok(file_replace(path, "x", 1, 0600, &err));
    mem_free(path);
}

static bool is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

static void test_file__temporary_folders_are_new_and_private(void **state)
{
    (void)state;
    struct error err = {0};
    struct stat info;
    char *one = make_folder(), *other = make_folder();
    assert_string_not_equal(one, other);
    assert_int_equal(strncmp(one, "/tmp/ragged-test-", 17), 0);
    assert_int_equal(stat(one, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_ok(folder_remove(one, &err));
    assert_ok(folder_remove(other, &err));
    mem_free(one);
    mem_free(other);
}

static void test_file__temporary_folder_needs_a_parent(void **state)
{
    (void)state;
    struct error err = {0};
    char *path = NULL;
    assert_status(folder_make_temporary("/nonexistent", "x", &path, &err), STATUS_NOT_FOUND);
    assert_null(path);
    assert_non_null(strstr(err.message, "/nonexistent"));
}

static void test_file__remove_takes_all_and_follows_no_link(void **state)
{
    (void)state;
    struct error err = {0};
    char *folder = make_folder(), *kept = make_folder();
    char *deep = path_join(folder, "a/b/c"), *link = path_join(folder, "link");
    assert_ok(folder_make(deep, &err));
    write_file(folder, "one.txt");
    write_file(deep, "two.txt");
    write_file(kept, "three.txt");
    assert_int_equal(symlink(kept, link), 0);

    assert_ok(folder_remove(folder, &err));
    assert_false(is_there(folder));
    char *three = path_join(kept, "three.txt");
    assert_true(is_there(three));

    assert_ok(folder_remove(folder, &err)); /* absent */
    assert_ok(folder_remove(kept, &err));
    mem_free(three);
    mem_free(link);
    mem_free(deep);
    mem_free(kept);
    mem_free(folder);
}

#ifdef RAGGED_FAULT
static void test_file__remove_tells_what_stays(void **state)
{
    (void)state;
    struct error err = {0};
    char *folder = make_folder();
    write_file(folder, "one.txt");
    fault_plan("file.remove:1");
    enum status status = folder_remove(folder, &err);
    fault_plan(NULL);
    assert_status(status, STATUS_IO);
    assert_non_null(strstr(err.message, folder));
    assert_true(is_there(folder));
    assert_ok(folder_remove(folder, &err));
    mem_free(folder);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__temporary_folders_are_new_and_private),
        cmocka_unit_test(test_file__temporary_folder_needs_a_parent),
        cmocka_unit_test(test_file__remove_takes_all_and_follows_no_link),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_file__remove_tells_what_stays),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
