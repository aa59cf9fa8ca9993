/* Libraries of older versions: they open, nothing is lost, and a migration that is interrupted
 * anywhere leaves a library that can be opened again. */
#include "store_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/file.h"
#include "engine/engine.h"
#include "library/library.h"

/* What version 1 and 2 were made with; never to be changed. */
static const char version_1[] =
    "PRAGMA auto_vacuum = INCREMENTAL;"
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE library(generation INTEGER NOT NULL) STRICT;"
    "INSERT INTO library VALUES(0);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE documents("
    " id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, title TEXT NOT NULL,"
    " kind TEXT NOT NULL, collection TEXT NOT NULL, size INTEGER NOT NULL,"
    " inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, added_ms INTEGER NOT NULL,"
    " hash TEXT NOT NULL, state INTEGER NOT NULL, error TEXT NOT NULL, warning TEXT NOT NULL,"
    " n_pages INTEGER NOT NULL, n_chunks INTEGER NOT NULL, text_bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE chunks("
    " id INTEGER PRIMARY KEY, doc_id INTEGER NOT NULL REFERENCES documents,"
    " ord INTEGER NOT NULL, page INTEGER NOT NULL, page_end INTEGER NOT NULL,"
    " line INTEGER NOT NULL, line_end INTEGER NOT NULL, byte_start INTEGER NOT NULL,"
    " byte_end INTEGER NOT NULL, heading TEXT NOT NULL, text TEXT NOT NULL,"
    " hash BLOB NOT NULL, UNIQUE(doc_id, ord)) STRICT;"
    "CREATE INDEX chunks_hash ON chunks(hash);"
    "CREATE TABLE vectors("
    " id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, fp16 BLOB NOT NULL) STRICT;"
    "CREATE TABLE tail("
    " chunk_id INTEGER PRIMARY KEY REFERENCES chunks, doc_id INTEGER NOT NULL,"
    " vector_id INTEGER REFERENCES vectors, n_terms INTEGER NOT NULL,"
    " terms BLOB NOT NULL) STRICT;"
    "CREATE INDEX tail_missing ON tail(chunk_id) WHERE vector_id IS NULL;"
    "PRAGMA application_id = 0x52474744;"
    "PRAGMA user_version = 1;";
static const char version_2[] = "ALTER TABLE documents ADD COLUMN meta TEXT NOT NULL DEFAULT '';"
                                "PRAGMA user_version = 2;";

#define N_DOCUMENTS 20
#define CHUNKS_PER_DOCUMENT 3
#define N_CHUNKS (N_DOCUMENTS * CHUNKS_PER_DOCUMENT)
#define N_HASHES 41 /* chunk i has the text and the vector of i % N_HASHES */
#define ODD_HASH 5  /* its vector has another size: of no use */

static bool has_vector_of(int number)
{
    return number % 7 != 3 && number != ODD_HASH;
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
}

