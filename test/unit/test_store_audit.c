/* The audit trail: what its rows say, that each commit has one, and that no byte of it can be
 * changed, no row taken out or put elsewhere without being found. */
#include "store_fixture.h"

#include <sqlite3.h>

/* ---- what is in it ---- */

struct trail {
    struct audit_row rows[64];
    size_t n;
};

static enum status keep_row(void *ctx, const struct audit_row *row, struct error *err)
{
    struct trail *trail = ctx;
    (void)err;
    assert_true(trail->n < 64);
    trail->rows[trail->n++] = *row;
    return STATUS_OK;
}

static struct trail *read_trail(struct store *store)
{
    struct error err;
    struct trail *trail = calloc(1, sizeof *trail);
    assert_ok(store_audit_each(store, keep_row, trail, &err));
    return trail;
}

static struct audit_row last_row(struct store *store)
{
    struct trail *trail = read_trail(store);
    assert_true(trail->n > 0);
    struct audit_row row = trail->rows[trail->n - 1];
    free(trail);
    return row;
}

static struct audit_verdict verify(struct store *store)
{
    struct error err;
    struct audit_verdict verdict;
    assert_ok(store_audit_verify(store, AUDIT_EXTENT_WHOLE, NULL, &verdict, &err));
    return verdict;
}

static void assert_sound(struct store *store)
{
    struct audit_verdict verdict = verify(store);
    if (verdict.is_broken)
        fail_msg("row %lld: %s", (long long)verdict.broken_sequence, verdict.why);
}

static void assert_counts(struct store *store, int64_t added, int64_t updated, int64_t removed,
                          int64_t failed)
{
    struct audit_row row = last_row(store);
    assert_int_equal(row.documents_added, added);
    assert_int_equal(row.documents_updated, updated);
    assert_int_equal(row.documents_removed, removed);
    assert_int_equal(row.documents_failed, failed);
    assert_sound(store);
}

static int64_t find_id(struct store *store, const char *path)
{
    struct error err;
    struct arena arena = {0};
    struct store_document document;
    assert_ok(store_find_document(store, path, &arena, &document, &err));
    arena_clear(&arena);
    return document.id;
}

static void test_audit__says_what_was_done(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct fixture_document d;
    assert_string_equal(last_row(f->store).command, "create");
    store_set_author(f->store, "add", 77);
    fixture_must_save(f, 1, 10, 3, FIXTURE_WITH_VECTORS);
    assert_counts(f->store, 1, 0, 0, 0);
    struct audit_row row = last_row(f->store);
    assert_string_equal(row.command, "add");
    assert_string_equal(row.collection, "default");
    assert_int_equal(row.run, 77);
    assert_int_equal(row.uid, geteuid());
    assert_int_equal(row.sequence, 2);
    assert_int_equal(row.passages_added, 3);
    assert_int_equal(row.vectors_added, 3);
    assert_int_equal(row.generation_before, 0);
    assert_int_equal(row.generation_after, 1);
    assert_true(row.time_ms > 1700000000000);
    fixture_must_save(f, 1, 20, 2, FIXTURE_WITH_VECTORS);
    assert_counts(f->store, 0, 1, 0, 0);
    assert_int_equal(last_row(f->store).passages_removed, 3);
    assert_int_equal(last_row(f->store).passages_added, 2);
    fixture_document_init(&d, 2, 30, 0, FIXTURE_WITHOUT_VECTORS);
    d.document.state = STORE_DOCUMENT_FAILED;
    d.document.error = "bad";
    d.document.collection = "other";
    assert_write(f, fixture_put(f->store, &d, &err));
    assert_counts(f->store, 0, 0, 0, 1);
    assert_string_equal(last_row(f->store).collection, "other");
    assert_write(f, store_remove_document(f->store, find_id(f->store, d.path), &err));
    assert_counts(f->store, 0, 0, 1, 0);
    assert_int_equal(last_row(f->store).passages_removed, 0);
    fixture_must_save(f, 3, 40, 2, FIXTURE_WITHOUT_VECTORS);
    assert_write(f, store_remove_document(f->store, find_id(f->store, "/doc/000003"), &err));
    assert_counts(f->store, 0, 0, 1, 0);
    assert_int_equal(last_row(f->store).passages_removed, 2);
    fixture_must_save(f, 3, 40, 2, FIXTURE_WITHOUT_VECTORS);
    size_t n;
    assert_write(f, store_remove_all(f->store, &n, &err));
    assert_counts(f->store, 0, 0, 2, 0);
    assert_int_equal(last_row(f->store).passages_removed, 4);
}

