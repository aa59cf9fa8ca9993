/* Damaged databases: bytes flipped, blocks zeroed, ends cut off at seeded places. Opening, reading
 * and checking give an error or data, never a crash; a database that passes the check has all its
 * rows. */
#include <sqlite3.h>

#include "store_fixture.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/limits.h"

#define N_CASES 500
#define N_DOCUMENTS 12
#define N_CHUNKS 4

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Two segments have the rows of the first document, which is replaced, and of the second. */
static enum status make_index(struct store *store, struct error *err)
{
    static const int64_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct store_segment segment = {.name = "a", .n_rows = 2 * N_CHUNKS, .maker = "maker"};
    struct fixture_document f;
    enum status status = STATUS_OK;
    for (int kind = STORE_KIND_LEXICAL; kind <= STORE_KIND_VECTOR && !status; kind++) {
        segment.kind = (enum store_kind)kind;
        segment.name = kind == STORE_KIND_VECTOR ? "b" : "a";
        status = store_put_segment(store, &segment, err);
        if (!status)
            status = store_take_tail(store, segment.kind, ids, 2 * N_CHUNKS, err);
    }
    fixture_document_init(&f, 0, 0, N_CHUNKS, FIXTURE_WITH_VECTORS);
    return status ? status : fixture_put(store, &f, err);
}

static void make_library(const char *folder, struct buf *out, struct buf *out_vectors)
{
    struct error err;
    struct store *store;
    char path[128];
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    for (int i = 0; i < N_DOCUMENTS; i++)
        assert_ok(fixture_save(store, i, i * N_CHUNKS, N_CHUNKS, FIXTURE_WITH_VECTORS, &err));
    assert_ok(store_write_begin(store, &err));
    assert_ok(make_index(store, &err));
    assert_ok(store_write_commit(store, &err));
    assert_ok(store_checkpoint(store, 0, &err));
    store_close(store);
    snprintf(path, sizeof path, "%s/ragged.db", folder);
    assert_ok(file_read(path, RAGGED_LIMIT_FILE, out, &err));
    fixture_vectors_path(folder, 1, path);
    assert_ok(file_read(path, RAGGED_LIMIT_FILE, out_vectors, &err));
    fixture_folder_remove(folder);
}

static size_t damage(char *bytes, size_t len, uint64_t *seed)
{
    switch (next_random(seed) % 4) {
    case 0:
        return next_random(seed) % len;
    case 1: {
        size_t at = next_random(seed) % len, n = 1 + next_random(seed) % 512;
        memset(bytes + at, 0, n < len - at ? n : len - at);
        return len;
    }
    default:
        for (uint64_t n = 1 + next_random(seed) % 8; n > 0; n--)
            bytes[next_random(seed) % len] ^= (char)(1 << next_random(seed) % 8);
        return len;
    }
}

static enum status touch_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    size_t *sum = ctx;
    (void)err;
    for (size_t i = 0; i < row->terms_len; i++)
        *sum += ((const unsigned char *)row->terms)[i];
    return STATUS_OK;
}

struct touched {
    struct store_vectors vectors;
    size_t sum;
};

static enum status touch_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    struct touched *touched = ctx;
    const unsigned char *vector = touched->vectors.rows;
    (void)err;
    assert_true(row->slot < touched->vectors.n_slots);
    for (size_t i = 0; i < touched->vectors.row_bytes; i++)
        touched->sum += vector[row->slot * touched->vectors.row_bytes + i];
    return STATUS_OK;
}

static enum status touch_document(void *ctx, const struct store_document *document,
                                  struct error *err)
{
    size_t *sum = ctx;
    (void)err;
    *sum += strlen(document->path) + strlen(document->title) + strlen(document->warning);
    return STATUS_OK;
}

static enum status touch_segment(void *ctx, const struct store_segment *segment, struct error *err)
{
    size_t *sum = ctx;
    (void)err;
    assert_true(segment->kind == STORE_KIND_LEXICAL || segment->kind == STORE_KIND_VECTOR);
    *sum += strlen(segment->name) + strlen(segment->maker);
    return STATUS_OK;
}

static enum status touch_dead(void *ctx, int64_t first, int64_t end, struct error *err)
{
    size_t *sum = ctx;
    (void)err;
    assert_true(first < end);
    *sum += 1;
    return STATUS_OK;
}

static enum status touch_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                               const struct store_chunk *chunk, struct error *err)
{
    size_t *sum = ctx;
    (void)chunk_id, (void)document_id, (void)err;
    *sum += strlen(chunk->heading) + strlen(chunk->text);
    return STATUS_OK;
}

static enum status touch_range(void *ctx, int64_t document_id, int64_t first, int64_t end,
                               struct error *err)
{
    (void)document_id;
    return touch_dead(ctx, first, end, err);
}

static void read_index(struct store *store, size_t *sum)
{
    struct error err;
    enum status status = store_each_segment(store, touch_segment, sum, &err);
    status = store_each_dead(store, STORE_KIND_LEXICAL, touch_dead, sum, &err);
    status = store_each_dead(store, STORE_KIND_VECTOR, touch_dead, sum, &err);
    status = store_each_chunk(store, 0, SIZE_MAX, touch_chunk, sum, &err);
    status = store_each_chunk_run(store, touch_range, sum, &err);
    (void)status;
}

