/* What indexes rest on: which chunk is where, and what is dead. */
#include "store_fixture.h"

static void remove_document(struct fixture_library *f, int number)
{
    struct arena arena = {0};
    struct store_document document;
    struct error err;
    char path[64];
    snprintf(path, sizeof path, "/doc/%06d", number);
    assert_ok(store_find_document(f->store, path, &arena, &document, &err));
    assert_write(f, store_remove_document(f->store, document.id, &err));
    arena_clear(&arena);
}

static void put_segment(struct fixture_library *f, enum store_kind kind, const char *name,
                        size_t n_rows)
{
    struct error err;
    struct store_segment segment = {
        .name = name,
        .kind = kind,
        .n_rows = n_rows,
        .size_bytes = UINT64_MAX,
        .inode = 7,
        .mtime_ns = -8,
        .checksum = 0xFEDCBA9876543210,
        .maker = "maker",
    };
    assert_write(f, store_put_segment(f->store, &segment, &err));
}

/* What a flush does: a segment, and the rows it took. */
static void flush(struct fixture_library *f, enum store_kind kind, const char *name, int64_t first,
                  size_t n)
{
    struct error err;
    int64_t ids[16];
    for (size_t i = 0; i < n; i++)
        ids[i] = first + (int64_t)i;
    put_segment(f, kind, name, n);
    assert_write(f, store_take_tail(f->store, kind, ids, n, &err));
}

/* ---- everything that is listed, as one line ---- */

static enum status show_dead(void *ctx, int64_t first, int64_t end, struct error *err)
{
    (void)err;
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "[%d,%d)", (int)first, (int)end);
    return STATUS_OK;
}

static enum status show_row(void *ctx, const struct store_tail_row *row, struct error *err)
{
    (void)err;
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "%d:%d ", (int)row->chunk_id,
             (int)row->document_id);
    return STATUS_OK;
}

static enum status show_vector_row(void *ctx, const struct store_vector_row *row, struct error *err)
{
    (void)err;
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "%d:%d@%d ", (int)row->chunk_id,
             (int)row->document_id, (int)row->slot);
    return STATUS_OK;
}

static enum status show_missing(void *ctx, int64_t chunk_id, struct error *err)
{
    (void)err;
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "%d ", (int)chunk_id);
    return STATUS_OK;
}

/* "tail | vector tail | missing | dead of words | dead of vectors" */
static void assert_index(struct fixture_library *f, const char *expected)
{
    struct error err;
    char text[256] = "";
    size_t n_tail, n_vector_tail;
    assert_ok(store_read_begin(f->store, &err));
    assert_ok(store_each_tail(f->store, 0, SIZE_MAX, show_row, text, &err));
    strcat(text, "| ");
    assert_ok(store_each_vector_tail(f->store, 0, SIZE_MAX, show_vector_row, text, &err));
    strcat(text, "| ");
    assert_ok(store_each_missing_id(f->store, show_missing, text, &err));
    strcat(text, "| ");
    assert_ok(store_each_dead(f->store, STORE_KIND_LEXICAL, show_dead, text, &err));
    strcat(text, "| ");
    assert_ok(store_each_dead(f->store, STORE_KIND_VECTOR, show_dead, text, &err));
    assert_ok(store_count_tail(f->store, &n_tail, &n_vector_tail, &err));
    store_read_end(f->store);
    assert_string_equal(text, expected);
    for (const char *at = text; *at; at++) {
        n_tail -= *at == ':' && strchr(at, '|') - text <= strchr(text, '|') - text;
        n_vector_tail -= *at == '@';
    }
    assert_int_equal(n_tail, 0);
    assert_int_equal(n_vector_tail, 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_store_index__chunk_ids_are_never_used_twice(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    size_t n;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 1, FIXTURE_WITH_VECTORS);
    assert_index(f, "1:1 2:1 3:2 | 1:1@0 2:1@1 3:2@2 | | | ");
    remove_document(f, 2);
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    assert_index(f, "4:1 5:1 | 4:1@0 5:1@1 | | | ");
    assert_write(f, store_remove_all(f->store, &n, &err));
    assert_index(f, "| | | | ");
    fixture_must_save(f, 3, 30, 1, FIXTURE_WITHOUT_VECTORS);
    assert_index(f, "6:1 | | 6 | | ");
}

static void test_store_index__a_segment_takes_rows(void **state)
{
    struct fixture_library *f = *state;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 2, FIXTURE_WITHOUT_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 2);
    assert_index(f, "3:2 4:2 | 1:1@0 2:1@1 | 3 4 | | ");
    flush(f, STORE_KIND_VECTOR, "b", 1, 2);
    assert_index(f, "3:2 4:2 | | 3 4 | | ");
    flush(f, STORE_KIND_LEXICAL, "c", 3, 2);
    assert_index(f, "| | 3 4 | | ");
}