static void test_audit__several_collections_are_a_star(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct fixture_document a, b;
    fixture_document_init(&a, 1, 10, 1, FIXTURE_WITHOUT_VECTORS);
    fixture_document_init(&b, 2, 20, 1, FIXTURE_WITHOUT_VECTORS);
    b.document.collection = "other";
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(fixture_put(f->store, &a, &err));
    assert_ok(fixture_put(f->store, &b, &err));
    assert_ok(store_write_commit(f->store, &err));
    assert_string_equal(last_row(f->store).collection, "*");
    assert_counts(f->store, 2, 0, 0, 0);
}

/* ---- one row for each change, none for what is no change ---- */

static void test_audit__each_change_has_one_row(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    int64_t generation;
    for (int i = 0; i < 5; i++)
        fixture_must_save(f, i, 10 * i, 2, FIXTURE_WITH_VECTORS);
    assert_write(f, store_set_meta(f->store, "model", "m", &err));
    assert_write(f, store_set_meta(f->store, "model", "m", &err)); /* no change */
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_set_meta(f->store, "model", "n", &err));
    store_write_rollback(f->store);
    assert_ok(store_compact(f->store, &err));
    assert_ok(store_generation(f->store, &generation, &err));
    struct trail *trail = read_trail(f->store);
    assert_int_equal(generation, 6);
    assert_int_equal(trail->n, generation + 1); /* and the one that begins it */
    free(trail);
    assert_sound(f->store);
}

static void test_audit__settings_leave_the_generation(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct hash128 before, after;
    const struct store_settings settings = {
        .keys = "llm_model", .collection = "", .file_before = "", .file_after = "ab"};
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_state(f->store, &before, &err));
    assert_ok(store_audit_settings(f->store, &settings, &err));
    assert_ok(store_state(f->store, &after, &err));
    assert_memory_equal(&before, &after, sizeof before); /* no cache is lost for it */
    struct audit_row row = last_row(f->store);
    assert_string_equal(row.keys, "llm_model");
    assert_string_equal(row.file_after, "ab");
    assert_int_equal(row.generation_before, 1);
    assert_int_equal(row.generation_after, 1);
    assert_sound(f->store);
    fixture_must_save(f, 2, 20, 1, FIXTURE_WITH_VECTORS);
    assert_sound(f->store);
}

/* The same documents have the same state, whatever happened between. */
static void test_audit__state_is_of_the_documents(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    static const unsigned char zeros[HASH_SHA256_BYTES] = {0};
    size_t n;
    assert_memory_equal(last_row(f->store).state_after, zeros, sizeof zeros);
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    struct audit_row one = last_row(f->store);
    fixture_must_save(f, 2, 20, 2, FIXTURE_WITH_VECTORS);
    assert_memory_not_equal(last_row(f->store).state_after, one.state_after, sizeof zeros);
    assert_write(f, store_remove_document(f->store, find_id(f->store, "/doc/000002"), &err));
    assert_memory_equal(last_row(f->store).state_after, one.state_after, sizeof zeros);
    assert_write(f, store_shrink_document(f->store, find_id(f->store, "/doc/000001"), 1, &n, &err));
    assert_memory_not_equal(last_row(f->store).state_after, one.state_after, sizeof zeros);
    assert_sound(f->store);
    assert_write(f, store_remove_all(f->store, &n, &err));
    assert_memory_equal(last_row(f->store).state_after, zeros, sizeof zeros);
}

static enum status put_part(struct store *store, const struct fixture_document *d, uint64_t i,
                            struct error *err)
{
    const struct store_part part = {
        .i = i, .part_bytes = 10, .n_lines = 1, .n_bytes = 9, .is_last = i == 2};
    bool is_next = false;
    enum status status =
        store_put_part(store, &d->document, &part, d->chunks, d->n_chunks, NULL, &is_next, err);
    assert_true(status || is_next);
    return status;
}

static void test_audit__parts_are_one_document(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct fixture_document d;
    for (uint64_t i = 0; i < 3; i++) {
        fixture_document_init(&d, 1, 10 * (int)i, 2, FIXTURE_WITH_VECTORS);
        assert_write(f, put_part(f->store, &d, i, &err));
        assert_counts(f->store, i == 0, 0, 0, 0);
        assert_int_equal(last_row(f->store).passages_added, 2);
    }
    assert_write(f, put_part(f->store, &d, 0, &err));
    assert_counts(f->store, 0, 1, 0, 0);
    assert_int_equal(last_row(f->store).passages_removed, 6);
}

/* ---- lists ---- */

struct listed {
    struct audit_run runs[16];
    size_t n;
};

