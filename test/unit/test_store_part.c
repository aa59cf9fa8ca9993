/* Documents that come in parts: what a part adds, what stands between them, and what a stop leaves.
 */
#include "store_fixture.h"

#include "base/arena.h"

#define PART_BYTES 10
#define N_PARTS 4

/* Part `i` of document `number`; the last one has no chunk. */
static void part_init(struct fixture_document *f, struct store_part *part, int number, int i)
{
    fixture_document_init(f, number, 100 * number + 10 * i, i == N_PARTS - 1 ? 0 : (size_t)i + 1,
                          FIXTURE_WITHOUT_VECTORS);
    for (size_t k = 0; k < f->n_chunks; k++)
        f->chunks[k].byte_end = 9;
    *part = (struct store_part){.i = (uint64_t)i,
                                .part_bytes = PART_BYTES,
                                .n_lines = 100,
                                .n_bytes = 1000,
                                .is_last = i == N_PARTS - 1};
}

static bool put_part(struct store *store, int number, int i)
{
    struct error err;
    struct fixture_document f;
    struct store_part part;
    bool is_next = false;
    part_init(&f, &part, number, i);
    assert_ok(store_write_begin(store, &err));
    assert_ok(
        store_put_part(store, &f.document, &part, f.chunks, f.n_chunks, NULL, &is_next, &err));
    assert_ok(store_write_commit(store, &err));
    return is_next;
}

static struct store_document find(struct fixture_library *f, struct arena *arena, int number)
{
    struct error err;
    char path[64];
    struct store_document d;
    snprintf(path, sizeof path, "/doc/%06d", number);
    assert_ok(store_find_document(f->store, path, arena, &d, &err));
    return d;
}

static void assert_place(struct fixture_library *f, struct arena *arena, int64_t document_id,
                         uint32_t ord, uint32_t line, uint64_t byte_start)
{
    struct error err;
    struct store_passage p;
    assert_ok(store_get_neighbour(f->store, document_id, ord, arena, &p, &err));
    assert_int_equal(p.chunk.line, line);
    assert_int_equal(p.chunk.line_end, line + 1);
    assert_int_equal(p.chunk.byte_start, byte_start);
    assert_int_equal(p.chunk.byte_end, byte_start + 4);
}

static void test_part__adds_up_to_a_document(void **state)
{
    struct fixture_library *f = *state;
    struct arena arena = {0};
    struct error err;
    uint64_t part_bytes = 0;
    for (int i = 0; i < N_PARTS; i++) {
        assert_true(put_part(f->store, 1, i));
        struct store_document d = find(f, &arena, 1);
        bool is_last = i == N_PARTS - 1;
        assert_int_equal(d.state, is_last ? STORE_DOCUMENT_READY : STORE_DOCUMENT_PARTIAL);
        assert_string_equal(d.hash, is_last ? "abc" : "");
        assert_int_equal(d.n_parts, i + 1);
        assert_int_equal(d.n_chunks, is_last ? 6 : (i + 1) * (i + 2) / 2);
        assert_int_equal(store_get_part_bytes(f->store, d.id, &part_bytes, &err),
                         is_last ? STATUS_NOT_FOUND : STATUS_OK);
        assert_int_equal(fixture_n_problems(f->store), 0);
    }
    assert_int_equal(part_bytes, PART_BYTES);
    struct store_document d = find(f, &arena, 1);
    static const uint32_t first_ord[] = {0, 1, 3};
    for (uint32_t i = 0; i < 3; i++)
        assert_place(f, &arena, d.id, first_ord[i], 3 + 100 * i, 5 + 1000 * (uint64_t)i);
    struct store_counts counts;
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_partial, 0);
    assert_int_equal(counts.n_chunks, 6);
    arena_clear(&arena);
}

