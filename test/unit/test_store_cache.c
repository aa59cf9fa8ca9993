/* The file of a cache: what it was given or nothing, whatever stands in its place. */
#include "store_fixture.h"

#include <fcntl.h>

#include "base/fault.h"
#include "base/file.h"

#define MAX_BYTES ((uint64_t)1024 * 1024)
#define N_ROWS 40

static struct error err;

struct fixture {
    char folder[64], path[96];
    struct store_cache *cache;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fixture_folder_make(f->folder);
    snprintf(f->path, sizeof f->path, "%s/cache/queries.db", f->folder);
    assert_ok(store_cache_new(f->folder, &f->cache, &err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_cache_free(f->cache);
    fixture_folder_remove(f->folder);
    free(f);
    return 0;
}

static struct hash128 key_of(size_t i)
{
    return hash128_of(&i, sizeof i);
}

/* Blobs of many lengths; some are longer than a page. */
static size_t make_blob(size_t i, unsigned char out[8192])
{
    size_t len = 1 + i * 173 % 8000;
    memset(out, (int)('a' + i % 26), len);
    memcpy(out, &i, len < sizeof i ? len : sizeof i);
    return len;
}

static enum status put(struct store_cache *cache, size_t i, int64_t now_s, uint64_t max_bytes)
{
    unsigned char blob[8192];
    struct store_cache_row row = {.key = key_of(i), .kind = (unsigned)(i % 3), .bytes = blob};
    row.len = make_blob(i, blob);
    return store_cache_put(cache, &row, 1, now_s, max_bytes, &err);
}

static void fill(struct fixture *f)
{
    for (size_t i = 0; i < N_ROWS; i++)
        assert_ok(put(f->cache, i, 1000 + (int64_t)i, MAX_BYTES));
}

/* True: it is there, and what was put; anything else that comes out is a failure. */
static bool has(struct store_cache *cache, size_t i)
{
    unsigned char blob[8192];
    size_t len = make_blob(i, blob);
    struct buf out = {0};
    int64_t used_s = 0;
    bool is_there = store_cache_get(cache, key_of(i), &out, &used_s, NULL) == STATUS_OK;
    if (is_there) {
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, blob, len);
    }
    buf_clear(&out);
    return is_there;
}

static size_t count(struct store_cache *cache)
{
    size_t n = 0;
    for (size_t i = 0; i < N_ROWS; i++)
        n += has(cache, i);
    return n;
}

static void reopen(struct fixture *f)
{
    store_cache_free(f->cache);
    assert_ok(store_cache_new(f->folder, &f->cache, &err));
}

static void test_store_cache__gives_what_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct store_cache_counts counts;
    struct stat info;
    assert_int_equal(count(f->cache), 0);
    assert_int_equal(stat(f->path, &info), -1); /* who only reads makes nothing */
    fill(f);
    assert_int_equal(count(f->cache), N_ROWS);
    reopen(f);
    assert_int_equal(count(f->cache), N_ROWS);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_ok(store_cache_count(f->cache, &counts, &err));
    assert_int_equal(counts.n[0] + counts.n[1] + counts.n[2], N_ROWS);
    assert_int_equal(counts.n[0], (N_ROWS + 2) / 3);
    assert_ok(store_cache_remove(f->cache, &err));
    assert_int_equal(count(f->cache), 0);
    assert_int_equal(stat(f->path, &info), -1);
}

static void test_store_cache__drops_what_was_not_used_for_longest(void **state)
{
    struct fixture *f = *state;
    const struct store_cache_row used = {.key = key_of(0)};
    struct store_cache_counts counts;
    fill(f);
    assert_ok(store_cache_put(f->cache, &used, 1, 5000, MAX_BYTES, &err));
    for (size_t i = N_ROWS; i < 400; i++)
        assert_ok(put(f->cache, i, 1000 + (int64_t)i, 400 * 1024));
    assert_true(has(f->cache, 0));
    assert_false(has(f->cache, 1));
    assert_true(has(f->cache, 399));
    assert_ok(store_cache_count(f->cache, &counts, &err));
    assert_in_range(counts.bytes[0] + counts.bytes[1] + counts.bytes[2], 150 * 1024, 400 * 1024);
    /* A file that is much too large is not emptied row by row. */
    assert_ok(put(f->cache, 1, 9000, 8192));
    assert_ok(put(f->cache, 2, 9000, MAX_BYTES));
    reopen(f);
    assert_ok(store_cache_count(f->cache, &counts, &err));
    assert_in_range(counts.file_bytes, 1, 64 * 1024);
    assert_true(has(f->cache, 2));
}

static void test_store_cache__serves_many_at_once(void **state)
{
    struct fixture *f = *state;
    struct store_cache *other = NULL;
    assert_ok(store_cache_new(f->folder, &other, &err));
    for (size_t i = 0; i < N_ROWS; i++) {
        assert_ok(put(i % 2 ? other : f->cache, i, 1, MAX_BYTES));
        assert_true(has(f->cache, i));
        assert_true(has(other, i));
    }
    store_cache_free(other);
}

static void write_at(const char *path, off_t at, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    close(fd);
}