static enum status keep_run(void *ctx, const struct audit_run *run, struct error *err)
{
    struct listed *listed = ctx;
    (void)err;
    assert_true(listed->n < 16);
    listed->runs[listed->n++] = *run;
    return STATUS_OK;
}

static void test_audit__a_run_is_one_entry(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct listed listed = {0}, every = {0}, last = {0}, other = {0}, none = {0};
    store_set_author(f->store, "add", 5);
    for (int i = 0; i < 3; i++)
        fixture_must_save(f, i, 10 * i, 2, FIXTURE_WITH_VECTORS);
    store_set_author(f->store, "remove", 6);
    assert_write(f, store_remove_document(f->store, find_id(f->store, "/doc/000001"), &err));
    const struct audit_filter all = {.n_max = 16};
    assert_ok(store_audit_list(f->store, &all, keep_run, &listed, &err));
    assert_int_equal(listed.n, 3);
    assert_string_equal(listed.runs[0].row.command, "remove");
    const struct audit_run *add = &listed.runs[1];
    assert_string_equal(add->row.command, "add");
    assert_int_equal(add->n_rows, 3);
    assert_int_equal(add->first_sequence, 2);
    assert_int_equal(add->row.sequence, 4);
    assert_int_equal(add->row.documents_added, 3);
    assert_int_equal(add->row.passages_added, 6);
    assert_int_equal(add->row.generation_before, 0);
    assert_int_equal(add->row.generation_after, 3);
    assert_memory_equal(add->row.state_after, listed.runs[0].row.state_before, HASH_SHA256_BYTES);
    const struct audit_filter rows = {.n_max = 16, .is_every_row = true};
    assert_ok(store_audit_list(f->store, &rows, keep_run, &every, &err));
    assert_int_equal(every.n, 5);
    assert_ok(
        store_audit_list(f->store, &(struct audit_filter){.n_max = 1}, keep_run, &last, &err));
    assert_int_equal(last.n, 1);
    const struct audit_filter elsewhere = {.n_max = 16, .collection = "elsewhere"};
    assert_ok(store_audit_list(f->store, &elsewhere, keep_run, &other, &err));
    assert_int_equal(other.n, 0);
    const struct audit_filter later = {.n_max = 16, .since_ms = INT64_MAX};
    assert_ok(store_audit_list(f->store, &later, keep_run, &none, &err));
    assert_int_equal(none.n, 0);
}

/* ---- tampering ---- */

static sqlite3 *open_raw(struct fixture_library *f)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/ragged.db", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_wal_autocheckpoint(db, 0); /* pages without checksums stay in the log */
    return db;
}

