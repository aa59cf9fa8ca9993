#include "store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>

struct fixture {
    char folder[64];
    struct store *store;
    struct arena arena;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fixture_folder_make(f->folder);
    if (store_open(f->folder, STORE_OPEN_WRITE, &f->store, &f->err))
        fail_msg("%s", f->err.message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_clear(&f->arena);
    store_close(f->store);
    fixture_folder_remove(f->folder);
    free(f);
    return 0;
}

static void save(struct fixture *f, int number, int first_text, size_t n_chunks,
                 enum fixture_vectors vectors)
{
    if (fixture_save(f->store, number, first_text, n_chunks, vectors, &f->err))
        fail_msg("%s", f->err.message);
}

static struct store_counts counts_of(struct fixture *f)
{
    struct store_counts counts;
    if (store_count(f->store, &counts, &f->err))
        fail_msg("%s", f->err.message);
    return counts;
}

static int64_t generation_of(struct fixture *f)
{
    int64_t generation;
    if (store_generation(f->store, &generation, &f->err))
        fail_msg("%s", f->err.message);
    return generation;
}

static int64_t id_of(struct fixture *f, int number)
{
    char path[64];
    struct store_document document;
    snprintf(path, sizeof path, "/doc/%06d", number);
    if (store_find_document(f->store, path, &f->arena, &document, &f->err))
        fail_msg("%s", f->err.message);
    return document.id;
}

/* SQL from outside, as a damaged library or another program would leave it. */
static void damage(struct fixture *f, const char *sql)
{
    char path[128], *message = NULL;
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ragged.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void test_store__gives_back_what_was_put(void **state)
{
    struct fixture *f = *state;
    struct error err;
    save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    struct store_document d;
    assert_ok(store_find_document(f->store, "/doc/000001", &f->arena, &d, &err));
    assert_string_equal(d.path, "/doc/000001");
    assert_string_equal(d.title, "title");
    assert_string_equal(d.kind, "text");
    assert_string_equal(d.collection, "default");
    assert_string_equal(d.hash, "abc");
    assert_string_equal(d.warning, "careful");
    assert_string_equal(d.error, "");
    assert_int_equal(d.size_bytes, 100);
    assert_true(d.inode == UINT64_MAX);
    assert_int_equal(d.mtime_ns, -5);
    assert_int_equal(d.added_ms, 7);
    assert_int_equal(d.n_pages, 9);
    assert_int_equal(d.n_chunks, 2);
    assert_int_equal(d.state, STORE_DOCUMENT_READY);

    struct store_passage p;
    assert_ok(store_get_neighbour(f->store, d.id, 1, &f->arena, &p, &err));
    assert_string_equal(p.chunk.text, "text 11");
    assert_string_equal(p.chunk.heading, "heading");
    assert_int_equal(p.chunk.page, 2);
    assert_int_equal(p.chunk.page_end, 3);
    assert_int_equal(p.chunk.line, 3);
    assert_int_equal(p.chunk.line_end, 4);
    assert_int_equal(p.chunk.byte_start, 5);
    assert_true(p.chunk.byte_end == (uint64_t)1 << 40);
    struct hash128 hash = fixture_hash("text 11");
    assert_memory_equal(p.chunk.hash.bytes, hash.bytes, sizeof hash.bytes);
    assert_string_equal(p.path, "/doc/000001");
    assert_int_equal(p.ord, 1);

    struct store_passage same;
    assert_ok(store_get_passage(f->store, p.chunk_id, &f->arena, &same, &err));
    assert_string_equal(same.chunk.text, "text 11");
    assert_status(store_get_neighbour(f->store, d.id, 2, &f->arena, &p, &err), STATUS_NOT_FOUND);
    assert_status(store_get_passage(f->store, 999, &f->arena, &p, &err), STATUS_NOT_FOUND);
    assert_status(store_get_document(f->store, 999, &f->arena, &d, &err), STATUS_NOT_FOUND);
    assert_status(store_find_document(f->store, "/none", &f->arena, &d, &err), STATUS_NOT_FOUND);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store__replaces_the_document_of_a_path(void **state)
{
    struct fixture *f = *state;
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    int64_t id = id_of(f, 1);
    save(f, 1, 11, 1, FIXTURE_WITH_VECTORS);
    assert_int_equal(id_of(f, 1), id);
    struct store_counts counts = counts_of(f);
    assert_int_equal(counts.n_documents, 1);
    assert_int_equal(counts.n_chunks, 1);
    assert_int_equal(counts.n_vectors, 3);
    assert_int_equal(counts.text_bytes, strlen("text 11"));
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void remove_document(struct fixture *f, int64_t id)
{
    struct error err;
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_document(f->store, id, &err));
    assert_ok(store_write_commit(f->store, &err));
}

static void test_store__keeps_vectors_for_the_next_add(void **state)
{
    struct fixture *f = *state;
    struct error err;
    bool has_vector = false;
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    remove_document(f, id_of(f, 1));
    assert_int_equal(counts_of(f).n_chunks, 0);
    assert_int_equal(counts_of(f).n_vectors, 3);
    assert_ok(store_has_vector(f->store, fixture_hash("text 11"), &has_vector, &err));
    assert_true(has_vector);
    save(f, 2, 10, 2, FIXTURE_WITHOUT_VECTORS);
    assert_int_equal(counts_of(f).n_missing_vectors, 0);
    assert_ok(store_compact(f->store, &err));
    assert_int_equal(counts_of(f).n_vectors, 2);
    assert_ok(store_has_vector(f->store, fixture_hash("text 12"), &has_vector, &err));
    assert_false(has_vector);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static int slot_of(struct fixture *f, int64_t chunk_id)
{
    struct error err;
    uint32_t slot = 0;
    bool has = false;
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_get_chunk_vector(f->store, chunk_id, &slot, &has, &err));
    store_read_end(f->store);
    return has ? (int)slot : -1;
}

static void test_store__links_a_vector_that_comes_later(void **state)
{
    struct fixture *f = *state;
    struct error err;
    save(f, 1, 10, 3, FIXTURE_WITHOUT_VECTORS); /* passages 1 to 3 */
    assert_int_equal(counts_of(f).n_missing_vectors, 3);
    save(f, 2, 11, 1, FIXTURE_WITH_VECTORS); /* 4, the twin of 2 */
    assert_int_equal(counts_of(f).n_missing_vectors, 3);
    assert_int_equal(fixture_n_problems(f->store), 0);
    uint16_t vector[FIXTURE_DIM] = {0x3C00};
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_put_vector(f->store, fixture_hash("text 10"), vector, sizeof vector, &err));
    static const int64_t linked[] = {1, 2, 2, 3, 4, 99}; /* of 3 there is none */
    for (size_t i = 0; i < sizeof linked / sizeof linked[0]; i++)
        assert_ok(store_link_vector(f->store, linked[i], &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_int_equal(counts_of(f).n_missing_vectors, 1);
    assert_int_equal(counts_of(f).n_vector_tail, 3);
    assert_int_equal(slot_of(f, 1), 1);
    assert_int_equal(slot_of(f, 2), 0);
    assert_int_equal(slot_of(f, 3), -1);
    assert_int_equal(slot_of(f, 4), 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_vectors(f->store, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_int_equal(counts_of(f).n_vectors, 0);
    assert_int_equal(counts_of(f).n_missing_vectors, 4);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static enum status stop_at_second(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                                  struct error *err)
{
    int *n = ctx;
    assert_true(chunk_id > 0);
    assert_string_equal(chunk->text, *n == 0 ? "text 11" : "text 12");
    struct hash128 hash = fixture_hash(chunk->text);
    assert_memory_equal(chunk->hash.bytes, hash.bytes, sizeof hash.bytes);
    return ++*n == 2 ? error_set(err, STATUS_CANCELLED, "enough") : STATUS_OK;
}

static enum status sum_ids(void *ctx, int64_t chunk_id, struct error *err)
{
    (void)err;
    *(int64_t *)ctx = 100 * *(int64_t *)ctx + chunk_id;
    return STATUS_OK;
}

static void test_store__lists_chunks_without_a_vector(void **state)
{
    struct fixture *f = *state;
    struct error err;
    int n = 0;
    save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    save(f, 2, 10, 4, FIXTURE_WITHOUT_VECTORS);
    assert_status(store_each_missing_vector(f->store, 0, 9, stop_at_second, &n, &err),
                  STATUS_CANCELLED);
    n = 0;
    assert_ok(store_each_missing_vector(f->store, 0, 1, stop_at_second, &n, &err));
    assert_int_equal(n, 1);
    int64_t ids = 0;
    assert_ok(store_each_missing_id(f->store, sum_ids, &ids, &err));
    assert_int_equal(ids, 30405); /* the first two have theirs */
}

static void test_store__generation_counts_commits_that_change(void **state)
{
    struct fixture *f = *state;
    struct error err;
    assert_int_equal(generation_of(f), 0);
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_int_equal(generation_of(f), 1);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_int_equal(generation_of(f), 1);
    assert_ok(store_write_begin(f->store, &err));
    assert_status(store_remove_document(f->store, 77, &err), STATUS_NOT_FOUND);
    assert_status(store_touch_document(f->store, 77, 1, 2, 3, &err), STATUS_NOT_FOUND);
    assert_ok(store_touch_document(f->store, id_of(f, 1), 1, 2, 3, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_int_equal(generation_of(f), 2);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_document(f->store, id_of(f, 1), &err));
    store_write_rollback(f->store);
    assert_int_equal(generation_of(f), 2);
    struct store_document d;
    assert_ok(store_get_document(f->store, id_of(f, 1), &f->arena, &d, &err));
    assert_int_equal(d.size_bytes, 1);
    assert_int_equal(d.inode, 2);
    assert_int_equal(d.mtime_ns, 3);
    size_t n = 0;
    save(f, 2, 20, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_all(f->store, &n, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_int_equal(n, 2);
    assert_int_equal(counts_of(f).n_documents, 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store__keeps_named_values(void **state)
{
    struct fixture *f = *state;
    struct error err;
    const char *value = "untouched";
    assert_ok(store_get_meta(f->store, "model", &f->arena, &value, &err));
    assert_null(value);
    for (int i = 0; i < 2; i++) {
        assert_ok(store_write_begin(f->store, &err));
        assert_ok(store_set_meta(f->store, "model", "minilm", &err));
        assert_ok(store_write_commit(f->store, &err));
        assert_int_equal(generation_of(f), 1);
    }
    assert_ok(store_get_meta(f->store, "model", &f->arena, &value, &err));
    assert_string_equal(value, "minilm");
}

static void test_store__a_reader_keeps_its_generation(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct store *reader;
    int64_t generation;
    struct store_counts counts;
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    assert_ok(store_read_begin(reader, &err));
    save(f, 2, 20, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_checkpoint(f->store, 0, &err));
    assert_ok(store_generation(reader, &generation, &err));
    assert_int_equal(generation, 1);
    assert_ok(store_count(reader, &counts, &err));
    assert_int_equal(counts.n_documents, 1);
    store_read_end(reader);
    assert_ok(store_generation(reader, &generation, &err));
    assert_int_equal(generation, 2);
    assert_ok(store_count(reader, &counts, &err));
    assert_int_equal(counts.n_documents, 2);
    store_close(reader);
}

struct tail_seen {
    size_t n_rows, n_terms;
    int64_t last_id;
};

static enum status see_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    struct tail_seen *seen = ctx;
    (void)err;
    assert_true(row->chunk_id > seen->last_id);
    assert_int_equal(row->terms_len, 10);
    seen->last_id = row->chunk_id;
    seen->n_rows++;
    seen->n_terms += row->n_terms;
    return STATUS_OK;
}

static void test_store__scans_the_tail(void **state)
{
    struct fixture *f = *state;
    struct error err;
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    save(f, 2, 20, 2, FIXTURE_WITHOUT_VECTORS);
    static const struct {
        int64_t after;
        size_t n_max, n_rows;
    } cases[] = {{0, SIZE_MAX, 5}, {0, 2, 2}, {2, SIZE_MAX, 3}, {2, 1, 1}, {5, 9, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tail_seen seen = {.last_id = cases[i].after};
        assert_ok(store_each_tail(f->store, cases[i].after, cases[i].n_max, see_row, &seen, &err));
        assert_int_equal(seen.n_rows, cases[i].n_rows);
        assert_int_equal(seen.n_terms, 3 * cases[i].n_rows);
    }
}

static enum status see_path(void *ctx, const struct store_document *d, struct error *err)
{
    char *all = ctx;
    (void)err;
    strcat(strcat(all, d->path), "|");
    return STATUS_OK;
}

static void test_store__paths_are_bytes(void **state)
{
    struct fixture *f = *state;
    struct error err;
    static const char *const paths[] = {"/b\xff\xfe\n\"quoted\"", "/a", "/\xc3\xa9"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture_document d;
        fixture_document_init(&d, 1, 10, 1, FIXTURE_WITH_VECTORS);
        d.document.path = paths[i];
        assert_ok(store_write_begin(f->store, &err));
        assert_ok(fixture_put(f->store, &d, &err));
        assert_ok(store_write_commit(f->store, &err));
        struct store_document back;
        assert_ok(store_find_document(f->store, paths[i], &f->arena, &back, &err));
        assert_string_equal(back.path, paths[i]);
    }
    char all[256] = "";
    assert_ok(store_each_document(f->store, see_path, all, &err));
    assert_string_equal(all, "/a|/b\xff\xfe\n\"quoted\"|/\xc3\xa9|");
}

static enum status see_collection(void *ctx, const char *collection, size_t n_documents,
                                  struct error *err)
{
    char *all = ctx;
    (void)err;
    sprintf(all + strlen(all), "%s=%zu|", collection, n_documents);
    return STATUS_OK;
}

static void test_store__counts_collections_and_failures(void **state)
{
    struct fixture *f = *state;
    struct error err;
    for (int i = 0; i < 3; i++) {
        struct fixture_document d;
        fixture_document_init(&d, i, 10, i == 2 ? 0 : 1, FIXTURE_WITH_VECTORS);
        d.document.collection = i == 1 ? "work" : "home";
        if (i == 2) {
            d.document.state = STORE_DOCUMENT_FAILED;
            d.document.error = "encrypted";
            d.document.hash = NULL;
        }
        assert_ok(store_write_begin(f->store, &err));
        assert_ok(fixture_put(f->store, &d, &err));
        assert_ok(store_write_commit(f->store, &err));
    }
    char all[256] = "";
    assert_ok(store_each_collection(f->store, see_collection, all, &err));
    assert_string_equal(all, "home=2|work=1|");
    struct store_counts counts = counts_of(f);
    assert_int_equal(counts.n_failed, 1);
    assert_int_equal(counts.n_documents, 3);
    assert_true(counts.database_bytes > 4096);
    struct store_document d;
    assert_ok(store_get_document(f->store, id_of(f, 2), &f->arena, &d, &err));
    assert_int_equal(d.state, STORE_DOCUMENT_FAILED);
    assert_string_equal(d.error, "encrypted");
    assert_string_equal(d.hash, "");
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store__checkpoint_empties_the_log(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/ragged.db-wal", f->folder);
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_checkpoint(f->store, 1024 * 1024, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
    assert_ok(store_checkpoint(f->store, 0, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(counts_of(f).n_chunks, 3);
}

static void test_store__compact_gives_space_back(void **state)
{
    struct fixture *f = *state;
    struct error err;
    size_t n;
    for (int i = 0; i < 400; i++)
        save(f, i, i * 8, 8, FIXTURE_WITH_VECTORS);
    assert_ok(store_checkpoint(f->store, 0, &err));
    uint64_t before = counts_of(f).database_bytes;
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_all(f->store, &n, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_ok(store_compact(f->store, &err));
    assert_true(counts_of(f).database_bytes < before / 4);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store__files_are_private(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"ragged.db", "ragged.db-wal", "ragged.db-shm",
                                        "write.lock"};
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void test_store__reading_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct store *reader = NULL;
    char folder[96];
    snprintf(folder, sizeof folder, "%s/none", f->folder);
    assert_status(store_open(folder, STORE_OPEN_READ, &reader, &err), STATUS_NOT_FOUND);
    assert_null(reader);
    assert_int_not_equal(access(folder, F_OK), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_status(store_open(folder, STORE_OPEN_READ, &reader, &err), STATUS_NOT_FOUND);
    assert_int_equal(rmdir(folder), 0); /* still empty */
}

static void test_store__reads_in_a_read_only_folder(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct store *reader;
    struct store_counts counts;
    save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(chmod(f->folder, 0500), 0);
    assert_ok(store_open(f->folder, STORE_OPEN_READ, &reader, &err));
    assert_ok(store_count(reader, &counts, &err));
    assert_int_equal(counts.n_chunks, 3);
    store_close(reader);
    assert_int_equal(chmod(f->folder, 0700), 0);
}

static void test_store__refuses_what_it_did_not_make(void **state)
{
    struct fixture *f = *state;
    struct error err;
    struct store *store = NULL;
    static const struct {
        const char *sql;
        enum status status;
    } cases[] = {
        {"PRAGMA user_version = 99", STATUS_INVALID},
        {"PRAGMA user_version = 0", STATUS_INVALID},
        {"PRAGMA user_version = 1; PRAGMA application_id = 7", STATUS_INVALID},
        {"PRAGMA application_id = 0; PRAGMA user_version = 0", STATUS_INVALID},
    };
    store_close(f->store);
    f->store = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        damage(f, cases[i].sql);
        for (int mode = STORE_OPEN_READ; mode <= STORE_OPEN_WRITE; mode++) {
            assert_status(store_open(f->folder, (enum store_open_mode)mode, &store, &err),
                          cases[i].status);
            assert_null(store);
            assert_true(err.hint[0]);
        }
    }
    char path[128];
    fixture_folder_remove(f->folder);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    snprintf(path, sizeof path, "%s/ragged.db", f->folder);
    FILE *file = fopen(path, "w");
    fputs("this is a note, not a database, and long enough to look like one: "
          "................................................................",
          file);
    fclose(file);
    assert_status(store_open(f->folder, STORE_OPEN_WRITE, &store, &err), STATUS_DAMAGED);
}

static void test_store__a_failed_change_can_not_be_committed(void **state)
{
    struct fixture *f = *state;
    struct error err;
    save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    damage(f, "DROP TABLE tail");
    struct fixture_document d;
    fixture_document_init(&d, 2, 20, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    assert_status(fixture_put(f->store, &d, &err), STATUS_DAMAGED);
    assert_status(store_write_commit(f->store, &err), STATUS_INVALID);
    assert_int_equal(generation_of(f), 1);
    struct store_document none;
    assert_status(store_find_document(f->store, d.path, &f->arena, &none, &err), STATUS_NOT_FOUND);
}

static const char *const damages[] = {
    "DELETE FROM documents WHERE id = 1",
    "DELETE FROM chunks WHERE id = 2",
    "DELETE FROM tail WHERE chunk_id = 2",
    "DELETE FROM vectors WHERE id = 0",
    "UPDATE chunks SET ord = 7 WHERE id = 1",
    "UPDATE chunks SET hash = x'00'",
    "UPDATE chunks SET text = 'longer than before' WHERE id = 1",
    "UPDATE documents SET n_chunks = 9",
    "UPDATE documents SET state = 1, error = 'bad'",
    "UPDATE documents SET state = 5",
    "UPDATE tail SET terms = x'03616263' WHERE chunk_id = 1",
    "UPDATE tail SET terms = x'016202016101', n_terms = 3 WHERE chunk_id = 1",
    "UPDATE tail SET n_terms = 4 WHERE chunk_id = 1",
    "UPDATE tail SET terms = x'016103000000', n_terms = 3 WHERE chunk_id = 1",
    "UPDATE tail SET terms = x'01610300000000ff', n_terms = 3 WHERE chunk_id = 1",
    "UPDATE tail SET doc_id = 2 WHERE chunk_id = 1",
    "DELETE FROM tail WHERE chunk_id = 2; UPDATE library SET n_tail = 4",
    "DELETE FROM tail WHERE chunk_id = 2; UPDATE library SET n_tail = 4;"
    "INSERT INTO segments VALUES('a', 2, 1, 1, 1, 1, 1, '')",
    "UPDATE vector_tail SET slot = 2 WHERE chunk_id = 1",
    "UPDATE vector_tail SET slot = 99 WHERE chunk_id = 1",
    "UPDATE vector_tail SET doc_id = 2 WHERE chunk_id = 1",
    "DELETE FROM vector_tail WHERE chunk_id = 1",
    "DELETE FROM vector_tail WHERE chunk_id = 1; UPDATE library SET n_vector_tail = 4",
    "DELETE FROM vector_tail WHERE chunk_id = 1; UPDATE library SET n_vector_tail = 4;"
    "INSERT INTO missing VALUES(1)",
    "DELETE FROM vector_tail WHERE slot = 1; UPDATE library SET n_vector_tail = 4;"
    "DELETE FROM vectors WHERE id = 1; INSERT INTO segments VALUES('a', 2, 1, 1, 1, 1, 1, '')",
    "INSERT INTO missing VALUES(1)",
    "INSERT INTO missing VALUES(99)",
    "UPDATE chunk_vectors SET slot = 2 WHERE chunk_id = 1",
    "UPDATE chunk_vectors SET slot = 99 WHERE chunk_id = 1",
    "UPDATE chunk_vectors SET slot = 2 WHERE chunk_id = 1;"
    "UPDATE vector_tail SET slot = 2 WHERE chunk_id = 1",
    "DELETE FROM chunk_vectors WHERE chunk_id = 1",
    "INSERT INTO chunk_vectors VALUES(99, 1)",
    "UPDATE documents SET state = 3 WHERE id = 1",
    "UPDATE documents SET state = 2, hash = '' WHERE id = 1",
    "UPDATE documents SET state = 2, hash = '', n_parts = 1 WHERE id = 1",
    "INSERT INTO partial VALUES(1, 10, 0, 0)",
    "INSERT INTO partial VALUES(99, 10, 0, 0)",
    "UPDATE documents SET n_parts = -1 WHERE id = 1",
    "UPDATE documents SET state = 2, n_parts = 1 WHERE id = 1;"
    "INSERT INTO partial VALUES(1, 10, 0, 0)",
    "UPDATE documents SET state = 2, hash = '' WHERE id = 1;"
    "INSERT INTO partial VALUES(1, 10, 0, 0)",
    "UPDATE documents SET state = 2, hash = '', n_parts = 1 WHERE id = 1;"
    "INSERT INTO partial VALUES(1, -1, 0, 0)",
    "UPDATE documents SET state = 2, hash = '', n_parts = 1 WHERE id = 1;"
    "INSERT INTO partial VALUES(1, 10, -1, 0)",
    "UPDATE documents SET state = 2, hash = '', n_parts = 11 WHERE id = 1;"
    "INSERT INTO partial VALUES(1, 10, 0, 0)",
    "UPDATE documents SET n_parts = 2 WHERE id = 1; UPDATE chunks SET ord = 9 WHERE id = 1;"
    "UPDATE chunks SET ord = 0 WHERE id = 2; UPDATE chunks SET ord = 1 WHERE id = 1",
    "UPDATE vectors SET checksum = checksum + 1 WHERE id = 1",
    "UPDATE library SET next_slot = 4",
    "UPDATE library SET next_slot = 6",
    "UPDATE library SET next_slot = 0",
    "UPDATE library SET next_slot = -1",
    "UPDATE library SET next_slot = 99999999999",
    "UPDATE library SET vector_bytes = 14",
    "UPDATE library SET vector_bytes = 18",
    "UPDATE library SET vector_bytes = 7",
    "UPDATE library SET vector_bytes = 999999999",
    "UPDATE library SET vector_file = 2",
    "UPDATE library SET next_chunk_id = 5",
    "UPDATE library SET n_tail = 6",
    "UPDATE library SET n_tail = -1",
    "UPDATE library SET n_vector_tail = 6",
    "UPDATE chunks SET id = 9 WHERE id = 5; UPDATE library SET next_chunk_id = 10;"
    "UPDATE tail SET chunk_id = 9 WHERE chunk_id = 5;"
    "UPDATE vector_tail SET chunk_id = 9 WHERE chunk_id = 5;"
    "UPDATE chunk_vectors SET chunk_id = 9 WHERE chunk_id = 5",
    "INSERT INTO dead VALUES(1, 3, 4)",
    "INSERT INTO dead VALUES(2, 4, 6)",
    "INSERT INTO dead VALUES(1, 6, 7)",
    "UPDATE library SET next_chunk_id = 10; INSERT INTO dead VALUES(1, 8, 8)",
    "UPDATE library SET next_chunk_id = 10; INSERT INTO dead VALUES(3, 8, 9)",
    "INSERT INTO segments VALUES('a', 3, 1, 1, 1, 1, 1, '')",
    "INSERT INTO holes VALUES(1, 2)",
    "DELETE FROM library",
    "INSERT INTO library SELECT * FROM library",
    "CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM documents; END",
    "CREATE VIEW v AS SELECT * FROM chunks",
    "DROP TABLE meta; DROP TABLE tail",
    "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'chunk_vectors_slot'",
};

/* Every kind of damage is said; each case starts from a sound library. */
static void test_store__check_finds_planted_damage(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct error err;
        struct store *store;
        save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
        save(f, 2, 20, 2, FIXTURE_WITH_VECTORS);
        assert_int_equal(fixture_n_problems(f->store), 0);
        store_close(f->store);
        f->store = NULL;
        damage(f, damages[i]);
        printf("-- %s\n", damages[i]);
        assert_ok(store_open(f->folder, STORE_OPEN_READ, &store, &err));
        if (fixture_n_problems(store) == 0)
            fail_msg("not found: %s", damages[i]);
        store_close(store);
        fixture_folder_remove(f->folder);
        assert_ok(store_open(f->folder, STORE_OPEN_WRITE, &f->store, &err));
    }
}

static void test_store__temporary_files_are_found_and_removed(void **state)
{
    struct fixture *f = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/x.1234.tmp", f->folder);
    fclose(fopen(path, "w"));
    assert_int_equal(fixture_n_problems(f->store), 0);
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_int_equal(fixture_n_problems(f->store), 1);
    struct error err;
    assert_ok(store_compact(f->store, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    store_use_mem();
    const struct CMUnitTest tests[] = {
        TEST(test_store__gives_back_what_was_put),
        TEST(test_store__replaces_the_document_of_a_path),
        TEST(test_store__keeps_vectors_for_the_next_add),
        TEST(test_store__links_a_vector_that_comes_later),
        TEST(test_store__lists_chunks_without_a_vector),
        TEST(test_store__generation_counts_commits_that_change),
        TEST(test_store__keeps_named_values),
        TEST(test_store__a_reader_keeps_its_generation),
        TEST(test_store__scans_the_tail),
        TEST(test_store__paths_are_bytes),
        TEST(test_store__counts_collections_and_failures),
        TEST(test_store__checkpoint_empties_the_log),
        TEST(test_store__compact_gives_space_back),
        TEST(test_store__files_are_private),
        TEST(test_store__reading_makes_nothing),
        TEST(test_store__reads_in_a_read_only_folder),
        TEST(test_store__refuses_what_it_did_not_make),
        TEST(test_store__a_failed_change_can_not_be_committed),
        TEST(test_store__check_finds_planted_damage),
        TEST(test_store__temporary_files_are_found_and_removed),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