static void test_store_index__what_goes_is_dead_where_it_was_in_a_segment(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 2, FIXTURE_WITHOUT_VECTORS);
    fixture_must_save(f, 3, 30, 2, FIXTURE_WITH_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 4);
    flush(f, STORE_KIND_VECTOR, "b", 1, 2);
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    assert_index(f, "5:3 6:3 7:1 | 5:3@2 6:3@3 7:1@0 | 3 4 | [1,3)| [1,3)");
    remove_document(f, 2);
    remove_document(f, 3);
    assert_index(f, "7:1 | 7:1@0 | | [1,3)[3,5)| [1,3)");
    assert_write(f, store_remove_dead(f->store, STORE_KIND_LEXICAL, 3, &err));
    assert_write(f, store_remove_dead(f->store, STORE_KIND_LEXICAL, 99, &err));
    assert_index(f, "7:1 | 7:1@0 | | [1,3)| [1,3)");
}

static void test_store_index__rows_that_went_while_a_segment_was_made_are_dead(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 3, FIXTURE_WITH_VECTORS);
    remove_document(f, 1);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 2);
    assert_index(f, "3:2 4:2 5:2 | 3:2@2 4:2@3 5:2@4 | | [1,3)| ");
    /* Not all of the rows, and not neighbours. */
    int64_t ids[] = {3, 5};
    put_segment(f, STORE_KIND_VECTOR, "b", 2);
    assert_write(f, store_take_tail(f->store, STORE_KIND_VECTOR, ids, 2, &err));
    assert_index(f, "3:2 4:2 5:2 | 4:2@3 | | [1,3)| ");
    remove_document(f, 2);
    assert_index(f, "| | | [1,3)| [3,6)");
}

static void test_store_index__a_row_is_taken_once(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    int64_t ids[] = {1, 2};
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 2);
    assert_ok(store_write_begin(f->store, &err));
    assert_status(store_take_tail(f->store, STORE_KIND_LEXICAL, ids, 2, &err), STATUS_INVALID);
    assert_status(store_write_commit(f->store, &err), STATUS_INVALID);
    assert_write(f, store_remove_vectors(f->store, &err));
    assert_ok(store_write_begin(f->store, &err));
    assert_status(store_take_tail(f->store, STORE_KIND_VECTOR, ids, 2, &err), STATUS_INVALID);
    store_write_rollback(f->store);
    assert_index(f, "| | 1 2 | | ");
}

static void test_store_index__a_segment_is_given_up(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    static const char terms[] = {3, 'o', 'n', 'e', 3};
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 2);
    flush(f, STORE_KIND_VECTOR, "b", 1, 2);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_remove_segment(f->store, "a", &err));
    assert_ok(store_remove_segment(f->store, "b", &err));
    assert_status(store_remove_segment(f->store, "b", &err), STATUS_NOT_FOUND);
    for (int64_t id = 1; id <= 2; id++) {
        assert_ok(store_put_tail_row(f->store, id, 1, terms, sizeof terms, 3, &err));
        assert_ok(store_put_tail_row(f->store, id, 1, terms, sizeof terms, 3, &err));
        assert_ok(store_put_vector_tail_row(f->store, id, 1, &err));
        assert_ok(store_put_vector_tail_row(f->store, id, 1, &err));
    }
    assert_status(store_put_tail_row(f->store, 3, 1, terms, sizeof terms, 3, &err),
                  STATUS_NOT_FOUND);
    assert_status(store_put_tail_row(f->store, 2, 7, terms, sizeof terms, 3, &err),
                  STATUS_NOT_FOUND);
    assert_status(store_put_vector_tail_row(f->store, 3, 1, &err), STATUS_NOT_FOUND);
    assert_ok(store_write_commit(f->store, &err));
    assert_index(f, "1:1 2:1 | 1:1@0 2:1@1 | | | ");
}

