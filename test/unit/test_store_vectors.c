/* The file of the vectors: as snapshots map it, lost and cut off, with holes. */
#include "store_fixture.h"
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

static void get_vector(struct store *store, int64_t chunk_id, uint16_t out[FIXTURE_DIM])
{
    struct error err;
    struct store_vectors vectors;
    uint32_t slot = 0;
    bool has_vector = false;
    assert_ok(store_map_vectors(store, &vectors, &err));
    assert_int_equal(vectors.row_bytes, FIXTURE_DIM * sizeof *out);
    assert_ok(store_get_chunk_vector(store, chunk_id, &slot, &has_vector, &err));
    assert_true(has_vector);
    assert_true(slot < vectors.n_slots);
    memcpy(out, (const char *)vectors.rows + slot * vectors.row_bytes, vectors.row_bytes);
}

static void assert_vector(struct store *store, int64_t chunk_id, int text)
{
    uint16_t expected[FIXTURE_DIM] = {0}, vector[FIXTURE_DIM];
    expected[text % FIXTURE_DIM] = 0x3C00;
    get_vector(store, chunk_id, vector);
    assert_memory_equal(vector, expected, sizeof expected);
}

static void test_store_vectors__maps_the_vectors_of_its_snapshot(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct store *reader;
    struct store_vectors vectors = {.n_slots = 9}, later;
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    assert_ok(store_read_begin(reader, &err));
    assert_ok(store_map_vectors(reader, &vectors, &err));
    assert_null(vectors.rows);
    assert_int_equal(vectors.n_slots, 0);
    store_read_end(reader);

    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(reader, &err));
    fixture_must_save(f, 2, 20, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_map_vectors(reader, &vectors, &err));
    assert_int_equal(vectors.n_slots, 3);
    assert_vector(reader, 3, 12);
    store_read_end(reader);

    assert_ok(store_read_begin(reader, &err));
    assert_ok(store_map_vectors(reader, &later, &err));
    assert_ptr_equal(later.rows, vectors.rows); /* the same map */
    assert_int_equal(later.n_slots, 6);
    for (int i = 0; i < 3; i++) {
        assert_vector(reader, 1 + i, 10 + i);
        assert_vector(reader, 4 + i, 20 + i);
    }
    bool has_vector = true;
    assert_ok(store_get_chunk_vector(reader, 99, &(uint32_t){0}, &has_vector, &err));
    assert_false(has_vector);
    store_read_end(reader);
    store_close(reader);
}

static void test_store_vectors__a_reader_keeps_vectors_that_were_removed(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct store *reader, *late;
    struct store_vectors vectors;
    char path[128];
    fixture_vectors_path(f->folder, 1, path);
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &late, &err));
    assert_ok(store_read_begin(reader, &err));
    assert_ok(store_read_begin(late, &err));
    assert_vector(reader, 2, 11);
    assert_write(f, store_remove_vectors(f->store, &err));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_vector(reader, 2, 11);
    store_read_end(reader);
    /* It had not looked yet: the next snapshot knows. */
    assert_status(store_map_vectors(late, &vectors, &err), STATUS_BUSY);
    store_read_end(late);
    assert_ok(store_read_begin(late, &err));
    assert_ok(store_map_vectors(late, &vectors, &err));
    assert_int_equal(vectors.n_slots, 0);
    store_read_end(late);

    fixture_must_save(f, 2, 30, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(reader, &err));
    assert_vector(reader, 4, 30);
    store_read_end(reader);
    store_close(reader);
    store_close(late);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store_vectors__a_lost_or_short_file_is_damage(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct store *reader;
    struct store_vectors vectors;
    char path[128];
    fixture_vectors_path(f->folder, 1, path);
    fixture_must_save(f, 1, 13, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    for (int i = 0; i < 2; i++) {
        assert_ok(store_read_begin(reader, &err));
        assert_ok(store_map_vectors(reader, &vectors, &err));
        store_read_end(reader);
        assert_int_equal(truncate(path, 3 * 2 * FIXTURE_DIM - 1), 0);
        assert_ok(store_read_begin(reader, &err));
        assert_status(store_map_vectors(reader, &vectors, &err), STATUS_DAMAGED);
        store_read_end(reader);
        assert_int_equal(fixture_n_problems(reader), 1);
        assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_DAMAGED);
        assert_int_equal(truncate(path, 3 * 2 * FIXTURE_DIM), 0);
        assert_int_equal(fixture_n_problems(reader), 1); /* the last byte was not 0 */
        unlink(path);
        store_close(reader);
        assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
        for (int n = 0; n < 3; n++) {
            assert_ok(store_read_begin(reader, &err));
            assert_status(store_map_vectors(reader, &vectors, &err),
                          n ? STATUS_DAMAGED : STATUS_BUSY);
            store_read_end(reader);
        }
        assert_int_equal(fixture_n_problems(reader), 1);
        assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_DAMAGED);
        /* Made again, everything is well. */
        assert_write(f, store_remove_vectors(f->store, &err));
        fixture_must_save(f, 1, 13, 3, FIXTURE_WITH_VECTORS);
        assert_int_equal(fixture_n_problems(f->store), 0);
        fixture_vectors_path(f->folder, 2, path);
    }
    store_close(reader);
}

