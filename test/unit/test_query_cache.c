/* The two tiers of the cache: bounds, ages, states, and what goes from one tier to the other. */
#include "store_fixture.h"

#include "base/fault.h"
#include "base/mem.h"
#include "cache/query_cache.h"

#define BLOB_BYTES 100000
#define N_BLOBS 1500

static struct error err;

/* The memory of a sanitizer itself is short memory to the governor. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define needs_memory() skip_because("needs a build without sanitizers: theirs counts as used")
#else
#define needs_memory() (void)0
#endif

struct fixture {
    char folder[64];
    struct governor *governor;
    struct query_cache *cache;
};

static void open_cache(struct fixture *f, uint64_t bytes_max)
{
    assert_ok(query_cache_new(&(struct query_cache_options){.data_folder = f->folder,
                                                            .governor = f->governor,
                                                            .bytes_max = bytes_max},
                              &f->cache, &err));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fixture_folder_make(f->folder);
    /* A fifth of it is for caches; what the process has anyway must not make memory short. */
    assert_ok(governor_new(&(struct governor_options){.max_bytes = 512 * 1024 * 1024}, &f->governor,
                           &err));
    open_cache(f, (uint64_t)512 * 1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    query_cache_free(f->cache);
    assert_int_equal(governor_free_bytes(f->governor, GOVERNOR_CACHE),
                     governor_share(f->governor, GOVERNOR_CACHE));
    governor_free(f->governor);
    fixture_folder_remove(f->folder);
    free(f);
    return 0;
}

static struct query_cache_key key_of(size_t i, unsigned char state)
{
    struct query_cache_key key = {
        .kind = QUERY_CACHE_RESULT, .hash = hash128_of(&i, sizeof i), .ttl_ms = 3600000};
    key.state.bytes[3] = state;
    return key;
}

static void put(struct fixture *f, size_t i, unsigned char state)
{
    unsigned char blob[BLOB_BYTES];
    struct query_cache_key key = key_of(i, state);
    memset(blob, (int)(i + state), sizeof blob);
    query_cache_put(f->cache, &key, blob, sizeof blob);
}

static bool has(struct fixture *f, size_t i, unsigned char state)
{
    struct query_cache_key key = key_of(i, state);
    struct span found;
    if (!query_cache_find(f->cache, &key, &found))
        return false;
    assert_int_equal(found.len, BLOB_BYTES);
    assert_int_equal(((const unsigned char *)found.bytes)[7], (unsigned char)(i + state));
    return true;
}

static void test_query_cache__memory_is_what_the_governor_gives(void **state)
{
    struct fixture *f = *state;
    needs_memory();
    size_t share = governor_share(f->governor, GOVERNOR_CACHE);
    for (size_t i = 0; i < N_BLOBS; i++) {
        put(f, i, 0);
        put(f, i, 1); /* in its place */
    }
    size_t n_left = governor_free_bytes(f->governor, GOVERNOR_CACHE);
    assert_in_range(n_left, 0, 2 * BLOB_BYTES);
    query_cache_forget(f->cache);
    assert_int_equal(governor_free_bytes(f->governor, GOVERNOR_CACHE), share);
}

static void test_query_cache__another_state_finds_nothing(void **state)
{
    struct fixture *f = *state;
    needs_memory();
    put(f, 1, 0);
    assert_true(has(f, 1, 0));
    assert_false(has(f, 1, 1));
    put(f, 1, 1);
    assert_true(has(f, 1, 1));
    assert_false(has(f, 1, 0));
    struct query_cache_key other_kind = key_of(1, 1);
    other_kind.kind = QUERY_CACHE_ANSWER;
    assert_false(query_cache_find(f->cache, &other_kind, &(struct span){0}));
}

static void test_query_cache__old_ones_are_not_found(void **state)
{
    struct fixture *f = *state;
    needs_memory();
    struct query_cache_key key = key_of(1, 0);
    put(f, 1, 0);
    key.ttl_ms = 0;
    assert_false(query_cache_find(f->cache, &key, &(struct span){0}));
    key.ttl_ms = 60000;
    assert_true(query_cache_find(f->cache, &key, &(struct span){0}));
#ifdef RAGGED_FAULT
    fault_plan("clock.wall:1+"); /* a year back: it was made in the future */
    assert_false(query_cache_find(f->cache, &key, &(struct span){0}));
    fault_plan(NULL);
#endif
}

static void test_query_cache__others_find_what_was_written(void **state)
{
    struct fixture *f = *state;
    struct fixture other = *f;
    open_cache(&other, (uint64_t)4 * 1024 * 1024);
    put(f, 1, 0);
    assert_false(has(&other, 1, 0)); /* it waits for more */
    for (size_t i = 2; i < 130; i++)
        put(f, i, 0);
    assert_true(has(&other, 1, 0));
    query_cache_free(f->cache);
    open_cache(f, (uint64_t)4 * 1024 * 1024);
    for (size_t i = 1; i < 130; i++)
        assert_true(has(f, i, 0));
    query_cache_free(other.cache);
}

static void test_query_cache__one_is_never_most_of_it(void **state)
{
    struct fixture *f = *state;
    query_cache_free(f->cache);
    open_cache(f, 4 * BLOB_BYTES);
    put(f, 1, 0);
    assert_false(has(f, 1, 0));
}

int main(void)
{
    store_use_mem();
#define TEST(name) cmocka_unit_test_setup_teardown(test_query_cache__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(memory_is_what_the_governor_gives),
        TEST(another_state_finds_nothing),
        TEST(old_ones_are_not_found),
        TEST(others_find_what_was_written),
        TEST(one_is_never_most_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
