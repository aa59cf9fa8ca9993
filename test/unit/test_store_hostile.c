/* A library that somebody else has written into: numbers that can't be, rows that are gone, files
 * that are none. Nothing is computed with them, and what is wrong is said. */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/fault.h"

static void tamper(const struct fixture_library *f, const char *sql)
{
    char path[128], *message = NULL;
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ragged.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_wal_autocheckpoint(db, 0);
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void test_store_hostile__counters_that_make_no_sense(void **state)
{
    struct fixture_library *f = *state;
    static const char *const changes[] = {
        "next_chunk_id = 0",
        "next_slot = -1",
        "next_slot = 4294967297",
        "vector_file = 0",
        "vector_file = 9223372036854775807",
        "vector_bytes = -2",
        "vector_bytes = 3",
        "vector_bytes = 1000000000",
        "vector_bytes = 0",
        "n_tail = -1",
        "n_vector_tail = -1",
    };
    struct error err;
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    tamper(f, "CREATE TABLE kept AS SELECT * FROM library");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "UPDATE library SET %s", changes[i]);
        tamper(f, sql);
        err = (struct error){0};
        if (store_read_begin(f->store, &err) != STATUS_DAMAGED)
            fail_msg("%s: %s", changes[i], err.message);
        store_read_end(f->store);
        assert_status(store_write_begin(f->store, &err), STATUS_DAMAGED);
        tamper(f, "DELETE FROM library; INSERT INTO library SELECT * FROM kept");
    }
    tamper(f, "DROP TABLE kept");
    assert_int_equal(fixture_n_problems(f->store), 0);
}

/* The last numbers there are have been given out. */
static void test_store_hostile__no_number_is_left(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    tamper(f, "UPDATE library SET next_chunk_id = 9223372036854775807");
    assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "no more passage ids"));
    tamper(f, "UPDATE library SET next_chunk_id = 2, next_slot = 4294967296");
    assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_LIMIT);
    assert_non_null(strstr(err.message, "no room for another vector"));
}

static void test_store_hostile__the_row_of_counters_is_gone(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct hash128 hash;
    int64_t generation;
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_state(f->store, &hash, &err));
    tamper(f, "DELETE FROM library");
    assert_status(store_state(f->store, &hash, &err), STATUS_DAMAGED);
    assert_status(store_generation(f->store, &generation, &err), STATUS_DAMAGED);
    assert_status(store_read_begin(f->store, &err), STATUS_DAMAGED);
}

static enum status keep_no_segment(void *ctx, const struct store_segment *segment,
                                   struct error *err)
{
    (void)ctx;
    (void)segment;
    (void)err;
    return STATUS_OK;
}

static void test_store_hostile__a_segment_of_an_unknown_kind(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    tamper(f, "INSERT INTO segments VALUES('a', 3, 1, 1, 1, 1, 1, '')");
    assert_status(store_each_segment(f->store, keep_no_segment, NULL, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "\"a\" is of an unknown kind"));
}

static enum status keep_no_range(void *ctx, int64_t first, int64_t end, struct error *err)
{
    (void)ctx;
    (void)first;
    (void)end;
    (void)err;
    return STATUS_OK;
}

static void test_store_hostile__a_range_of_no_rows(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    tamper(f, "INSERT INTO dead VALUES(1, 4, 4)");
    assert_status(store_each_dead(f->store, STORE_KIND_LEXICAL, keep_no_range, NULL, &err),
                  STATUS_DAMAGED);
    assert_ok(store_each_dead(f->store, STORE_KIND_VECTOR, keep_no_range, NULL, &err));
}

/* {length, bytes, count} for each word, ascending; then, behind a zero, a place for each. */
static void test_store_hostile__words_of_a_passage_that_are_none(void **state)
{
    struct fixture_library *f = *state;
    static const struct {
        const char *blob;
        int n_terms;
        bool is_right;
    } cases[] = {
        {"", 0, true},
        {"", 1, false},
        {"", -1, false},
        {"016101", 1, true},
        {"016101", 2, false},
        {"0161010261620101620200000102", 4, false}, /* a place more than there are words */
        {"01610102616201016202000001", 4, false},
        {"016101026162010162020000010203", 4, true},
        {"056162", 1, false},
        {"0161", 1, false},
        {"016180", 1, false},
        {"016100", 0, false},
        {"0161ffffffff7f", 1, false},
        {"016101016101", 2, false},
        {"016201016101", 2, false},
        {"02616201016101", 2, false},
    };
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "UPDATE tail SET terms = x'%s', n_terms = %d", cases[i].blob,
                 cases[i].n_terms);
        tamper(f, sql);
        if (fixture_n_problems(f->store) != !cases[i].is_right)
            fail_msg("case %zu: %s", i, cases[i].blob);
    }
}