static void test_store_vectors__another_size_is_refused(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    uint16_t vector[2 * FIXTURE_DIM] = {0x3C00};
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    struct hash128 hash = fixture_hash("other");
    static const size_t sizes[] = {2, 2 * FIXTURE_DIM - 2, 2 * FIXTURE_DIM + 2,
                                   2 * FIXTURE_DIM - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_ok(store_write_begin(f->store, &err));
        assert_status(store_put_vector(f->store, hash, vector, sizes[i], &err), STATUS_INVALID);
        assert_status(store_write_commit(f->store, &err), STATUS_INVALID);
    }
    bool is_right = true;
    assert_ok(store_check_vector(f->store, 7, vector, 2 * FIXTURE_DIM, &is_right, &err));
    assert_false(is_right); /* there is none */
    /* A library without any takes what comes, but for what can't be one. */
    static const uint16_t huge[512 * 1024 + 1];
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_vectors(f->store, &err));
    assert_status(store_put_vector(f->store, hash, huge, sizeof huge, &err), STATUS_INVALID);
    store_write_rollback(f->store);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_vectors(f->store, &err));
    assert_ok(store_put_vector(f->store, hash, vector, sizeof vector, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_ok(store_read_begin(f->store, &err));
    struct store_vectors vectors;
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    assert_int_equal(vectors.row_bytes, sizeof vector);
    assert_int_equal(vectors.n_slots, 1);
    store_read_end(f->store);
}

static void test_store_vectors__what_was_rolled_back_is_written_over(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct fixture_document d;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_document_init(&d, 2, 23, 5, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(fixture_put(f->store, &d, &err));
    store_write_rollback(f->store);
    fixture_must_save(f, 3, 30, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(f->store, &err));
    for (int i = 0; i < 3; i++)
        assert_vector(f->store, 3 + i, 30 + i);
    store_read_end(f->store);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

/* More than is kept in memory, in one transaction; and begun anew inside of it. */
static void test_store_vectors__a_large_transaction(void **state)
{
    enum { N = 4096, DIM = 1024 };
    struct fixture_library *f = *state;
    struct error err;
    static uint16_t vector[DIM];
    for (int round = 0; round < 3; round++) {
        assert_ok(store_write_begin(f->store, &err));
        for (int i = 0; i < N; i++) {
            char text[32];
            snprintf(text, sizeof text, "%d", i);
            memset(vector, 0, sizeof vector);
            vector[(i + round) % DIM] = 0x3C00;
            if (i == N / 2 && round == 1)
                assert_ok(store_remove_vectors(f->store, &err));
            assert_ok(store_put_vector(f->store, fixture_hash(text), vector, sizeof vector, &err));
        }
        if (round == 2)
            store_write_rollback(f->store);
        else
            assert_ok(store_write_commit(f->store, &err));
        struct store_counts counts;
        assert_ok(store_count(f->store, &counts, &err));
        assert_int_equal(counts.n_vectors, round ? N / 2 : N);
        if (round < 2) /* what was rolled back may lie behind the end */
            assert_int_equal(counts.vector_file_bytes, counts.n_vectors * sizeof vector);
        size_t n_problems;
        assert_ok(store_check(f->store, DIM, fixture_say, NULL, &n_problems, &err));
        assert_int_equal(n_problems, 0);
    }
}

/* ---- holes ---- */

static uint64_t blocks_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void test_store_vectors__compact_makes_holes_at_the_second_time(void **state)
{
    enum { N = 2048, DIM = 64 }; /* 32 rows to a page */
    struct fixture_library *f = *state;
    struct error err;
    struct store_vectors vectors;
    static uint16_t vector[DIM] = {0x3C00};
    char path[128];
    size_t n_problems;
    fixture_vectors_path(f->folder, 1, path);
    fixture_must_put_vectors(f, N, vector, sizeof vector);
    /* The chunks that keep theirs: slots 1000 to 1007 and 1500. */
    fixture_must_save(f, 1, 1000, 8, FIXTURE_WITHOUT_VECTORS);
    fixture_must_save(f, 2, 1500, 1, FIXTURE_WITHOUT_VECTORS);
    struct store *reader;
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    assert_ok(store_read_begin(reader, &err));
    assert_ok(store_map_vectors(reader, &vectors, &err));
    uint64_t n_before = blocks_of(path);
    assert_ok(store_compact(f->store, &err));
    assert_int_equal(blocks_of(path), n_before);
    for (int i = 0; i < N; i++) /* what the old snapshot knows is there */
        assert_memory_equal((const char *)vectors.rows + (size_t)i * sizeof vector, vector,
                            sizeof vector);
    store_read_end(reader);
    store_close(reader);
    assert_ok(store_compact(f->store, &err));
    uint64_t n_after = blocks_of(path);
    if (n_after == n_before)
        skip_because("the file system makes no holes");
    assert_true(n_after <= (uint64_t)3 * (uint64_t)sysconf(_SC_PAGESIZE));
    int64_t generation, same;
    assert_ok(store_generation(f->store, &generation, &err));
    assert_ok(store_compact(f->store, &err));
    assert_ok(store_generation(f->store, &same, &err));
    assert_int_equal(same, generation); /* nothing to do */
    assert_ok(store_check(f->store, DIM, fixture_say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
    /* A vector more that nobody needs: its page goes with the compact after the next. */
    fixture_must_save(f, 2, 1000, 1, FIXTURE_WITHOUT_VECTORS);
    assert_ok(store_compact(f->store, &err));
    assert_int_equal(blocks_of(path), n_after);
    assert_ok(store_compact(f->store, &err));
    assert_true(blocks_of(path) < n_after);
    assert_ok(store_check(f->store, DIM, fixture_say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
    /* Slots go on behind the holes. */
    assert_write(f, store_put_vector(f->store, fixture_hash("new"), vector, sizeof vector, &err));
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    assert_int_equal(vectors.n_slots, N + 1);
    assert_memory_equal((const char *)vectors.rows + (size_t)N * sizeof vector, vector,
                        sizeof vector);
    store_read_end(f->store);
}

/* A file of the last minute may be in use. */
static void make_old(const char *path)
{
    const struct timespec times[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void test_store_vectors__compact_removes_vector_files_that_were_left(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    char left[128], kept[128], next[128], other[160];
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    assert_write(f, store_remove_vectors(f->store, &err));
    fixture_must_save(f, 2, 20, 1, FIXTURE_WITH_VECTORS);
    fixture_vectors_path(f->folder, 1, left);
    fixture_vectors_path(f->folder, 2, kept);
    snprintf(other, sizeof other, "%s/vectors-1.f16.mine", f->folder);
    fixture_vectors_path(f->folder, 3, next);
    assert_ok(file_replace(left, "x", 1, 0600, &err));
    assert_ok(file_replace(next, "x", 1, 0600, &err));
    assert_ok(file_replace(other, "x", 1, 0600, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    make_old(left);
    make_old(next);
    make_old(other);
    assert_int_equal(fixture_n_problems(f->store), 1);
    assert_ok(store_compact(f->store, &err));
    assert_int_not_equal(access(left, F_OK), 0);
    assert_int_not_equal(access(next, F_OK), 0);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

/* Old as they are, they are no files that a stopped process left. */
static void test_store_vectors__compact_leaves_what_only_looks_left(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    static const char *const names[] = {"link.tmp", "folder.tmp", "vectors-.f16", "vectors-7.f32",
                                        "vectors-9.f16x"};
    char paths[5][160], young[160], left[160];
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    for (size_t i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", f->folder, names[i]);
    snprintf(young, sizeof young, "%s/young.tmp", f->folder);
    snprintf(left, sizeof left, "%s/left.tmp", f->folder);
    assert_int_equal(symlink(left, paths[0]), 0);
    assert_int_equal(mkdir(paths[1], 0700), 0);
    for (size_t i = 2; i < 5; i++)
        assert_ok(file_replace(paths[i], "x", 1, 0600, &err));
    assert_ok(file_replace(young, "x", 1, 0600, &err));
    assert_ok(file_replace(left, "x", 1, 0600, &err));
    make_old(left);
    for (size_t i = 1; i < 5; i++)
        make_old(paths[i]);
    const struct timespec old[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, paths[0], old, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(fixture_n_problems(f->store), 1);
    assert_ok(store_compact(f->store, &err));
    struct stat info;
    assert_int_not_equal(access(left, F_OK), 0);
    assert_int_equal(access(young, F_OK), 0);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(lstat(paths[i], &info), 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    store_use_mem();
    const struct CMUnitTest tests[] = {
        TEST(test_store_vectors__maps_the_vectors_of_its_snapshot),
        TEST(test_store_vectors__a_reader_keeps_vectors_that_were_removed),
        TEST(test_store_vectors__a_lost_or_short_file_is_damage),
        TEST(test_store_vectors__another_size_is_refused),
        TEST(test_store_vectors__what_was_rolled_back_is_written_over),
        TEST(test_store_vectors__a_large_transaction),
        TEST(test_store_vectors__compact_makes_holes_at_the_second_time),
        TEST(test_store_vectors__compact_removes_vector_files_that_were_left),
        TEST(test_store_vectors__compact_leaves_what_only_looks_left),
    };
    return cmocka_run_group_tests_name("store_vectors", tests, NULL, NULL);
}
