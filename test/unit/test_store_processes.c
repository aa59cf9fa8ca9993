/* Many processes on one library. The program starts itself again with a role: posix_spawn, because
 * a fork() would share SQLite's locks. */
#include "store_fixture.h"

#include <signal.h>

#include "base/clock.h"

#define N_WRITERS 8
#define N_READERS 2
#define N_TRANSACTIONS 50
#define CHUNKS_PER_DOCUMENT 2

static int fail_role(const char *role, const struct error *err)
{
    printf("%s: %s (%s)\n", role, err->message, status_name(err->status));
    return 1;
}

/* Adds documents nobody else names, with a checkpoint now and then. */
static int write_role(const char *folder, int number)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return fail_role("writer", &err);
    for (int i = 0; i < N_TRANSACTIONS; i++) {
        int name = number * 1000 + i;
        int first_text = i % 3 ? CHUNKS_PER_DOCUMENT * name : name % 97; /* own, or shared */
        if (fixture_save(store, name, first_text, CHUNKS_PER_DOCUMENT, FIXTURE_WITH_VECTORS, &err))
            return fail_role("writer", &err);
        if (i % 7 == 0 && store_checkpoint(store, 0, &err))
            return fail_role("writer", &err);
    }
    store_close(store);
    return 0;
}

static enum status count_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    size_t *n = ctx;
    (void)row;
    (void)err;
    ++*n;
    return STATUS_OK;
}

struct vector_reader {
    struct store *store;
    struct store_vectors vectors;
    size_t n_found;
};

/* The text says which vector it must have. */
static enum status check_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                               const struct store_chunk *chunk, struct error *err)
{
    struct vector_reader *r = ctx;
    uint32_t slot = 0;
    bool has_vector = false;
    uint16_t expected[FIXTURE_DIM] = {0};
    (void)document_id;
    enum status status = store_get_chunk_vector(r->store, chunk_id, &slot, &has_vector, err);
    if (status || !has_vector)
        return status;
    expected[atoi(chunk->text + strlen("text ")) % FIXTURE_DIM] = 0x3C00;
    r->n_found++;
    if (memcmp((const char *)r->vectors.rows + slot * sizeof expected, expected, sizeof expected))
        return error_set(err, STATUS_FORMAT, "chunk %lld: another vector", (long long)chunk_id);
    return STATUS_OK;
}

/* In a snapshot. */
static enum status read_vectors(struct store *store, size_t *out_n_found, struct error *err)
{
    struct vector_reader r = {.store = store};
    enum status status = store_map_vectors(store, &r.vectors, err);
    if (!status)
        status = store_each_chunk(store, 0, SIZE_MAX, check_chunk, &r, err);
    *out_n_found = r.n_found;
    return status;
}

static enum status read_once(struct store *store, struct error *err)
{
    struct store_counts counts;
    int64_t generation;
    size_t n_rows = 0, n_found = 0;
    enum status status = store_generation(store, &generation, err);
    if (!status)
        status = store_count(store, &counts, err);
    if (!status)
        status = store_each_tail(store, 0, SIZE_MAX, count_row, &n_rows, err);
    if (!status && (n_rows != counts.n_chunks || (int64_t)counts.n_documents != generation ||
                    counts.n_chunks != CHUNKS_PER_DOCUMENT * counts.n_documents))
        status = error_set(err, STATUS_FORMAT, "generation %lld: %zu documents, %zu rows",
                           (long long)generation, counts.n_documents, n_rows);
    if (!status)
        status = read_vectors(store, &n_found, err);
    if (!status && n_found != counts.n_chunks)
        status = error_set(err, STATUS_FORMAT, "%zu of %zu chunks have a vector", n_found,
                           counts.n_chunks);
    return status;
}

/* Every snapshot is of one moment: as many documents as generations. */
static int read_role(const char *folder)
{
    struct error err;
    struct store *store;
    int64_t end_ms = clock_monotonic_ms() + 2000;
    while (clock_monotonic_ms() < end_ms) {
        if (store_open(folder, STORE_OPEN_READ, &store, &err))
            return fail_role("reader", &err);
        for (int i = 0; i < 5; i++) {
            if (store_read_begin(store, &err))
                return fail_role("reader", &err);
            if (read_once(store, &err))
                return fail_role("reader", &err);
            store_read_end(store);
        }
        store_close(store);
    }
    return 0;
}

/* Throws all vectors away, again and again. */
static int replace_role(const char *folder)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return fail_role("replacer", &err);
    for (int i = 0; i < N_TRANSACTIONS; i++) {
        if (store_write_begin(store, &err) || store_remove_vectors(store, &err) ||
            store_write_commit(store, &err))
            return fail_role("replacer", &err);
        if (i % 10 == 0 && store_compact(store, &err))
            return fail_role("replacer", &err);
        clock_sleep_ms(5);
    }
    store_close(store);
    return 0;
}

/* What a snapshot finds of the vectors is right; where they are gone, the next snapshot knows. */
static int read_replaced_role(const char *folder)
{
    struct error err;
    struct store *store;
    size_t n_found;
    int64_t end_ms = clock_monotonic_ms() + 2000;
    int n_busy = 0; /* in a row: the replacer may be that fast, but not for long */
    if (store_open(folder, STORE_OPEN_READ, &store, &err))
        return fail_role("reader", &err);
    while (clock_monotonic_ms() < end_ms) {
        if (store_read_begin(store, &err))
            return fail_role("reader", &err);
        enum status status = read_vectors(store, &n_found, &err);
        n_busy = status == STATUS_BUSY ? n_busy + 1 : 0;
        if ((status && status != STATUS_BUSY) || n_busy > 9)
            return fail_role("reader", &err);
        store_read_end(store);
    }
    store_close(store);
    return 0;
}