static void run_with_hash(sqlite3 *db, const char *sql, int number, const void *blob, int len)
{
    sqlite3_stmt *statement;
    char text[32];
    snprintf(text, sizeof text, "text %d", number);
    struct hash128 hash = fixture_hash(text);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_blob(statement, 1, hash.bytes, sizeof hash.bytes, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, blob, len, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void fill_vectors(sqlite3 *db)
{
    for (int i = 0; i < N_HASHES; i++) {
        uint16_t vector[FIXTURE_DIM + 1] = {0};
        vector[i % FIXTURE_DIM] = 0x3C00;
        if (has_vector_of(i) || i == ODD_HASH)
            run_with_hash(db, "INSERT INTO vectors(hash, fp16) VALUES(?, ?)", i, vector,
                          (int)(FIXTURE_DIM + (i == ODD_HASH)) * 2);
    }
    run_sql(db, "DELETE FROM vectors WHERE id = 2"); /* of "text 1": a gap */
    run_sql(db, "INSERT INTO vectors(hash, fp16) VALUES(zeroblob(16), x'"
                "003C0000000000000000000000000000')"); /* unused */
    run_sql(db, "INSERT INTO vectors(hash, fp16) VALUES(zeroblob(15), x'')");
}

static void fill_documents(sqlite3 *db)
{
    static const unsigned char terms[] = {3, 'o', 'n', 'e', 1, 3, 't', 'w', 'o', 2};
    char sql[512];
    for (int i = 0; i < N_DOCUMENTS; i++) {
        int n_bytes = 0;
        for (int j = 0; j < CHUNKS_PER_DOCUMENT; j++)
            n_bytes += snprintf(NULL, 0, "text %d", (i * CHUNKS_PER_DOCUMENT + j) % N_HASHES);
        snprintf(sql, sizeof sql,
                 "INSERT INTO documents(path, title, kind, collection, size, inode, mtime_ns,"
                 " added_ms, hash, state, error, warning, n_pages, n_chunks, text_bytes)"
                 " VALUES(CAST('/doc/%06d' AS BLOB), 't', 'text', 'c', 1, 2, 3, 4, 'h', 0, '', '',"
                 " 0, %d, %d); UPDATE library SET generation = generation + 1",
                 i, CHUNKS_PER_DOCUMENT, n_bytes);
        run_sql(db, sql);
    }
    for (int i = 0; i < N_CHUNKS; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO chunks SELECT NULL, %d, %d, 1, 1, 1, 1, 0, 9, 'heading', 'text %d',"
                 " ?1 WHERE length(?2) > 0",
                 i / CHUNKS_PER_DOCUMENT + 1, i % CHUNKS_PER_DOCUMENT, i % N_HASHES);
        run_with_hash(db, sql, i % N_HASHES, "x", 1);
        snprintf(sql, sizeof sql,
                 "INSERT INTO tail VALUES(%d, %d, (SELECT id FROM vectors WHERE hash = ?), 3, ?)",
                 i + 1, i / CHUNKS_PER_DOCUMENT + 1);
        run_with_hash(db, sql, i % N_HASHES, terms, sizeof terms);
    }
}

static sqlite3 *open_raw(const char *folder)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ragged.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

static void make_old_library(const char *folder, int version)
{
    sqlite3 *db = open_raw(folder);
    run_sql(db, version_1);
    run_sql(db, "PRAGMA synchronous = OFF; BEGIN");
    fill_vectors(db);
    fill_documents(db);
    run_sql(db, "COMMIT");
    if (version == 2)
        run_sql(db, version_2);
    sqlite3_close(db);
}

static size_t n_missing_expected(void)
{
    size_t n = 0;
    for (int i = 0; i < N_CHUNKS; i++)
        n += !has_vector_of(i % N_HASHES) || i % N_HASHES == 1;
    return n;
}

static enum status check_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    const struct store_vectors *vectors = ctx;
    uint16_t expected[FIXTURE_DIM] = {0};
    (void)err;
    expected[(row->chunk_id - 1) % N_HASHES % FIXTURE_DIM] = 0x3C00;
    assert_int_equal(row->document_id, (row->chunk_id - 1) / CHUNKS_PER_DOCUMENT + 1);
    assert_memory_equal((const char *)vectors->rows + row->slot * sizeof expected, expected,
                        sizeof expected);
    return STATUS_OK;
}

static enum status count_terms(void *ctx, const struct store_tail_row *row, struct error *err)
{
    size_t *n = ctx;
    (void)err;
    assert_int_equal(row->terms_len, 10);
    *n += row->n_terms;
    return STATUS_OK;
}

static enum status keep_row(void *ctx, const struct audit_row *row, struct error *err)
{
    struct audit_row *last = ctx;
    (void)err;
    *last = *row;
    return STATUS_OK;
}

/* The trail begins with what was there before it. */
static void assert_trail(struct store *store)
{
    struct error err;
    struct audit_row last = {0};
    struct audit_verdict verdict;
    static const unsigned char zeros[HASH_SHA256_BYTES] = {0};
    assert_ok(store_audit_verify(store, AUDIT_EXTENT_WHOLE, NULL, &verdict, &err));
    assert_int_equal(verdict.n_rows, 1);
    assert_false(verdict.is_broken);
    assert_ok(store_audit_each(store, keep_row, &last, &err));
    assert_string_equal(last.command, "migrate");
    assert_int_equal(last.generation_after, N_DOCUMENTS);
    assert_memory_not_equal(last.state_after, zeros, sizeof zeros);
}