static void tamper(struct fixture_library *f, const char *sql)
{
    char *message = NULL;
    sqlite3 *db = open_raw(f);
    if (sqlite3_exec(db, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void assert_broken_at(struct fixture_library *f, int64_t sequence, const char *sql)
{
    struct audit_verdict verdict = verify(f->store);
    if (!verdict.is_broken || verdict.broken_sequence != sequence || !verdict.why[0])
        fail_msg("after %s: row %lld: \"%s\"", sql, (long long)verdict.broken_sequence,
                 verdict.why);
    assert_true(fixture_n_problems(f->store) > 0);
}

static void write_five(struct fixture_library *f)
{
    struct error err;
    for (int i = 0; i < 4; i++)
        fixture_must_save(f, i, 10 * i, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_audit_settings(
        f->store,
        &(struct store_settings){
            .keys = "threads", .collection = "c", .file_before = "0a", .file_after = "0b"},
        &err));
    assert_sound(f->store);
}

/* Twice the same gives it back. */
static void flip(sqlite3 *db, size_t byte, unsigned char mask)
{
    sqlite3_stmt *get, *set;
    unsigned char row[AUDIT_PACKED_BYTES];
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT row FROM audit WHERE sequence = 6", -1, &get, 0), SQLITE_OK);
    assert_int_equal(sqlite3_step(get), SQLITE_ROW);
    size_t len = (size_t)sqlite3_column_bytes(get, 0);
    memcpy(row, sqlite3_column_blob(get, 0), len);
    sqlite3_finalize(get);
    row[byte] ^= mask;
    assert_int_equal(
        sqlite3_prepare_v2(db, "UPDATE audit SET row = ? WHERE sequence = 6", -1, &set, 0),
        SQLITE_OK);
    sqlite3_bind_blob(set, 1, row, (int)len, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(set), SQLITE_DONE);
    sqlite3_finalize(set);
}

static void test_audit__each_changed_byte_is_found(void **state)
{
    struct fixture_library *f = *state;
    unsigned char packed[AUDIT_PACKED_BYTES];
    char what[64];
    write_five(f);
    struct audit_row row = last_row(f->store);
    size_t len = audit_row_pack(&row, packed);
    sqlite3 *db = open_raw(f);
    for (size_t byte = 0; byte < len; byte++)
        for (unsigned bit = byte % 2; bit < 8; bit += 3) {
            snprintf(what, sizeof what, "byte %zu, bit %u", byte, bit);
            flip(db, byte, (unsigned char)(1u << bit));
            assert_broken_at(f, 6, what);
            flip(db, byte, (unsigned char)(1u << bit));
            assert_sound(f->store);
        }
    sqlite3_close(db);
    assert_true(len > 4 * HASH_SHA256_BYTES);
}

/* Sets the link that belongs to the row. */
static void insert_linked(struct fixture_library *f, struct audit_row *row)
{
    sqlite3 *db = open_raw(f);
    sqlite3_stmt *add;
    unsigned char packed[AUDIT_PACKED_BYTES];
    audit_row_link(row, row->link);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO audit VALUES(?, ?, ?)", -1, &add, 0),
                     SQLITE_OK);
    sqlite3_bind_int64(add, 1, row->sequence);
    sqlite3_bind_int64(add, 2, row->run);
    sqlite3_bind_blob(add, 3, packed, (int)audit_row_pack(row, packed), SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(add), SQLITE_DONE);
    sqlite3_finalize(add);
    sqlite3_close(db);
}

/* Rows as only a hostile hand would leave them: chained rightly, with numbers that overflow. */
static void test_audit__hostile_numbers(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct listed listed = {0};
    const struct audit_filter all = {.n_max = 16};
    struct audit_row row = last_row(f->store);
    row.run = 3;
    row.time_ms = INT64_MAX;
    row.passages_added = row.documents_added = INT64_MAX;
    row.generation_before = INT64_MAX;
    row.generation_after = INT64_MIN;
    for (int64_t i = 2; i < 6; i++) {
        row.sequence = i < 5 ? i : INT64_MAX;
        memcpy(row.previous, row.link, sizeof row.link);
        insert_linked(f, &row);
    }
    assert_broken_at(f, 2, "hostile rows");
    assert_ok(store_audit_list(f->store, &all, keep_run, &listed, &err));
    assert_int_equal(listed.n, 2);
    assert_int_equal(listed.runs[0].n_rows, 4);
}

/* Hashes that are right do not make a row right. */
static void test_audit__a_linked_row_has_to_follow(void **state)
{
    struct fixture_library *f = *state;
    write_five(f);
    struct audit_row last = last_row(f->store);
    struct audit_row next = last;
    next.sequence++;
    next.generation_before = next.generation_after;
    memcpy(next.state_before, next.state_after, sizeof next.state_before);
    memcpy(next.previous, last.link, sizeof next.previous);
    struct audit_row rows[6];
    for (size_t i = 0; i < 6; i++)
        rows[i] = next;
    rows[1].sequence++;
    rows[2].previous[0] ^= 1;
    rows[3].generation_before--;
    rows[4].generation_after += 2;
    rows[5].state_before[0] ^= 1;
    for (size_t i = 0; i < 6; i++) {
        char what[32];
        snprintf(what, sizeof what, "row %zu", i);
        insert_linked(f, &rows[i]);
        if (i == 0)
            assert_sound(f->store);
        else
            assert_broken_at(f, rows[i].sequence, what);
        tamper(f, "DELETE FROM audit WHERE sequence > 6");
    }
}

/* Its first row changes nothing, and begins with zeros. */
static void test_audit__a_trail_has_a_beginning(void **state)
{
    struct fixture_library *f = *state;
    struct audit_row first = last_row(f->store);
    tamper(f, "DELETE FROM audit; UPDATE library SET generation = 1");
    first.generation_after = 1;
    insert_linked(f, &first);
    assert_broken_at(f, 1, "a first row that changes something");
    tamper(f, "DELETE FROM audit");
    first.generation_before = 1;
    insert_linked(f, &first);
    assert_sound(f->store);
    tamper(f, "DELETE FROM audit");
    first.previous[31] = 1;
    insert_linked(f, &first);
    assert_broken_at(f, 1, "a first row that follows something");
}

static void test_audit__rows_that_go_or_move_are_found(void **state)
{
    struct fixture_library *f = *state;
    static const struct {
        const char *sql;
        int64_t broken_sequence;
    } cases[] = {
        {"DELETE FROM audit WHERE sequence = 1", 2},
        {"DELETE FROM audit WHERE sequence = 3", 4},
        {"DELETE FROM audit WHERE sequence IN (3, 4)", 5},
        {"DELETE FROM audit WHERE sequence >= 5", 0},
        {"DELETE FROM audit", 0},
        {"UPDATE audit SET sequence = 60 WHERE sequence = 3", 4},
        {"UPDATE audit SET sequence = -sequence WHERE sequence IN (3, 4);"
         "UPDATE audit SET sequence = 7 + sequence WHERE sequence < 0",
         3},
        {"UPDATE audit SET sequence = sequence + 1 WHERE sequence = 6", 7},
        {"INSERT INTO audit SELECT 7, run, row FROM audit WHERE sequence = 6", 7},
        {"UPDATE audit SET run = run + 1 WHERE sequence = 2", 2},
        {"UPDATE audit SET row = x'00' WHERE sequence = 2", 2},
        {"UPDATE audit SET row = zeroblob(length(row)) WHERE sequence = 2", 2},
        {"UPDATE audit SET row = (SELECT row FROM audit WHERE sequence = 3) WHERE sequence = 2", 2},
        {"UPDATE library SET generation = generation + 1", 0},
        {"UPDATE documents SET collection = 'mine' WHERE id = 2", 0},
        {"UPDATE documents SET hash = 'abd' WHERE id = 2", 0},
        {"UPDATE documents SET path = CAST('/doc/other' AS BLOB) WHERE id = 2", 0},
    };
    write_five(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tamper(f, "CREATE TABLE kept AS SELECT * FROM audit;"
                  "CREATE TABLE kept_documents AS SELECT * FROM documents;"
                  "CREATE TABLE kept_library AS SELECT * FROM library");
        tamper(f, cases[i].sql);
        assert_broken_at(f, cases[i].broken_sequence, cases[i].sql);
        tamper(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept;"
                  "INSERT OR REPLACE INTO documents SELECT * FROM kept_documents;"
                  "DROP TABLE kept_documents;"
                  "DELETE FROM library; INSERT INTO library SELECT * FROM kept_library;"
                  "DROP TABLE kept_library");
        assert_sound(f->store);
    }
}

/* Nobody is kept from working by a trail that is broken, and nobody's work mends it. */
static void test_audit__a_break_stays(void **state)
{
    struct fixture_library *f = *state;
    static const char *const cases[] = {"DELETE FROM audit WHERE sequence = 6",
                                        "UPDATE audit SET row = x'00' WHERE sequence = 5",
                                        "DELETE FROM audit"};
    write_five(f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tamper(f, cases[i]);
        fixture_must_save(f, 10 + (int)i, 100, 1, FIXTURE_WITH_VECTORS);
        fixture_must_save(f, 10 + (int)i, 110, 1, FIXTURE_WITH_VECTORS);
        assert_true(i == 0 || verify(f->store).is_broken);
    }
    struct error err;
    struct listed listed = {0};
    const struct audit_filter all = {.n_max = 16, .is_every_row = true};
    assert_ok(store_audit_list(f->store, &all, keep_run, &listed, &err));
    assert_int_equal(listed.n, 2);
}

/* Who rewrites the end of the trail with all its hashes is found by who noted a link. */
static void test_audit__a_noted_link_is_looked_for(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct audit_verdict verdict;
    char noted[HASH_SHA256_HEX];
    write_five(f);
    struct audit_row row = last_row(f->store);
    hash_hex(row.link, sizeof row.link, noted);
    fixture_must_save(f, 20, 100, 1, FIXTURE_WITH_VECTORS);
    assert_ok(store_audit_verify(f->store, AUDIT_EXTENT_WHOLE, noted, &verdict, &err));
    assert_true(verdict.has_link && !verdict.is_broken);
    noted[5] = noted[5] == '0' ? '1' : '0';
    assert_ok(store_audit_verify(f->store, AUDIT_EXTENT_WHOLE, noted, &verdict, &err));
    assert_false(verdict.has_link || verdict.is_broken);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_audit__says_what_was_done),
        TEST(test_audit__several_collections_are_a_star),
        TEST(test_audit__each_change_has_one_row),
        TEST(test_audit__settings_leave_the_generation),
        TEST(test_audit__state_is_of_the_documents),
        TEST(test_audit__parts_are_one_document),
        TEST(test_audit__a_run_is_one_entry),
        TEST(test_audit__each_changed_byte_is_found),
        TEST(test_audit__hostile_numbers),
        TEST(test_audit__a_linked_row_has_to_follow),
        TEST(test_audit__a_trail_has_a_beginning),
        TEST(test_audit__rows_that_go_or_move_are_found),
        TEST(test_audit__a_break_stays),
        TEST(test_audit__a_noted_link_is_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