static void test_store_hostile__vectors_that_are_none(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    static const struct {
        uint16_t vector[FIXTURE_DIM];
        bool is_right;
    } cases[] = {
        {{0x3C00}, true},
        {{0xBC00}, true},
        {{0x3C00, 0x0001, 0x83FF}, true},
        {{0}, false},
        {{0x4000}, false},
        {{0x7C00}, false},
        {{0x3C00, 0xFC00}, false},
        {{0x3C00, 0x7E00}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(store_write_begin(f->store, &err));
        assert_ok(store_remove_vectors(f->store, &err));
        assert_ok(store_put_vector(f->store, fixture_hash("one"), cases[i].vector,
                                   sizeof cases[i].vector, &err));
        assert_ok(store_write_commit(f->store, &err));
        if (fixture_n_problems(f->store) != !cases[i].is_right)
            fail_msg("case %zu", i);
    }
}

/* What is punched out of the file of vectors is what no row of `vectors` has, whatever `holes`
 * says. */
static void test_store_hostile__holes_where_vectors_are(void **state)
{
    enum { N = 512, DIM = 64, N_USED = 8 }; /* 32 rows to a page; slots 256 to 263 are used */
    struct fixture_library *f = *state;
    struct error err;
    struct store_vectors vectors;
    static uint16_t vector[DIM] = {0x3C00};
    fixture_must_put_vectors(f, N, vector, sizeof vector);
    fixture_must_save(f, 1, N / 2, N_USED, FIXTURE_WITHOUT_VECTORS);
    assert_ok(store_compact(f->store, &err));
    tamper(f, "DELETE FROM holes; INSERT INTO holes VALUES(0, 320), (200, 100), (224, 288), "
              "(256, 264), (400, 9000), (600, 700)");
    assert_ok(store_compact(f->store, &err));
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    for (size_t i = N / 2; i < N / 2 + N_USED; i++)
        assert_memory_equal((const char *)vectors.rows + i * sizeof vector, vector, sizeof vector);
    store_read_end(f->store);
    /* As many as there are gaps, and none of them one. */
    size_t n_problems;
    tamper(f, "DELETE FROM holes; INSERT INTO holes VALUES(10, 5), (255, 265)");
    assert_ok(store_compact(f->store, &err));
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_map_vectors(f->store, &vectors, &err));
    assert_memory_equal((const char *)vectors.rows + N / 2 * sizeof vector, vector, sizeof vector);
    store_read_end(f->store);
    assert_ok(store_compact(f->store, &err));
    assert_ok(store_check(f->store, DIM, fixture_say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
}

/* They are counts of rows, and one more row goes than they say there are. */
static void test_store_hostile__counts_that_are_too_small(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    tamper(f, "UPDATE library SET n_tail = 1, n_vector_tail = 2");
    assert_int_not_equal(fixture_n_problems(f->store), 0);
    assert_write(f, store_remove_document(f->store, 1, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store_hostile__a_hash_that_is_none(void **state)
{
    struct fixture_library *f = *state;
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    tamper(f, "UPDATE chunks SET hash = x'00' WHERE ord = 1");
    assert_int_not_equal(fixture_n_problems(f->store), 0);
}

/* What has the name of something that a killed process left, and is none of ours. */
static void test_store_hostile__a_folder_beside_the_library(void **state)
{
    struct fixture_library *f = *state;
    const struct timespec long_ago[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    char path[128];
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    snprintf(path, sizeof path, "%s/kept.tmp", f->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_int_equal(rmdir(path), 0);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(futimens(fd, long_ago), 0);
    close(fd);
    assert_int_equal(fixture_n_problems(f->store), 1);
}

static enum status keep_nothing(void *ctx, const struct audit_row *row, struct error *err)
{
    (void)ctx;
    (void)row;
    (void)err;
    return STATUS_OK;
}

static enum status keep_no_run(void *ctx, const struct audit_run *run, struct error *err)
{
    (void)ctx;
    (void)run;
    (void)err;
    return STATUS_OK;
}

static void test_store_hostile__a_row_of_the_trail_is_none(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    const struct audit_filter filter = {.n_max = 10};
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    tamper(f, "UPDATE audit SET row = x'00'");
    assert_status(store_audit_each(f->store, keep_nothing, NULL, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.hint, "audit verify"));
    assert_status(store_audit_list(f->store, &filter, keep_no_run, NULL, &err), STATUS_DAMAGED);
}

/* Where the vectors were is a link to something else: it is neither read nor written. */
static void test_store_hostile__the_file_of_vectors_is_a_device(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct store_vectors vectors;
    char path[128];
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    fixture_vectors_path(f->folder, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_status(fixture_save(f->store, 2, 20, 1, FIXTURE_WITH_VECTORS, &err), STATUS_DAMAGED);
    assert_non_null(strstr(err.message, "not a regular file"));
    assert_ok(store_read_begin(f->store, &err));
    assert_status(store_map_vectors(f->store, &vectors, &err), STATUS_DAMAGED);
    store_read_end(f->store);
}

enum nobody { NOBODY_READS, NOBODY_IS_SOMEBODY, NOBODY_MAY_WRITE, NOBODY_OPENS_NOT, NOBODY_MISSES };

static enum nobody read_as_nobody(const char *folder)
{
    struct error err;
    struct store *store = NULL;
    struct store_counts counts = {0};
    if (geteuid() == 0 && setresuid(65534, 65534, 0)) /* and back, at the end */
        return NOBODY_IS_SOMEBODY;
    if (access(folder, W_OK) == 0)
        return NOBODY_MAY_WRITE;
    if (store_open(folder, STORE_OPEN_READ, &store, &err))
        return NOBODY_OPENS_NOT;
    bool is_read = store_count(store, &counts, &err) == STATUS_OK && counts.n_chunks == 3;
    store_close(store);
    return is_read ? NOBODY_READS : NOBODY_MISSES;
}

static void assert_nobody(const char *folder, enum nobody expected)
{
    int wait_status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        enum nobody found = read_as_nobody(folder);
        (void)!setresuid(0, 0, 0);
        _exit((int)found);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), expected);
}

static void write_log(const char *folder, const char *text)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof path, "%s/ragged.db-wal", folder);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_ok(file_replace(path, text, strlen(text), 0444, &err));
    assert_int_equal(chmod(folder, 0555), 0);
}

/* On a medium that can't be written SQLite can't make the files beside the database. A log that
 * holds something is a part of the library: without it there is none. */
static void test_store_hostile__is_read_where_nothing_can_be_written(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    char path[128], odd[96];
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITHOUT_VECTORS);
    assert_ok(store_checkpoint(f->store, 0, &err));
    store_close(f->store);
    f->store = NULL;
    snprintf(path, sizeof path, "%s/ragged.db-wal", f->folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/ragged.db-shm", f->folder);
    assert_int_equal(unlink(path), 0);
    snprintf(odd, sizeof odd, "%s%%3f?#",
             f->folder); /* what means something in a name for SQLite */
    assert_int_equal(rename(f->folder, odd), 0);
    snprintf(path, sizeof path, "%s/ragged.db", odd);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(odd, 0555), 0);
    assert_nobody(odd, NOBODY_READS);
    write_log(odd, "");
    assert_nobody(odd, NOBODY_READS);
    write_log(odd, "what was saved last");
    assert_nobody(odd, NOBODY_OPENS_NOT);
    char log[128];
    snprintf(log, sizeof log, "%s/ragged.db-wal", odd);
    assert_int_equal(chmod(odd, 0755), 0);
    assert_int_equal(unlink(log), 0);
    assert_int_equal(symlink("ragged.db-wal", log), 0); /* to itself: what it holds nobody knows */
    assert_int_equal(chmod(odd, 0555), 0);
    assert_nobody(odd, NOBODY_OPENS_NOT);
    assert_int_equal(chmod(odd, 0700), 0);
    assert_int_equal(rename(odd, f->folder), 0);
}

/* A disk that is full to the byte, or a limit of the process: the file stays as it was. */
static int save_beyond_a_limit(const char *folder)
{
    struct error err = {0};
    struct store *store = NULL;
    const struct rlimit limit = {.rlim_cur = 3 * 2 * FIXTURE_DIM + 8, .rlim_max = RLIM_INFINITY};
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err) || store_write_begin(store, &err))
        return 1;
    struct fixture_document f;
    fixture_document_init(&f, 2, 20, 3, FIXTURE_WITH_VECTORS);
    enum status status = fixture_put(store, &f, &err);
    signal(SIGXFSZ, SIG_IGN);
    if (status || setrlimit(RLIMIT_FSIZE, &limit))
        return 2;
    status = store_write_commit(store, &err);
    if (status != STATUS_IO || !strstr(err.message, "could not write"))
        return 3;
    store_write_rollback(store);
    store_close(store);
    return 0;
}

static void test_store_hostile__the_file_of_vectors_may_not_grow(void **state)
{
    struct fixture_library *f = *state;
    int wait_status = 0;
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    store_close(f->store);
    f->store = NULL;
    pid_t pid = fork();
    if (pid == 0)
        _exit(save_beyond_a_limit(f->folder));
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    struct error err;
    assert_ok(store_open(f->folder, STORE_OPEN_WRITE, &f->store, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    fixture_must_save(f, 2, 20, 3, FIXTURE_WITH_VECTORS);
}

#ifdef RAGGED_FAULT
/* The disk fails, is full, gives a byte at a time, or a signal comes in between. */
static void test_store_hostile__the_disk_of_the_vectors_fails(void **state)
{
    struct fixture_library *f = *state;
    struct error err = {0};
    size_t n;
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    fault_plan("vectors.full:1");
    assert_status(fixture_save(f->store, 2, 20, 3, FIXTURE_WITH_VECTORS, &err), STATUS_IO);
    assert_non_null(strstr(err.hint, "free some space"));
    fault_plan("vectors.write:1");
    assert_status(fixture_save(f->store, 2, 20, 3, FIXTURE_WITH_VECTORS, &err), STATUS_IO);
    assert_string_equal(err.hint, "");
    fault_plan("vectors.read:1");
    assert_status(store_check(f->store, FIXTURE_DIM, fixture_say, NULL, &n, &err), STATUS_IO);
    static const char *const harmless[] = {"eintr@vectors.read:1", "short@vectors.read:1+",
                                           "short@vectors.write:1+"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        fault_plan(harmless[i]);
        fixture_must_save(f, 2 + (int)i, 20, 3, FIXTURE_WITH_VECTORS);
        assert_int_equal(fixture_n_problems(f->store), 0);
    }
    fault_plan(NULL);
}
#endif

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_hostile__counters_that_make_no_sense),
        TEST(test_store_hostile__no_number_is_left),
        TEST(test_store_hostile__the_row_of_counters_is_gone),
        TEST(test_store_hostile__a_segment_of_an_unknown_kind),
        TEST(test_store_hostile__a_range_of_no_rows),
        TEST(test_store_hostile__words_of_a_passage_that_are_none),
        TEST(test_store_hostile__vectors_that_are_none),
        TEST(test_store_hostile__holes_where_vectors_are),
        TEST(test_store_hostile__counts_that_are_too_small),
        TEST(test_store_hostile__a_hash_that_is_none),
        TEST(test_store_hostile__a_folder_beside_the_library),
        TEST(test_store_hostile__a_row_of_the_trail_is_none),
        TEST(test_store_hostile__the_file_of_vectors_is_a_device),
        TEST(test_store_hostile__the_file_of_vectors_may_not_grow),
#ifdef RAGGED_FAULT
        TEST(test_store_hostile__the_disk_of_the_vectors_fails),
#endif
        TEST(test_store_hostile__is_read_where_nothing_can_be_written),
    };
    return cmocka_run_group_tests_name("store_hostile", tests, NULL, NULL);
}
