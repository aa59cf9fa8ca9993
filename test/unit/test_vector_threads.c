#include "vector_fixture.h"

static void test_vector_threads__threads_change_nothing(void **state)
{
    (void)state;
    struct error err;
    struct fixture f;
    float query[16];
    struct vector_hit expected[100], hits[100];
    size_t n_expected, n_hits;
    fixture_init(&f, 700000, 16);
    fixture_open(&f);
    for (int i = 0; i < 5; i++) {
        random_query(&f, query);
        struct vector_search search = {
            .query = query, .rows = &f.rows, .k = 100, .floor = -1, .n_threads = 1};
        assert_ok(vector_index_search(f.index, &search, expected, &n_expected, &err));
        search.n_threads = 4;
        assert_ok(vector_index_search(f.index, &search, hits, &n_hits, &err));
        assert_int_equal(n_hits, n_expected);
        for (size_t j = 0; j < n_hits; j++) {
            assert_int_equal(hits[j].row, expected[j].row);
            assert_true(hits[j].cosine == expected[j].cosine);
        }
    }
    struct span alone, together;
    char *path = path_join(f.folder, "threads.seg");
    write_segment(&f, path, 3);
    assert_ok(file_map(f.path, &alone, &err));
    assert_ok(file_map(path, &together, &err));
    assert_int_equal(alone.len, together.len);
    assert_memory_equal(alone.bytes, together.bytes, alone.len);
    file_unmap(&alone);
    file_unmap(&together);
    mem_free(path);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_threads__threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
