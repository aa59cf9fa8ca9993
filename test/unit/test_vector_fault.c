/* Memory, files and threads that fail, each at every place in turn: the status says so, nothing is
 * half done, and (with ASan) nothing is lost. */
#include "base/fault.h"

#ifdef RAGGED_FAULT

#include "vector_fixture.h"

#define K 10

struct outcome {
    enum status status; /* of the first step that failed */
    size_t n_hits;
    struct vector_hit hits[K];
};

static enum status write_again(struct fixture *f, const char *path, const int64_t *ids,
                               struct error *err)
{
    struct segment_writer *writer = NULL;
    struct segment_stamp stamp;
    enum status status = segment_writer_new(path, SEGMENT_VECTOR, "made up", &writer, err);
    if (status == STATUS_OK)
        status = segment_writer_put_rows(writer, ids, ids, f->n, err);
    if (status == STATUS_OK)
        status = vector_codes_write(writer, f->slots, f->n, &f->rows, 2, err);
    if (status == STATUS_OK)
        status = segment_writer_finish(writer, &stamp, err);
    segment_writer_free(writer);
    return status;
}

static enum status search_twice(struct fixture *f, struct vector_index *index, const float *query,
                                struct outcome *out, struct error *err)
{
    struct vector_search search = {
        .query = query, .rows = &f->rows, .k = K, .floor = -1, .n_threads = 2};
    enum status status = vector_index_search(index, &search, out->hits, &out->n_hits, err);
    if (status != STATUS_OK)
        assert_int_equal(out->n_hits, 77);
    search.n_rescored = f->n; /* all of them exactly */
    if (status == STATUS_OK)
        status = vector_index_search(index, &search, out->hits, &out->n_hits, err);
    return status;
}

static struct outcome run(struct fixture *f, const char *path, const int64_t *ids,
                          const float *query, const char *plan)
{
    struct error err = {0};
    struct outcome out = {.n_hits = 77};
    struct segment *segment = NULL;
    struct vector_index *index = NULL;
    fault_plan(plan);
    out.status = write_again(f, path, ids, &err);
    if (out.status == STATUS_OK)
        out.status = segment_open(path, SEGMENT_VECTOR, NULL, &segment, &err);
    if (out.status == STATUS_OK)
        out.status = vector_index_open(segment, &index, &err);
    if (out.status == STATUS_OK)
        out.status = search_twice(f, index, query, &out, &err);
    if (out.status == STATUS_OK)
        out.status = vector_index_check(index, &f->rows, &err);
    if (out.status != STATUS_OK)
        assert_true(err.status == out.status && err.message[0] != 0);
    vector_index_close(index);
    segment_close(segment);
    return out;
}

static void fail_everywhere(const char *site, size_t n)
{
    struct error err;
    struct fixture f;
    struct vector_hit expected[K];
    size_t n_expected;
    float query[16];
    fault_plan(NULL);
    fixture_init(&f, n, 16);
    fixture_open(&f);
    random_query(&f, query);
    struct vector_search search = {
        .query = query, .rows = &f.rows, .k = K, .n_rescored = n, .floor = -1};
    assert_ok(vector_index_search(f.index, &search, expected, &n_expected, &err));
    int64_t *ids = mem_array(n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int64_t)i + 1;
    char *path = path_join(f.folder, "again.seg");
    assert_int_equal(run(&f, path, ids, query, NULL).status, STATUS_OK);
    long n_places = fault_count(site), n_failed = 0;
    for (long place = 1; place <= n_places; place++) {
        char plan[64];
        snprintf(plan, sizeof plan, "%s:%ld", site, place);
        struct outcome got = run(&f, path, ids, query, plan);
        n_failed += got.status != STATUS_OK;
        if (got.status == STATUS_OK)
            assert_memory_equal(got.hits, expected, sizeof expected);
    }
    printf("%s: %ld places, %ld of them give an error\n", site, n_places, n_failed);
    assert_true(n_failed > 0);
    fault_plan(NULL);
    mem_free(path);
    mem_free(ids);
    fixture_clear(&f);
}

static void test_vector_fault__memory_and_files(void **state)
{
    (void)state;
    static const char *const sites[] = {"mem", "file.open", "file.map", "file.write"};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++)
        fail_everywhere(sites[i], 40000); /* enough for two threads that encode */
}

static void test_vector_fault__threads(void **state)
{
    (void)state;
    fail_everywhere("thread.start", 620000); /* enough for two threads that scan */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_fault__memory_and_files),
        cmocka_unit_test(test_vector_fault__threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include "../testing.h"

static void test_vector_fault__needs_a_fault_build(void **state)
{
    (void)state;
    skip_because("faults are injected in FAULT=1 builds only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_fault__needs_a_fault_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
