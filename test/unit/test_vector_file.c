/* The vector file by its own calls: disks that end, files that are gone or were exchanged, memory
 * that runs out where it asks for it itself (SQLite's own allocations: test_store_fault). */
#include "store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "store/store_internal.h"

#define N_ROWS 512
#define N_VALUES 1024 /* together 1 MiB, which is written in two halves */
#define HALF_BYTES ((size_t)N_ROWS * N_VALUES)

static struct error err;

static uint16_t value_of(int i)
{
    return (uint16_t)(0x3C00 + i);
}

static void put_rows(struct store *store)
{
    uint16_t row[N_VALUES] = {0};
    for (int i = 0; i < N_ROWS; i++) {
        char text[32];
        snprintf(text, sizeof text, "row %d", i);
        row[i] = value_of(i);
        assert_ok(store_put_vector(store, fixture_hash(text), row, sizeof row, &err));
        row[i] = 0;
    }
}

static void assert_rows(struct store *store)
{
    struct store_vectors vectors;
    assert_ok(store_read_begin(store, &err));
    assert_ok(store_map_vectors(store, &vectors, &err));
    assert_int_equal(vectors.n_slots, N_ROWS);
    for (int i = 0; i < N_ROWS; i++)
        assert_int_equal(((const uint16_t *)vectors.rows)[i * N_VALUES + i], value_of(i));
    store_read_end(store);
}

static void limit_files(rlim_t n_bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n_bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write that ends early, in either half: nothing was saved, and it can be said again. */
static void test_vector_file__a_file_that_may_not_grow(void **state)
{
    struct fixture_library *f = *state;
    static const rlim_t limits[] = {HALF_BYTES / 2, HALF_BYTES / 2 * 3};
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct store_counts counts;
        assert_ok(store_write_begin(f->store, &err));
        put_rows(f->store);
        limit_files(limits[i]);
        enum status status = store_write_commit(f->store, &err);
        limit_files(RLIM_INFINITY);
        assert_status(status, STATUS_IO);
        assert_non_null(strstr(err.message, "could not write \""));
        assert_ok(store_count(f->store, &counts, &err));
        assert_int_equal(counts.n_vectors, 0);
    }
    assert_ok(store_write_begin(f->store, &err));
    put_rows(f->store);
    assert_ok(store_write_commit(f->store, &err));
    assert_rows(f->store);
}

static size_t n_descriptors(void)
{
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

static size_t n_maps_of_vectors(void)
{
    size_t n = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        n += strstr(line, "/vectors-") != NULL;
    fclose(maps);
    return n;
}

/* The one whose rows are elsewhere by now is mapped anew: what was mapped is not what is there. */
static void test_vector_file__another_file_of_the_name_is_seen(void **state)
{
    struct fixture_library *f = *state;
    struct store_vectors vectors;
    struct buf bytes = {0};
    char path[128];
    fixture_vectors_path(f->folder, 1, path);
    fixture_must_save(f, 1, 1, 2, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    const void *old_rows = vectors.rows;
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    assert_ptr_equal(vectors.rows, old_rows); /* the same file is mapped once */
    size_t n_open = n_descriptors();
    assert_ok(file_read(path, 1 << 20, &bytes, &err));
    assert_memory_equal(old_rows, bytes.data, bytes.len);
    bytes.data[0] = 0x11;
    assert_ok(file_replace(path, bytes.data, bytes.len, 0600, &err)); /* another inode */
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    assert_memory_equal(vectors.rows, bytes.data, bytes.len);
    assert_int_equal(n_descriptors(), n_open);
    assert_int_equal(n_maps_of_vectors(), 1);
    store_read_end(f->store);
    buf_clear(&bytes);
}

/* A reader that lost the file of one number, and then that of the next one, did not lose one file
 * twice. */
static void test_vector_file__each_lost_file_may_be_a_moment(void **state)
{
    struct fixture_library *f = *state;
    struct store_vectors vectors;
    struct store *reader;
    char path[128];
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    for (int number = 1; number <= 2; number++) {
        fixture_must_save(f, number, 10, 2, FIXTURE_WITH_VECTORS);
        fixture_vectors_path(f->folder, number, path);
        assert_int_equal(unlink(path), 0);
        assert_ok(store_read_begin(reader, &err));
        for (int n = 0; n < 2; n++)
            assert_status(store_map_vectors(reader, &vectors, &err), STATUS_BUSY);
        store_read_end(reader);
        assert_write(f, store_remove_vectors(f->store, &err));
    }
    store_close(reader);
}

static void test_vector_file__what_is_no_file_is_named(void **state)
{
    struct fixture_library *f = *state;
    struct store_vectors vectors;
    char path[128];
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_vectors_path(f->folder, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_ok(store_read_begin(f->store, &err));
    assert_status(store_map_vectors(f->store, &vectors, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "is not a regular file"));
    store_read_end(f->store);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* or writing would fail sooner */
    assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "is not a regular file"));
    close(reader);
}

/* Twice in one transaction is one file more. */
static void test_vector_file__one_transaction_takes_one_number(void **state)
{
    struct fixture_library *f = *state;
    const uint16_t row[FIXTURE_DIM] = {0x3C00};
    char path[128];
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    for (int i = 0; i < 3; i++) {
        assert_ok(store_remove_vectors(f->store, &err));
        assert_ok(store_put_vector(f->store, fixture_hash("again"), row, sizeof row, &err));
    }
    assert_ok(store_write_commit(f->store, &err));
    for (int number = 1; number <= 3; number++) {
        fixture_vectors_path(f->folder, number, path);
        assert_int_equal(access(path, F_OK) == 0, number == 2);
    }
}

static void test_vector_file__reads_whole_rows_or_says_why(void **state)
{
    struct fixture_library *f = *state;
    uint16_t row[FIXTURE_DIM], expected[FIXTURE_DIM] = {0};
    int fd;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(vector_file_open(f->store, &fd, &err));
    assert_ok(vector_file_read(f->store, fd, 1, row, &err));
    expected[11 % FIXTURE_DIM] = 0x3C00;
    assert_memory_equal(row, expected, sizeof row);
    assert_status(vector_file_read(f->store, fd, 2, row, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "ends too early"));
    close(fd);
    assert_status(vector_file_read(f->store, -1, 0, row, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "could not read the vectors"));
    store_read_end(f->store);
}

/* Whole pages only; a file system that makes no holes is no obstacle, other failures are. */
static void test_vector_file__gives_pages_back_where_it_can(void **state)
{
    struct fixture_library *f = *state;
    int64_t n_page_rows = sysconf(_SC_PAGESIZE) / (int64_t)(2 * FIXTURE_DIM);
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    assert_ok(store_read_begin(f->store, &err));
    int fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC); /* a regular file without holes */
    if (fd >= 0)
        assert_ok(vector_file_punch(f->store, fd, 0, n_page_rows, &err));
    close(fd);
    assert_ok(vector_file_punch(f->store, -1, 0, n_page_rows - 1, &err)); /* less than a page */
    assert_ok(vector_file_punch(f->store, -1, 1, 2 * n_page_rows - 1, &err));
    assert_status(vector_file_punch(f->store, -1, 0, n_page_rows, &err), STATUS_IO);
    assert_status(vector_file_punch(f->store, -1, 1, 2 * n_page_rows, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "could not give space"));
    store_read_end(f->store);
}