static void test_store_index__removing_vectors_gives_vector_segments_up(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 2, FIXTURE_WITH_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 1, 2);
    flush(f, STORE_KIND_VECTOR, "b", 1, 2);
    fixture_must_save(f, 1, 10, 1, FIXTURE_WITH_VECTORS);
    assert_write(f, store_remove_vectors(f->store, &err));
    assert_index(f, "3:2 4:2 5:1 | | 3 4 5 | [1,3)| ");
    struct store_counts counts;
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_segments, 1);
    /* The twin gets it when it is linked. */
    fixture_must_save(f, 3, 20, 1, FIXTURE_WITH_VECTORS);
    assert_index(f, "3:2 4:2 5:1 6:3 | 6:3@0 | 3 4 5 | [1,3)| ");
    assert_write(f, store_link_vector(f->store, 3, &err));
    assert_index(f, "3:2 4:2 5:1 6:3 | 3:2@0 6:3@0 | 4 5 | [1,3)| ");
}

static enum status show_segment(void *ctx, const struct store_segment *segment, struct error *err)
{
    (void)err;
    char *text = ctx;
    assert_true(segment->size_bytes == UINT64_MAX);
    assert_int_equal(segment->inode, 7);
    assert_int_equal(segment->mtime_ns, -8);
    assert_true(segment->checksum == 0xFEDCBA9876543210);
    assert_string_equal(segment->maker, "maker");
    snprintf(text + strlen(text), 200 - strlen(text), "%d/%s/%zu ", segment->kind, segment->name,
             segment->n_rows);
    return STATUS_OK;
}

static void test_store_index__lists_segments(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    char text[200] = "";
    size_t n;
    put_segment(f, STORE_KIND_VECTOR, "a", 1);
    put_segment(f, STORE_KIND_LEXICAL, "c", 2);
    put_segment(f, STORE_KIND_LEXICAL, "b", 3);
    put_segment(f, STORE_KIND_LEXICAL, "b", 4);
    assert_ok(store_each_segment(f->store, show_segment, text, &err));
    assert_string_equal(text, "1/b/4 1/c/2 2/a/1 ");
    assert_write(f, store_remove_all(f->store, &n, &err));
    *text = '\0';
    assert_ok(store_each_segment(f->store, show_segment, text, &err));
    assert_string_equal(text, "");
}

static enum status show_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                              const struct store_chunk *chunk, struct error *err)
{
    (void)err;
    char *text = ctx;
    struct hash128 hash = fixture_hash(chunk->text);
    assert_memory_equal(hash.bytes, chunk->hash.bytes, sizeof hash.bytes);
    assert_string_equal(chunk->heading, "heading");
    snprintf(text + strlen(text), 200 - strlen(text), "%d:%d %s, ", (int)chunk_id, (int)document_id,
             chunk->text);
    return STATUS_OK;
}

static enum status show_range(void *ctx, int64_t document_id, int64_t first, int64_t end,
                              struct error *err)
{
    (void)err;
    char *text = ctx;
    snprintf(text + strlen(text), 200 - strlen(text), "%d[%d,%d) ", (int)document_id, (int)first,
             (int)end);
    return STATUS_OK;
}

static void test_store_index__lists_all_chunks(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    char text[200] = "";
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 2, 20, 2, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 3, 0, 0, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 1, 11, 1, FIXTURE_WITH_VECTORS);
    flush(f, STORE_KIND_LEXICAL, "a", 3, 1);
    assert_ok(store_each_chunk(f->store, 0, SIZE_MAX, show_chunk, text, &err));
    assert_string_equal(text, "3:2 text 20, 4:2 text 21, 5:1 text 11, ");
    *text = '\0';
    assert_ok(store_each_chunk(f->store, 3, 1, show_chunk, text, &err));
    assert_string_equal(text, "4:2 text 21, ");
    *text = '\0';
    assert_ok(store_each_chunk_run(f->store, show_range, text, &err));
    assert_string_equal(text, "2[3,5) 1[5,6) ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    store_use_mem();
    const struct CMUnitTest tests[] = {
        TEST(test_store_index__chunk_ids_are_never_used_twice),
        TEST(test_store_index__a_segment_takes_rows),
        TEST(test_store_index__what_goes_is_dead_where_it_was_in_a_segment),
        TEST(test_store_index__rows_that_went_while_a_segment_was_made_are_dead),
        TEST(test_store_index__a_row_is_taken_once),
        TEST(test_store_index__a_segment_is_given_up),
        TEST(test_store_index__removing_vectors_gives_vector_segments_up),
        TEST(test_store_index__lists_segments),
        TEST(test_store_index__lists_all_chunks),
    };
    return cmocka_run_group_tests_name("store_index", tests, NULL, NULL);
}