static void assert_migrated(struct store *store)
{
    struct error err;
    struct store_counts counts;
    struct store_vectors vectors;
    struct store_passage passage;
    struct arena arena = {0};
    int64_t generation;
    size_t n_terms = 0;
    assert_int_equal(fixture_n_problems(store), 0);
    assert_trail(store);
    assert_ok(store_read_begin(store, &err));
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, N_DOCUMENTS);
    assert_int_equal(counts.n_chunks, N_CHUNKS);
    assert_int_equal(counts.n_missing_vectors, n_missing_expected());
    assert_int_equal(counts.n_tail, N_CHUNKS);
    assert_int_equal(counts.n_vector_tail, N_CHUNKS - n_missing_expected());
    assert_ok(store_generation(store, &generation, &err));
    assert_int_equal(generation, N_DOCUMENTS);
    assert_ok(store_map_vectors(store, &vectors, &err));
    assert_int_equal(vectors.row_bytes, FIXTURE_DIM * 2);
    assert_int_equal(vectors.n_slots, counts.n_vectors);
    assert_ok(store_each_vector_tail(store, 0, SIZE_MAX, check_vector, &vectors, &err));
    assert_ok(store_each_tail(store, 0, SIZE_MAX, count_terms, &n_terms, &err));
    assert_int_equal(n_terms, 3 * N_CHUNKS);
    assert_ok(store_get_passage(store, 7, &arena, &passage, &err));
    assert_string_equal(passage.chunk.text, "text 6");
    store_read_end(store);
    arena_clear(&arena);
}

static void migrate(int version)
{
    struct error err;
    struct store *store = NULL;
    char folder[64];
    fixture_folder_make(folder);
    make_old_library(folder, version);
    assert_status(store_open(folder, STORE_OPEN_READ, &store, &err), STATUS_INVALID);
    assert_true(err.hint[0]);
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    assert_migrated(store);
    store_close(store);
    assert_ok(store_open(folder, STORE_OPEN_READ, &store, &err));
    assert_migrated(store);
    store_close(store);
    /* It goes on as any other. */
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    assert_ok(fixture_save(store, 0, ODD_HASH, 1, FIXTURE_WITH_VECTORS, &err));
    assert_ok(store_compact(store, &err));
    assert_int_equal(fixture_n_problems(store), 0);
    store_close(store);
    fixture_folder_remove(folder);
}

static void test_store_migrate__version_1(void **state)
{
    (void)state;
    migrate(1);
}

static void test_store_migrate__version_2(void **state)
{
    (void)state;
    migrate(2);
}

/* Whoever asks first, also one who only reads. */
static void test_store_migrate__by_the_engine(void **state)
{
    (void)state;
    struct error err;
    struct engine_options options = engine_options_default();
    struct engine *engine = NULL;
    struct engine_status status;
    char folder[64];
    fixture_folder_make(folder);
    make_old_library(folder, 1);
    options.data_folder = folder;
    assert_ok(engine_open(&options, &engine, &err));
    assert_ok(engine_status(engine, &status, &err));
    assert_true(status.has_library);
    assert_int_equal(status.n_chunks, N_CHUNKS);
    engine_close(engine);
    fixture_folder_remove(folder);
}

static void test_store_migrate__without_vectors(void **state)
{
    (void)state;
    struct error err;
    struct store *store;
    struct store_counts counts;
    char folder[64], path[128];
    fixture_folder_make(folder);
    sqlite3 *db = open_raw(folder);
    run_sql(db, version_1);
    sqlite3_close(db);
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_vectors, 0);
    assert_int_equal(fixture_n_problems(store), 0);
    fixture_vectors_path(folder, 1, path);
    assert_int_not_equal(access(path, F_OK), 0);
    store_close(store);
    fixture_folder_remove(folder);
}

#ifdef RAGGED_FAULT

#define N_MAX 20000

