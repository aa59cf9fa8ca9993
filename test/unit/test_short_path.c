#include "../testing.h"

#include <string.h>

#include "answer/short_path.h"

static const char *shortened(const char *path, const char *const *others)
{
    size_t n_shared = 0;
    for (; *others; others++) {
        size_t n = short_path_shared(path, *others);
        n_shared = n > n_shared ? n : n_shared;
    }
    return short_path_end(path, n_shared);
}

static void test_short_path__is_the_shortest_that_is_unique(void **state)
{
    (void)state;
    static const struct {
        const char *path, *others[4], *expected;
    } cases[] = {
        {"/d/a/copyright", {NULL}, "copyright"},
        {"/d/a/copyright", {"/d/a/readme"}, "copyright"},
        {"/d/a/copyright", {"/d/b/copyright"}, "a/copyright"},
        {"/d/a/copyright", {"/d/b/copyright", "/e/a/copyright"}, "d/a/copyright"},
        {"/d/a/copyright", {"/x/d/a/copyright"}, "/d/a/copyright"},
        {"/x/d/a/copyright", {"/d/a/copyright"}, "x/d/a/copyright"},
        {"/d/b.txt", {"/d/ab.txt"}, "b.txt"},
        {"/d/ab.txt", {"/d/b.txt"}, "ab.txt"},
        {"/d/xa/c", {"/d/a/c"}, "xa/c"},
        {"/c", {"/d/c"}, "/c"},
        {"c", {"d"}, "c"},
        {"/d/a/", {"/d/b/"}, "a/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(shortened(cases[i].path, cases[i].others), cases[i].expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_path__is_the_shortest_that_is_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