#ifdef RAGGED_FAULT
static enum status append_one(struct fixture_library *f)
{
    const uint16_t row[FIXTURE_DIM] = {0x3C00};
    assert_ok(store_write_begin(f->store, &err));
    enum status status =
        store_put_vector(f->store, fixture_hash("one more"), row, sizeof row, &err);
    enum status committed = store_write_commit(f->store, &err);
    return status ? status : committed;
}

static enum status map_it(struct fixture_library *f)
{
    struct store_vectors vectors;
    assert_ok(store_read_begin(f->store, &err));
    enum status status = store_map_vectors(f->store, &vectors, &err);
    store_read_end(f->store);
    return status;
}

static enum status open_writable(struct fixture_library *f)
{
    int fd = -1;
    assert_ok(store_read_begin(f->store, &err));
    enum status status = vector_file_open_writable(f->store, &fd, &err);
    store_read_end(f->store);
    assert_int_equal(fd >= 0, status == STATUS_OK);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Each allocation of its own fails once: NOMEM, and the next time it works. */
static void test_vector_file__memory_that_runs_out_is_said(void **state)
{
    struct fixture_library *f = *state;
    static enum status (*const steps[])(struct fixture_library *) = {map_it, map_it, open_writable,
                                                                     append_one};
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum status status = STATUS_NOMEM;
        int n = 0;
        while (status == STATUS_NOMEM) {
            char plan[32];
            assert_ok(store_read_begin(f->store, &err)); /* connected, without the plan */
            store_read_end(f->store);
            snprintf(plan, sizeof plan, "mem:%d", ++n);
            fault_plan(plan);
            status = steps[i](f);
            fault_plan(NULL);
        }
        assert_status(status, STATUS_OK);
        assert_true(n > 1);
    }
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_vector_file__a_map_that_fails_leaves_what_was_mapped(void **state)
{
    struct fixture_library *f = *state;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fault_plan("vectors.map:1");
    enum status status = map_it(f);
    fault_plan(NULL);
    assert_status(status, STATUS_NOMEM);
    assert_non_null(strstr(err.message, "could not map the vectors"));
    assert_int_equal(n_maps_of_vectors(), 0);
    assert_ok(map_it(f));
    assert_int_equal(n_maps_of_vectors(), 1);
}

/* Whoever goes on after a row that there was no memory for is told again when it counts. */
static void test_vector_file__a_row_that_was_lost_is_not_synced(void **state)
{
    struct fixture_library *f = *state;
    const uint16_t row[FIXTURE_DIM] = {0x3C00};
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    fault_plan("mem:1");
    assert_status(vector_file_append(f->store, row, &err), STATUS_NOMEM);
    fault_plan(NULL);
    assert_status(vector_file_sync(f->store, &err), STATUS_NOMEM);
    store_write_rollback(f->store);
    assert_int_equal(fixture_n_problems(f->store), 0);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vector_file__a_file_that_may_not_grow),
        TEST(test_vector_file__another_file_of_the_name_is_seen),
        TEST(test_vector_file__each_lost_file_may_be_a_moment),
        TEST(test_vector_file__what_is_no_file_is_named),
        TEST(test_vector_file__one_transaction_takes_one_number),
        TEST(test_vector_file__reads_whole_rows_or_says_why),
        TEST(test_vector_file__gives_pages_back_where_it_can),
#ifdef RAGGED_FAULT
        TEST(test_vector_file__memory_that_runs_out_is_said),
        TEST(test_vector_file__a_map_that_fails_leaves_what_was_mapped),
        TEST(test_vector_file__a_row_that_was_lost_is_not_synced),
#endif
    };
    return cmocka_run_group_tests_name("vector_file", tests, NULL, NULL);
}
