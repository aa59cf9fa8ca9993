/* Each call on a library by itself: stopped by whoever it calls, with an id that is nobody's, and
 * with each of its statements and allocations failing. test_store_fault does whole commands. */
#include "store_fixture.h"

#include "base/fault.h"

/* --- calls that read --- */

/* What each() is called with. */
struct walk {
    size_t n;
    bool stops;
};

static enum status step(void *ctx, struct error *err)
{
    struct walk *walk = ctx;
    walk->n++;
    return walk->stops ? error_set(err, STATUS_CANCELLED, "enough") : STATUS_OK;
}

static enum status see_document(void *ctx, const struct store_document *document, struct error *err)
{
    return *document->path ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_path(void *ctx, const char *path, struct error *err)
{
    return *path ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_collection(void *ctx, const char *collection, size_t n, struct error *err)
{
    return *collection && n ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_missing(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                               struct error *err)
{
    return chunk_id && *chunk->text ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_id(void *ctx, int64_t chunk_id, struct error *err)
{
    return chunk_id ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_segment(void *ctx, const struct store_segment *segment, struct error *err)
{
    return *segment->name ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_dead(void *ctx, int64_t first, int64_t end, struct error *err)
{
    return first < end ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_tail(void *ctx, const struct store_tail_row *row, struct error *err)
{
    return row->n_terms ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    return row->chunk_id ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                             const struct store_chunk *chunk, struct error *err)
{
    return chunk_id && document_id && *chunk->text ? step(ctx, err) : STATUS_CRASHED;
}

static enum status see_run(void *ctx, int64_t document_id, int64_t first, int64_t end,
                           struct error *err)
{
    return document_id && first < end ? step(ctx, err) : STATUS_CRASHED;
}

typedef enum status (*walker)(struct store *store, struct walk *walk, struct error *err);

static enum status walk_documents(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_document(store, see_document, walk, err);
}

static enum status walk_paths(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_path(store, see_path, walk, err);
}

static enum status walk_collections(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_collection(store, see_collection, walk, err);
}

static enum status walk_missing(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_missing_vector(store, 0, SIZE_MAX, see_missing, walk, err);
}

static enum status walk_missing_ids(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_missing_id(store, see_id, walk, err);
}

static enum status walk_segments(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_segment(store, see_segment, walk, err);
}

static enum status walk_dead(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_dead(store, STORE_KIND_LEXICAL, see_dead, walk, err);
}

static enum status walk_tail(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_tail(store, 0, SIZE_MAX, see_tail, walk, err);
}

static enum status walk_vector_tail(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_vector_tail(store, 0, SIZE_MAX, see_vector, walk, err);
}

static enum status walk_chunks(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_chunk(store, 0, SIZE_MAX, see_chunk, walk, err);
}

static enum status walk_runs(struct store *store, struct walk *walk, struct error *err)
{
    return store_each_chunk_run(store, see_run, walk, err);
}

static const struct {
    const char *name;
    walker walk;
    size_t n; /* in the library of make_library() */
} walks[] = {
    {"documents", walk_documents, 3},
    {"paths", walk_paths, 3},
    {"collections", walk_collections, 1},
    {"missing vectors", walk_missing, 2},
    {"ids of missing vectors", walk_missing_ids, 2},
    {"segments", walk_segments, 1},
    {"dead rows", walk_dead, 1},
    {"tail", walk_tail, 6},
    {"vector tail", walk_vector_tail, 6},
    {"chunks", walk_chunks, 8},
    {"runs of chunks", walk_runs, 3},
};
enum { N_WALKS = sizeof walks / sizeof walks[0] };

/* Documents of 2, 3 and 3 passages: the first in a segment, the last one once replaced in one. */
static void make_library(struct fixture_library *f)
{
    struct error err;
    static const int64_t first[] = {1, 2}, third[] = {6, 7, 8};
    struct store_segment segment = {
        .name = "a", .kind = STORE_KIND_LEXICAL, .n_rows = 5, .maker = "test"};
    fixture_must_save(f, 1, 10, 2, FIXTURE_WITHOUT_VECTORS);
    fixture_must_save(f, 2, 20, 3, FIXTURE_WITH_VECTORS);
    fixture_must_save(f, 3, 30, 3, FIXTURE_WITH_VECTORS);
    assert_ok(store_write_begin(f->store, &err));
    assert_ok(store_put_segment(f->store, &segment, &err));
    assert_ok(store_take_tail(f->store, STORE_KIND_LEXICAL, first, 2, &err));
    assert_ok(store_take_tail(f->store, STORE_KIND_LEXICAL, third, 3, &err));
    assert_ok(store_write_commit(f->store, &err));
    fixture_must_save(f, 3, 30, 3, FIXTURE_WITH_VECTORS);
}

static void test_store_steps__a_walk_ends_when_it_is_told_to(void **state)
{
    struct fixture_library *f = *state;
    struct error err = {0};
    make_library(f);
    assert_ok(store_read_begin(f->store, &err));
    for (size_t i = 0; i < N_WALKS; i++) {
        struct walk all = {0}, one = {.stops = true};
        enum status status = walks[i].walk(f->store, &all, &err);
        if (status || all.n != walks[i].n)
            fail_msg("%s: %zu (%s)", walks[i].name, all.n, status_name(status));
        assert_status(walks[i].walk(f->store, &one, &err), STATUS_CANCELLED);
        assert_int_equal(one.n, 1);
        assert_string_equal(err.message, "enough");
    }
    store_read_end(f->store);
}

/* --- calls that change --- */

static enum status touch(struct store *store, int64_t id, struct error *err)
{
    return store_touch_document(store, id, 7, 8, 9, err);
}

static enum status shrink(struct store *store, int64_t id, struct error *err)
{
    size_t n;
    return store_shrink_document(store, id, 1, &n, err);
}

static enum status remove_all(struct store *store, int64_t id, struct error *err)
{
    size_t n;
    (void)id;
    return store_remove_all(store, &n, err);
}

static enum status remove_vectors(struct store *store, int64_t id, struct error *err)
{
    (void)id;
    return store_remove_vectors(store, err);
}

static enum status give_rows_back(struct store *store, int64_t id, struct error *err)
{
    (void)id;
    static const char terms[] = {3, 'o', 'n', 'e', 3};
    enum status status = store_put_tail_row(store, 1, 1, terms, sizeof terms, 3, err);
    if (!status)
        status = store_put_tail_row(store, 2, 1, terms, sizeof terms, 3, err);
    if (!status)
        status = store_remove_dead(store, STORE_KIND_LEXICAL, 6, err);
    return status ? status : store_remove_segment(store, "a", err);
}

static const struct {
    const char *name;
    enum status (*change)(struct store *store, int64_t id, struct error *err);
    bool is_of_a_document;
} changes[] = {
    {"touch", touch, true},
    {"remove", store_remove_document, true},
    {"shrink", shrink, true},
    {"remove all", remove_all, false},
    {"remove vectors", remove_vectors, false},
    {"give rows back", give_rows_back, false},
};
enum { N_CHANGES = sizeof changes / sizeof changes[0] };

static void test_store_steps__nobodys_id_is_not_found(void **state)
{
    struct fixture_library *f = *state;
    struct error err = {0};
    struct arena arena = {0};
    struct store_document document;
    struct store_passage passage;
    uint64_t n_bytes;
    make_library(f);
    assert_ok(store_write_begin(f->store, &err));
    for (size_t i = 0; i < N_CHANGES; i++)
        if (changes[i].is_of_a_document)
            assert_status(changes[i].change(f->store, 99, &err), STATUS_NOT_FOUND);
    assert_status(store_put_tail_row(f->store, 99, 1, "", 0, 0, &err), STATUS_NOT_FOUND);
    assert_status(store_put_vector_tail_row(f->store, 99, 1, &err), STATUS_NOT_FOUND);
    assert_status(store_remove_segment(f->store, "b", &err), STATUS_NOT_FOUND);
    assert_ok(store_write_commit(f->store, &err));
    assert_status(store_get_document(f->store, 99, &arena, &document, &err), STATUS_NOT_FOUND);
    assert_status(store_get_part_bytes(f->store, 99, &n_bytes, &err), STATUS_NOT_FOUND);
    assert_status(store_get_passage(f->store, 99, &arena, &passage, &err), STATUS_NOT_FOUND);
    assert_status(store_get_neighbour(f->store, 1, 99, &arena, &passage, &err), STATUS_NOT_FOUND);
    assert_int_equal(fixture_n_problems(f->store), 0);
    arena_clear(&arena);
}

#ifdef RAGGED_FAULT
static const char *const sites[] = {"store.statement", "mem", "sqlite.read", "sqlite.lock"};

/* Everything that looks one thing up. */
static enum status look_up(struct store *store, struct walk *walk, struct error *err)
{
    struct arena arena = {0};
    struct store_document document;
    struct store_passage passage;
    const char *value;
    uint64_t n_bytes;
    uint32_t slot;
    size_t n_lexical, n_vector;
    bool has;
    (void)walk;
    enum status status = store_set_meta(store, "key", "value", err);
    if (!status)
        status = store_get_meta(store, "key", &arena, &value, err);
    if (!status)
        status = store_get_document(store, 2, &arena, &document, err);
    if (!status)
        status = store_get_part_bytes(store, 3, &n_bytes, err);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK; /* it has no parts */
    if (!status)
        status = store_has_vector(store, fixture_hash("text 20"), &has, err);
    if (!status)
        status = store_get_passage(store, 4, &arena, &passage, err);
    if (!status)
        status = store_get_neighbour(store, 2, 1, &arena, &passage, err);
    if (!status)
        status = store_count_tail(store, &n_lexical, &n_vector, err);
    if (!status)
        status = store_get_chunk_vector(store, 4, &slot, &has, err);
    arena_clear(&arena);
    return status;
}

static enum status try_walk(struct fixture_library *f, walker walk, struct error *err)
{
    struct walk all = {0};
    enum status status = store_write_begin(f->store, err);
    if (!status)
        status = walk(f->store, &all, err);
    store_write_rollback(f->store);
    return status;
}

static enum status try_change(struct fixture_library *f, size_t i, struct error *err)
{
    enum status status = store_write_begin(f->store, err);
    if (!status)
        status = changes[i].change(f->store, 2, err);
    store_write_rollback(f->store);
    return status;
}

/* Fails at its first place, its second, ... until there is none left. */
static void fail_everywhere(struct fixture_library *f, const char *name, walker walk, size_t i)
{
    for (size_t k = 0; k < sizeof sites / sizeof sites[0]; k++) {
        enum status status = STATUS_IO;
        bool is_reached = true;
        for (int n = 1; is_reached; n++) {
            struct error err = {0};
            char plan[48];
            snprintf(plan, sizeof plan, "%s:%d", sites[k], n);
            fault_plan(plan);
            status = walk ? try_walk(f, walk, &err) : try_change(f, i, &err);
            is_reached = fault_count(sites[k]) >= n;
            fault_plan(NULL);
            bool is_known = !status || status == STATUS_NOMEM || status == STATUS_IO;
            if (!is_known || (status && !is_reached) || (status && !*err.message) || n > 2000)
                fail_msg("%s, %s: %s (%s)", name, plan, status_name(status), err.message);
        }
    }
}

static void test_store_steps__each_place_of_each_call_may_fail(void **state)
{
    struct fixture_library *f = *state;
    make_library(f);
    for (size_t i = 0; i < N_WALKS; i++)
        fail_everywhere(f, walks[i].name, walks[i].walk, 0);
    for (size_t i = 0; i < N_CHANGES; i++)
        fail_everywhere(f, changes[i].name, NULL, i);
    fail_everywhere(f, "look up", look_up, 0);
    assert_int_equal(fixture_n_problems(f->store), 0);
}
#endif

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    store_use_mem();
    const struct CMUnitTest tests[] = {
        TEST(test_store_steps__a_walk_ends_when_it_is_told_to),
        TEST(test_store_steps__nobodys_id_is_not_found),
#ifdef RAGGED_FAULT
        TEST(test_store_steps__each_place_of_each_call_may_fail),
#endif
    };
    return cmocka_run_group_tests_name("store_steps", tests, NULL, NULL);
}