/* What the older program would find: all of it, and nothing of the new version; or the new one. */
static void assert_old_or_new(const char *folder)
{
    sqlite3 *db = open_raw(folder);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    if (version == 1) {
        assert_int_equal(sqlite3_prepare_v2(db,
                                            "SELECT count(v.fp16), count(*) FROM tail t LEFT JOIN "
                                            "vectors v ON v.id = t.vector_id",
                                            -1, &statement, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        assert_true(sqlite3_column_int(statement, 0) > N_CHUNKS / 2);
        assert_int_equal(sqlite3_column_int(statement, 1), N_CHUNKS);
        sqlite3_finalize(statement);
    } else {
        assert_int_equal(version, 6);
    }
    sqlite3_close(db);
}

static void fail_everywhere(const char *site, const char *suffix)
{
    bool is_every_place = getenv("RAGGED_TORTURE");
    long n_places = 0;
    int n = 1;
    for (; n < N_MAX; n += is_every_place || n < 60 ? 1 : 1 + n / 20) {
        struct error err = {0};
        struct store *store = NULL;
        char folder[64], plan[64];
        fault_plan(NULL);
        fixture_folder_make(folder);
        make_old_library(folder, 1);
        snprintf(plan, sizeof plan, "%s:%d%s", site, n, suffix);
        fault_plan(plan);
        enum status status = store_open(folder, STORE_OPEN_WRITE, &store, &err);
        n_places = fault_count(site);
        fault_plan(NULL);
        store_close(store);
        if (status && status != STATUS_NOMEM && status != STATUS_IO)
            fail_msg("%s: %s (%s)", plan, err.message, status_name(status));
        assert_old_or_new(folder);
        assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
        assert_migrated(store);
        store_close(store);
        fixture_folder_remove(folder);
        if (n_places < n)
            break;
    }
    printf("%s%s: %ld places\n", site, suffix, n_places);
    assert_true(n < N_MAX);
}

static void test_store_migrate__interrupted_by_failures(void **state)
{
    (void)state;
    static const char *const sites[] = {"mem",         "sqlite.write", "sqlite.full", "sqlite.sync",
                                        "sqlite.read", "sqlite.lock",  "file",        "vectors"};
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        fail_everywhere(sites[i], "");
        fail_everywhere(sites[i], "+");
    }
}

static int child_role(const char *folder)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return 1;
    store_close(store);
    return 0;
}

static void kill_everywhere(const char *site)
{
    int n = 1;
    for (; n < N_MAX; n++) {
        struct error err;
        struct store *store;
        struct process child;
        char folder[64], plan[64];
        int wait_status = 0;
        fixture_folder_make(folder);
        make_old_library(folder, 1);
        snprintf(plan, sizeof plan, "kill@%s:%d", site, n);
        const char *const argv[] = {"/proc/self/exe", folder, NULL};
        setenv("RAGGED_FAULT", plan, 1);
        assert_ok(
            process_start(&(struct process_options){.argv = argv, .extra_fd = -1}, &child, &err));
        unsetenv("RAGGED_FAULT");
        assert_true(process_wait(&child, 60000, &wait_status));
        assert_old_or_new(folder);
        assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
        assert_migrated(store);
        store_close(store);
        fixture_folder_remove(folder);
        if (WIFEXITED(wait_status)) {
            assert_int_equal(WEXITSTATUS(wait_status), 0);
            break;
        }
        assert_int_equal(WTERMSIG(wait_status), SIGKILL);
    }
    printf("kill@%s: %d places\n", site, n - 1);
    assert_true(n > 1 && n < N_MAX);
}

static void test_store_migrate__killed(void **state)
{
    (void)state;
    static const char *const sites[] = {"sqlite.write", "sqlite.sync", "file", "vectors"};
    fault_plan(NULL);
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++)
        kill_everywhere(sites[i]);
}

#else

static int child_role(const char *folder)
{
    (void)folder;
    return 1;
}

static void test_store_migrate__interrupted_by_failures(void **state)
{
    (void)state;
    skip_because("faults are injected in FAULT=1 builds only");
}

static void test_store_migrate__killed(void **state)
{
    (void)state;
    skip_because("faults are injected in FAULT=1 builds only");
}

#endif

int main(int argc, char **argv)
{
    store_use_mem();
    if (argc == 2)
        return child_role(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_migrate__version_1),
        cmocka_unit_test(test_store_migrate__version_2),
        cmocka_unit_test(test_store_migrate__by_the_engine),
        cmocka_unit_test(test_store_migrate__without_vectors),
        cmocka_unit_test(test_store_migrate__interrupted_by_failures),
        cmocka_unit_test(test_store_migrate__killed),
    };
    return cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL);
}