/* Whatever single byte is another, a row is what it was, or it is not there. */
static void test_store_cache__a_damaged_byte_is_never_a_wrong_blob(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    struct buf whole = {0};
    fill(f);
    store_cache_free(f->cache);
    assert_ok(file_read(f->path, MAX_BYTES, &whole, &err));
    assert_int_equal(stat(f->path, &info), 0);
    size_t n_lost = 0;
    for (off_t at = 0; at < info.st_size; at += at < 120 ? 1 : 101) {
        unsigned char byte = (unsigned char)(whole.data[at] ^ (1 << at % 8));
        write_at(f->path, at, &byte, 1);
        assert_ok(store_cache_new(f->folder, &f->cache, &err));
        size_t n = 0;
        for (size_t i = 0; i < N_ROWS; i += 3)
            n += has(f->cache, i);
        n_lost += n < (N_ROWS + 2) / 3;
        store_cache_free(f->cache);
        write_at(f->path, at, &whole.data[at], 1);
    }
    assert_true(n_lost > 100);
    buf_clear(&whole);
    f->cache = NULL;
}

static void test_store_cache__what_is_of_no_use_is_made_anew(void **state)
{
    struct fixture *f = *state;
    static const char junk[] = "this is no database, and it is longer than the header of one, so "
                               "that nobody can take it for an empty file of that kind at all";
    struct stat info;
    for (int what = 0; what < 6; what++) {
        fill(f);
        reopen(f);
        assert_int_equal(stat(f->path, &info), 0);
        switch (what) {
        case 0: /* gone while it is open */
            assert_int_equal(count(f->cache), N_ROWS);
            unlink(f->path);
            reopen(f);
            break;
        case 1: /* cut in the middle */
            assert_int_equal(truncate(f->path, info.st_size / 2 + 100), 0);
            break;
        case 2:
            assert_int_equal(truncate(f->path, 0), 0);
            break;
        case 3:
            assert_int_equal(truncate(f->path, 0), 0);
            write_at(f->path, 0, junk, sizeof junk);
            break;
        case 4: /* another program's number */
            write_at(f->path, 68, "RGGD", 4);
            break;
        default: /* another version's */
            write_at(f->path, 60, "\0\0\0\x63", 4);
        }
        (void)count(f->cache);
        assert_ok(put(f->cache, 7, 1, MAX_BYTES));
        assert_true(has(f->cache, 7));
        reopen(f);
        assert_true(has(f->cache, 7));
    }
}

static void test_store_cache__goes_through_no_link(void **state)
{
    struct fixture *f = *state;
    char target[96];
    struct stat info;
    snprintf(target, sizeof target, "%s/target", f->folder);
    fill(f);
    assert_ok(store_cache_remove(f->cache, &err));
    assert_int_equal(symlink(target, f->path), 0);
    assert_status(put(f->cache, 1, 1, MAX_BYTES), STATUS_IO);
    assert_int_equal(stat(target, &info), -1);
}

static void test_store_cache__a_folder_that_can_t_be_written_is_an_error(void **state)
{
    struct fixture *f = *state;
    char cache[96];
    snprintf(cache, sizeof cache, "%s/cache", f->folder);
    write_at(cache, 0, "x", 1); /* root writes into any folder, but not into a file */
    assert_true(put(f->cache, 1, 1, MAX_BYTES) != STATUS_OK);
    assert_false(has(f->cache, 1));
    unlink(cache);
    assert_ok(put(f->cache, 1, 1, MAX_BYTES));
    assert_true(has(f->cache, 1));
}

#ifdef RAGGED_FAULT
/* Every step fails once: nothing wrong comes out, and the next write works. */
static void test_store_cache__faults(void **state)
{
    struct fixture *f = *state;
    static const char *const sites[] = {"mem", "sqlite", "file"};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        bool is_over = false;
        for (int n = 1; n < 20000 && !is_over; n++) {
            char plan[32];
            struct store_cache *cache = NULL;
            snprintf(plan, sizeof plan, "%s:%d", sites[i], n);
            fault_plan(plan);
            enum status status = store_cache_new(f->folder, &cache, NULL);
            for (size_t k = 0; k < 2 && !status; k++) {
                enum status ignored = put(cache, k, 1, MAX_BYTES);
                (void)ignored;
                (void)has(cache, k);
            }
            is_over = fault_count(sites[i]) < n;
            fault_plan(NULL);
            if (!status) {
                assert_ok(put(cache, 9, 1, MAX_BYTES));
                assert_true(has(cache, 9));
            }
            store_cache_free(cache);
        }
        assert_true(is_over);
    }
}
#endif

int main(void)
{
    store_use_mem();
#define TEST(name) cmocka_unit_test_setup_teardown(test_store_cache__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gives_what_it_was_given),
        TEST(drops_what_was_not_used_for_longest),
        TEST(serves_many_at_once),
        TEST(a_damaged_byte_is_never_a_wrong_blob),
        TEST(what_is_of_no_use_is_made_anew),
        TEST(goes_through_no_link),
        TEST(a_folder_that_can_t_be_written_is_an_error),
#ifdef RAGGED_FAULT
        TEST(faults),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