/* Two that are read at the same time share the ids; each goes whole, and only it. */
static void test_part__others_may_lie_between(void **state)
{
    struct fixture_library *f = *state;
    struct arena arena = {0};
    struct error err;
    for (int i = 0; i < N_PARTS - 1; i++) {
        assert_true(put_part(f->store, 1, i));
        assert_true(put_part(f->store, 2, i));
        fixture_must_save(f, 10 + i, 1000 + i, 1, FIXTURE_WITH_VECTORS);
        assert_int_equal(fixture_n_problems(f->store), 0);
    }
    struct store_counts counts;
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_partial, 2);
    assert_int_equal(counts.n_chunks, 15);
    assert_write(f, store_remove_document(f->store, find(f, &arena, 1).id, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_partial, 1);
    assert_int_equal(counts.n_chunks, 9);
    assert_int_equal(counts.n_tail, 9);
    assert_true(put_part(f->store, 2, N_PARTS - 1));
    assert_int_equal(fixture_n_problems(f->store), 0);
    size_t n = 0;
    assert_write(f, store_remove_all(f->store, &n, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    arena_clear(&arena);
}

/* Only the part that is waited for is taken, and only of the same file. */
static void test_part__takes_the_next_one_only(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    assert_false(put_part(f->store, 1, 1));
    assert_true(put_part(f->store, 1, 0));
    assert_false(put_part(f->store, 1, 2));
    assert_true(put_part(f->store, 1, 1));
    assert_false(put_part(f->store, 1, 1));
    for (int i = 0; i < 4; i++) {
        struct fixture_document d;
        struct store_part part;
        bool is_next = true;
        part_init(&d, &part, 1, 2);
        d.document.size_bytes += i == 0;
        d.document.inode -= i == 1;
        d.document.mtime_ns += i == 2;
        part.part_bytes += i == 3;
        assert_write(f, store_put_part(f->store, &d.document, &part, d.chunks, d.n_chunks, NULL,
                                       &is_next, &err));
        assert_false(is_next);
    }
    assert_true(put_part(f->store, 1, 2));
    assert_true(put_part(f->store, 1, 3));
    assert_false(put_part(f->store, 1, 3));
    assert_int_equal(fixture_n_problems(f->store), 0);
}

static void test_part__first_replaces_what_there_was(void **state)
{
    struct fixture_library *f = *state;
    struct arena arena = {0};
    struct error err;
    struct store_counts counts;
    fixture_must_save(f, 1, 10, 5, FIXTURE_WITH_VECTORS);
    int64_t id = find(f, &arena, 1).id;
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < N_PARTS - again; i++)
            assert_true(put_part(f->store, 1, i));
    assert_int_equal(find(f, &arena, 1).id, id);
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_chunks, 6);
    assert_int_equal(fixture_n_problems(f->store), 0);
    fixture_must_save(f, 1, 10, 5, FIXTURE_WITH_VECTORS);
    assert_int_equal(find(f, &arena, 1).n_parts, 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
    arena_clear(&arena);
}

/* The ids of a part are as good as any for a flush; what goes meanwhile is dead. */
static void test_part__goes_into_segments(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct arena arena = {0};
    static const int64_t taken[] = {1, 2, 3};
    assert_true(put_part(f->store, 1, 0));
    assert_true(put_part(f->store, 1, 1));
    fixture_must_save(f, 2, 50, 2, FIXTURE_WITHOUT_VECTORS);
    assert_true(put_part(f->store, 1, 2));
    struct store_segment segment = {
        .name = "a", .kind = STORE_KIND_LEXICAL, .n_rows = 3, .maker = ""};
    assert_write(f, store_put_segment(f->store, &segment, &err));
    assert_write(f, store_take_tail(f->store, STORE_KIND_LEXICAL, taken, 3, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_write(f, store_remove_document(f->store, find(f, &arena, 1).id, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    struct store_counts counts;
    assert_ok(store_count(f->store, &counts, &err));
    assert_int_equal(counts.n_tail, 2);
    arena_clear(&arena);
}

static void test_part__lines_end_at_the_last_number(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct arena arena = {0};
    for (int i = 0; i < 3; i++) {
        struct fixture_document d;
        struct store_part part;
        bool is_next = false;
        part_init(&d, &part, 1, i);
        if (i == 2)
            d.chunks[1].line = d.chunks[1].line_end = 0; /* none, whatever came before */
        part.n_lines = (uint64_t)1 << 31;
        part.n_bytes = (uint64_t)1 << 40;
        assert_write(f, store_put_part(f->store, &d.document, &part, d.chunks, d.n_chunks, NULL,
                                       &is_next, &err));
        assert_true(is_next);
    }
    int64_t id = find(f, &arena, 1).id;
    assert_place(f, &arena, id, 1, ((uint32_t)1 << 31) + 3, ((uint64_t)1 << 40) + 5);
    struct store_passage p;
    assert_ok(store_get_neighbour(f->store, id, 3, &arena, &p, &err));
    assert_int_equal(p.chunk.line, UINT32_MAX);
    struct store_passage without;
    assert_ok(store_get_neighbour(f->store, id, 4, &arena, &without, &err));
    assert_int_equal(without.chunk.line, 0);
    assert_int_equal(without.chunk.line_end, 0);
    assert_int_equal(p.chunk.byte_start, ((uint64_t)1 << 41) + 5);
    assert_int_equal(fixture_n_problems(f->store), 0);
    arena_clear(&arena);
}

/* It goes from its end on, whole ranges of ids, and is sound at each step. */
static void test_part__goes_in_steps(void **state)
{
    struct fixture_library *f = *state;
    struct error err;
    struct arena arena = {0};
    for (int i = 0; i < 3; i++) {
        assert_true(put_part(f->store, 1, i));
        fixture_must_save(f, 2, 50, 2, FIXTURE_WITHOUT_VECTORS);
    }
    int64_t id = find(f, &arena, 1).id;
    static const int64_t taken[] = {1, 4, 5};
    struct store_segment segment = {
        .name = "a", .kind = STORE_KIND_LEXICAL, .n_rows = 3, .maker = ""};
    assert_write(f, store_put_segment(f->store, &segment, &err));
    assert_write(f, store_take_tail(f->store, STORE_KIND_LEXICAL, taken, 3, &err));
    static const size_t left[] = {4, 2, 0, 0};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        size_t n = 99;
        uint64_t part_bytes = 99;
        assert_write(f, store_shrink_document(f->store, id, 2, &n, &err));
        struct store_document d = find(f, &arena, 1);
        assert_int_equal(n, left[i]);
        assert_int_equal(d.n_chunks, left[i]);
        assert_int_equal(d.state, STORE_DOCUMENT_PARTIAL);
        assert_ok(store_get_part_bytes(f->store, id, &part_bytes, &err));
        assert_int_equal(part_bytes, 0);
        assert_int_equal(fixture_n_problems(f->store), 0);
        assert_false(put_part(f->store, 1, 3));
    }
    fixture_must_save(f, 3, 70, 5, FIXTURE_WITHOUT_VECTORS);
    int64_t other = find(f, &arena, 3).id;
    size_t n = 0;
    assert_write(f, store_shrink_document(f->store, other, 2, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(fixture_n_problems(f->store), 0);
    assert_ok(store_write_begin(f->store, &err));
    assert_status(store_shrink_document(f->store, 77, 2, &n, &err), STATUS_NOT_FOUND);
    store_write_rollback(f->store);
    assert_write(f, store_remove_document(f->store, id, &err));
    assert_int_equal(fixture_n_problems(f->store), 0);
    arena_clear(&arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_part__adds_up_to_a_document),
        TEST(test_part__others_may_lie_between),
        TEST(test_part__takes_the_next_one_only),
        TEST(test_part__first_replaces_what_there_was),
        TEST(test_part__goes_in_steps),
        TEST(test_part__goes_into_segments),
        TEST(test_part__lines_end_at_the_last_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