static const struct role {
    const char *name;
    int (*run)(const char *folder);
} roles[] = {{"read", read_role}, {"replace", replace_role}, {"read-replaced", read_replaced_role}};

static int run_role(const char *name, const char *folder, int number)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].run(folder);
    return write_role(folder, number);
}

static void start(const char *role, const char *folder, int number, struct process *out)
{
    struct error err;
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    const char *const argv[] = {"/proc/self/exe", role, folder, text, NULL};
    assert_ok(process_start(&(struct process_options){.argv = argv, .extra_fd = -1}, out, &err));
}

static void expect_success(struct process *process)
{
    char output[512] = "";
    int wait_status = -1;
    size_t len = 0;
    for (;;) {
        ssize_t n = process_read(process, output + len, sizeof output - 1 - len, 60000);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    output[len] = '\0';
    assert_true(process_wait(process, 60000, &wait_status));
    if (wait_status != 0)
        fail_msg("%s (wait status %d)", output, wait_status);
}

static void test_store_processes__writers_and_readers_meet(void **state)
{
    (void)state;
    struct error err;
    char folder[64];
    struct process all[N_WRITERS + N_READERS];
    struct store *store;
    struct store_counts counts;
    int64_t generation;
    fixture_folder_make(folder);
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    for (int i = 0; i < N_WRITERS; i++)
        start("write", folder, i, &all[i]);
    for (int i = 0; i < N_READERS; i++)
        start("read", folder, i, &all[N_WRITERS + i]);
    for (int i = 0; i < N_WRITERS + N_READERS; i++)
        expect_success(&all[i]);
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, N_WRITERS * N_TRANSACTIONS);
    assert_int_equal(counts.n_chunks, CHUNKS_PER_DOCUMENT * N_WRITERS * N_TRANSACTIONS);
    assert_ok(store_generation(store, &generation, &err));
    assert_int_equal(generation, N_WRITERS * N_TRANSACTIONS);
    assert_int_equal(fixture_n_problems(store), 0);
    store_close(store);
    fixture_folder_remove(folder);
}

static void test_store_processes__all_may_create_it(void **state)
{
    (void)state;
    struct error err;
    char folder[64];
    struct process all[N_WRITERS];
    struct store *store;
    struct store_counts counts;
    fixture_folder_make(folder);
    for (int i = 0; i < N_WRITERS; i++)
        start("write", folder, i, &all[i]);
    for (int i = 0; i < N_WRITERS; i++)
        expect_success(&all[i]);
    assert_ok(store_open(folder, STORE_OPEN_READ, &store, &err));
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, N_WRITERS * N_TRANSACTIONS);
    assert_int_equal(fixture_n_problems(store), 0);
    store_close(store);
    fixture_folder_remove(folder);
}

/* Kills a writer again and again at a moment nobody chose; what was committed stays, nothing is
 * half there. */
static void test_store_processes__a_killed_writer_leaves_a_sound_library(void **state)
{
    (void)state;
    struct error err;
    char folder[64];
    fixture_folder_make(folder);
    struct store *store;
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    int64_t before = 0;
    for (int i = 0; i < 12; i++) {
        struct process writer;
        int64_t generation;
        start("write", folder, i, &writer);
        clock_sleep_ms(15 + 7 * i);
        kill(writer.pid, SIGKILL);
        process_stop(&writer, NULL);
        assert_ok(store_read_begin(store, &err));
        assert_ok(read_once(store, &err));
        assert_ok(store_generation(store, &generation, &err));
        store_read_end(store);
        assert_true(generation >= before);
        before = generation;
        assert_int_equal(fixture_n_problems(store), 0);
    }
    assert_true(before > 0);
    store_close(store);
    fixture_folder_remove(folder);
}

static void test_store_processes__vectors_are_replaced_meanwhile(void **state)
{
    (void)state;
    enum { N = 8 };
    static const char *const names[N] = {"write", "write", "write",         "write",
                                         "write", "write", "read-replaced", "replace"};
    struct error err;
    char folder[64];
    struct process all[N];
    struct store *store;
    struct store_counts counts;
    fixture_folder_make(folder);
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    for (int i = 0; i < N; i++)
        start(names[i], folder, i, &all[i]);
    for (int i = 0; i < N; i++)
        expect_success(&all[i]);
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, 6 * N_TRANSACTIONS);
    assert_int_equal(fixture_n_problems(store), 0);
    store_close(store);
    fixture_folder_remove(folder);
}

int main(int argc, char **argv)
{
    store_use_mem();
    if (argc == 4)
        return run_role(argv[1], argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_processes__writers_and_readers_meet),
        cmocka_unit_test(test_store_processes__all_may_create_it),
        cmocka_unit_test(test_store_processes__a_killed_writer_leaves_a_sound_library),
        cmocka_unit_test(test_store_processes__vectors_are_replaced_meanwhile),
    };
    return cmocka_run_group_tests_name("store_processes", tests, NULL, NULL);
}