static void read_vectors(struct store *store)
{
    struct error err;
    struct touched touched = {0};
    if (store_read_begin(store, &err))
        return;
    enum status status = store_map_vectors(store, &touched.vectors, &err);
    if (!status)
        status = store_each_vector_tail(store, 0, SIZE_MAX, touch_vector, &touched, &err);
    for (int64_t id = 1; id <= N_DOCUMENTS * N_CHUNKS; id++) {
        struct store_vector_row row = {0};
        bool has_vector = false;
        if (!status && !store_get_chunk_vector(store, id, &row.slot, &has_vector, &err) &&
            has_vector)
            status = touch_vector(&touched, &row, &err);
    }
    store_read_end(store);
}

/* Every read, each on its own: one that fails does not spare the others. */
static void read_everything(struct store *store)
{
    struct error err;
    struct arena arena = {0};
    struct store_counts counts;
    struct store_document document;
    struct store_passage passage;
    size_t sum = 0;
    enum status status = store_each_document(store, touch_document, &sum, &err);
    status = store_each_tail(store, 0, SIZE_MAX, touch_row, &sum, &err);
    read_index(store, &sum);
    read_vectors(store);
    for (int64_t id = 1; id <= N_DOCUMENTS * N_CHUNKS; id++)
        status = store_get_passage(store, id, &arena, &passage, &err);
    for (uint32_t ord = 0; ord <= N_CHUNKS; ord++)
        status = store_get_neighbour(store, 1, ord, &arena, &passage, &err);
    status = store_find_document(store, "/doc/000003", &arena, &document, &err);
    status = store_count(store, &counts, &err);
    (void)status;
    arena_clear(&arena);
}

static void ignore_line(void *ctx, const char *line)
{
    (void)ctx;
    assert_true(line[0]);
}

/* True when it passes the check. */
static bool is_sound(struct store *store)
{
    struct error err;
    struct store_counts counts;
    size_t n_problems = 0;
    enum status status = store_check(store, FIXTURE_DIM, ignore_line, NULL, &n_problems, &err);
    if (status || n_problems)
        return false;
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, N_DOCUMENTS);
    assert_int_equal(counts.n_chunks, N_DOCUMENTS * N_CHUNKS);
    assert_int_equal(counts.n_missing_vectors, 0);
    return true;
}

/* Writing into a damaged library may fail, it may not crash. */
static void write_something(const char *folder)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return;
    enum status status = fixture_save(store, 3, 500, N_CHUNKS, FIXTURE_WITH_VECTORS, &err);
    status = store_compact(store, &err);
    if (!store_write_begin(store, &err)) {
        static const int64_t ids[] = {20, 21, 22, 23};
        status = store_take_tail(store, STORE_KIND_VECTOR, ids, N_CHUNKS, &err);
        status = store_put_tail_row(store, 5, 2, "\1a\1", 3, 1, &err);
        status = store_put_vector_tail_row(store, 5, 2, &err);
        status = store_write_commit(store, &err);
    }
    if (!store_write_begin(store, &err)) {
        status = store_remove_vectors(store, &err);
        status = store_write_commit(store, &err);
    }
    (void)status;
    store_close(store);
}

static void test_store_corrupt__never_crashes(void **state)
{
    (void)state;
    struct error err;
    struct buf sound = {0}, vectors = {0}, bytes = {0};
    char folder[64], path[128], vectors_path[128];
    size_t n_refused = 0, n_found = 0, n_sound = 0;
    fixture_folder_make(folder);
    snprintf(path, sizeof path, "%s/ragged.db", folder);
    fixture_vectors_path(folder, 1, vectors_path);
    make_library(folder, &sound, &vectors);
    for (uint64_t i = 0; i < N_CASES; i++) {
        uint64_t seed = i + 1;
        struct store *store;
        assert_ok(folder_make(folder, &err));
        buf_reset(&bytes);
        buf_append(&bytes, sound.data, sound.len);
        size_t len = damage(bytes.data, bytes.len, &seed);
        assert_ok(file_replace(path, bytes.data, len, 0600, &err));
        buf_reset(&bytes);
        buf_append(&bytes, vectors.data, vectors.len);
        len = i % 3 == 0 ? damage(bytes.data, bytes.len, &seed) : bytes.len;
        assert_ok(file_replace(vectors_path, bytes.data, len, 0600, &err));
        if (store_open(folder, STORE_OPEN_READ, &store, &err)) {
            n_refused++;
        } else {
            read_everything(store);
            *(is_sound(store) ? &n_sound : &n_found) += 1;
            store_close(store);
        }
        write_something(folder);
        fixture_folder_remove(folder);
    }
    printf("%zu refused at open, %zu found by the check, %zu harmless\n", n_refused, n_found,
           n_sound);
    assert_true(n_refused > 0 && n_found > 0);
    buf_clear(&sound);
    buf_clear(&vectors);
    buf_clear(&bytes);
}

/* What another program, or a mistake of ours, could have stored: pages and their sums are right. */
static const char *const nonsense[] = {
    "UPDATE segments SET kind = 9",
    "UPDATE segments SET n_rows = -1",
    "UPDATE dead SET until = first",
    "UPDATE library SET next_chunk_id = 1",
    "UPDATE library SET next_chunk_id = -9223372036854775807",
    "UPDATE library SET next_slot = 0",
    "UPDATE library SET next_slot = 9223372036854775807",
    "UPDATE library SET vector_bytes = 0",
    "UPDATE library SET vector_bytes = -16",
    "UPDATE library SET vector_bytes = 4611686018427387904",
    "UPDATE library SET vector_file = -1",
    "UPDATE library SET n_tail = n_tail + 1",
    "UPDATE library SET n_vector_tail = n_vector_tail - 1",
    "DELETE FROM library",
    "INSERT INTO library SELECT * FROM library",
    "DELETE FROM chunks WHERE id = (SELECT max(id) FROM chunks)",
    "UPDATE chunks SET hash = x'00'",
    "UPDATE chunks SET ord = ord + 7",
    "UPDATE documents SET n_chunks = n_chunks + 1",
    "UPDATE documents SET state = 99",
    "UPDATE vectors SET checksum = checksum + 1",
    "UPDATE vectors SET id = id + 1000000",
    "DELETE FROM tail",
    "DELETE FROM vector_tail",
    "UPDATE tail SET terms = x'ff'",
    "UPDATE tail SET doc_id = doc_id + 100",
    "UPDATE vector_tail SET slot = -1",
    "INSERT INTO missing SELECT id FROM chunks",
};

static void store_nonsense(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, "ragged-page"), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_true(sqlite3_total_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_store_corrupt__nonsense_is_found(void **state)
{
    (void)state;
    struct error err;
    struct buf sound = {0}, vectors = {0};
    char folder[64], path[128], vectors_path[128];
    fixture_folder_make(folder);
    snprintf(path, sizeof path, "%s/ragged.db", folder);
    fixture_vectors_path(folder, 1, vectors_path);
    make_library(folder, &sound, &vectors);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        struct store *store;
        assert_ok(folder_make(folder, &err));
        assert_ok(file_replace(path, sound.data, sound.len, 0600, &err));
        assert_ok(file_replace(vectors_path, vectors.data, vectors.len, 0600, &err));
        store_nonsense(path, nonsense[i]);
        if (!store_open(folder, STORE_OPEN_READ, &store, &err)) {
            read_everything(store);
            if (is_sound(store))
                fail_msg("nobody minds: %s", nonsense[i]);
            store_close(store);
        }
        write_something(folder);
        fixture_folder_remove(folder);
    }
    buf_clear(&sound);
    buf_clear(&vectors);
}

/* The byte that says whether pages have sums is under a sum itself. */
static void test_store_corrupt__sums_can_not_be_switched_off_by_damage(void **state)
{
    (void)state;
    enum { RESERVED = 20 };
    struct error err;
    struct buf sound = {0}, vectors = {0};
    struct store *store;
    char folder[64], path[128];
    fixture_folder_make(folder);
    snprintf(path, sizeof path, "%s/ragged.db", folder);
    make_library(folder, &sound, &vectors);
    sound.data[RESERVED] = 0;
    assert_ok(folder_make(folder, &err));
    assert_ok(file_replace(path, sound.data, sound.len, 0600, &err));
    assert_status(store_open(folder, STORE_OPEN_READ, &store, &err), STATUS_DAMAGED);
    fixture_folder_remove(folder);
    buf_clear(&sound);
    buf_clear(&vectors);
}

/* Libraries outlive the version that wrote them: what stands at the end of a page stays that. */
static void test_store_corrupt__sums_are_what_they_always_were(void **state)
{
    (void)state;
    struct buf sound = {0}, vectors = {0};
    char folder[64];
    size_t n_pages = 0;
    fixture_folder_make(folder);
    make_library(folder, &sound, &vectors);
    size_t page_bytes = (size_t)(unsigned char)sound.data[16] << 8 | (unsigned char)sound.data[17];
    for (size_t at = 0; at + page_bytes <= sound.len; at += page_bytes, n_pages++) {
        uint64_t stored, spread = UINT64_C(0x9E3779B97F4A7C15);
        const char *page = sound.data + at;
        memcpy(&stored, page + page_bytes - 8, sizeof stored);
        if (stored != (hash64_of(page, page_bytes - 8) ^ (at + 1) * spread))
            fail_msg("page %zu", n_pages);
    }
    assert_true(page_bytes >= 512 && n_pages > 10);
    fixture_folder_remove(folder);
    buf_clear(&sound);
    buf_clear(&vectors);
}

int main(void)
{
    store_use_mem();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_corrupt__never_crashes),
        cmocka_unit_test(test_store_corrupt__nonsense_is_found),
        cmocka_unit_test(test_store_corrupt__sums_can_not_be_switched_off_by_damage),
        cmocka_unit_test(test_store_corrupt__sums_are_what_they_always_were),
    };
    return cmocka_run_group_tests_name("store_corrupt", tests, NULL, NULL);
}
