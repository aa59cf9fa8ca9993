/* The world fails at every step in turn: allocation, file, database write, sync, read, lock; once
 * and for ever; and the process is killed at every step. The library stays sound and keeps all it
 * acknowledged. Of the hundreds of allocations the later ones are sampled; RAGGED_TORTURE=1 takes
 * them all. */
#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"

#ifdef RAGGED_FAULT

#define N_MAX 20000

/* --- one process, failing calls --- */

#define N_DOCUMENTS_BEFORE 3

/* A library that every try begins with, and what the try acknowledged. */
struct ledger {
    char folder[64];
    struct buf database, vectors; /* before the try: documents 0 to N_DOCUMENTS_BEFORE - 1 */
    int n_documents;              /* acknowledged: numbers 0 to n_documents - 1 */
};

typedef enum status (*scenario)(struct ledger *ledger, struct error *err);

static enum status write_one(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    int number = ledger->n_documents;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (status)
        return status;
    status = fixture_save(store, number, number, 3, FIXTURE_WITH_VECTORS, err);
    if (!status) {
        ledger->n_documents++;
        status = store_checkpoint(store, 0, err);
    }
    store_close(store);
    return status;
}

/* What failed once goes on with the same store: the connection is opened anew where needed. */
static enum status write_again(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err), first;
    if (status)
        return status;
    int number = ledger->n_documents;
    first = fixture_save(store, number, number, 3, FIXTURE_WITH_VECTORS, err);
    struct error unwanted;
    status = fixture_save(store, number, number, 2, FIXTURE_WITH_VECTORS, first ? &unwanted : err);
    if (!first || !status)
        ledger->n_documents++;
    store_close(store);
    return first ? first : status;
}

static enum status put_part(struct store *store, int number, uint64_t i, bool is_last,
                            struct error *err)
{
    struct fixture_document f;
    bool is_next = false;
    fixture_document_init(&f, number, 50 + (int)i, 2, FIXTURE_WITH_VECTORS);
    const struct store_part part = {
        .i = i, .part_bytes = 10, .n_lines = 7, .n_bytes = 9, .is_last = is_last};
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = store_put_part(store, &f.document, &part, f.chunks, f.n_chunks, NULL, &is_next, err);
    if (status) {
        store_write_rollback(store);
        return status;
    }
    assert_true(is_next);
    return store_write_commit(store, err);
}

static enum status shrink(struct store *store, const char *path, struct error *err)
{
    struct arena arena = {0};
    struct store_document document = {0};
    size_t n = 0;
    enum status status = store_find_document(store, path, &arena, &document, err);
    arena_clear(&arena);
    if (!status)
        status = store_write_begin(store, err);
    if (status)
        return status;
    status = store_shrink_document(store, document.id, 1, &n, err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

/* A document in three parts, and one that loses a passage. */
static enum status write_parts(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    for (uint64_t i = 0; i < 3 && !status; i++)
        status = put_part(store, ledger->n_documents, i, i == 2, err);
    if (!status) {
        ledger->n_documents++;
        status = shrink(store, "/doc/000001", err);
    }
    store_close(store);
    return status;
}

static enum status compact(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (status)
        return status;
    status = store_compact(store, err);
    store_close(store);
    return status;
}

/* A vector of 2048 bytes for nobody: two of them fill a page. */
static enum status put_unused(struct store *store, int number, struct error *err)
{
    static const uint16_t vector[1024] = {0x3C00};
    char text[32];
    snprintf(text, sizeof text, "unused %d", number);
    return store_put_vector(store, fixture_hash(text), vector, sizeof vector, err);
}

/* Every vector goes, others come. */
static enum status change_model(struct store *store, struct error *err)
{
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = store_remove_vectors(store, err);
    for (int i = 0; i < 9 && !status; i++)
        status = put_unused(store, i, err);
    if (!status)
        return store_write_commit(store, err);
    store_write_rollback(store);
    return status;
}

/* Then what nobody needs is found by the first compact and punched by the second. */
static enum status change_and_compact(struct store *store, struct error *err)
{
    enum status status = change_model(store, err);
    if (!status)
        status = store_compact(store, err);
    return status ? status : store_compact(store, err);
}

static enum status replace_vectors(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (status)
        return status;
    status = change_and_compact(store, err);
    store_close(store);
    return status;
}

/* The first document's rows go into segments, it is replaced, the second one's rows are given back.
 */
static enum status change_index(struct store *store, struct error *err)
{
    static const int64_t ids[] = {1, 2, 3, 4, 5, 6};
    static const char terms[] = {3, 'o', 'n', 'e', 3};
    struct store_segment segment = {.name = "a", .kind = STORE_KIND_LEXICAL, .n_rows = 6};
    enum status status = store_put_segment(store, &segment, err);
    if (!status)
        status = store_take_tail(store, segment.kind, ids, 6, err);
    segment.name = "b";
    segment.kind = STORE_KIND_VECTOR;
    if (!status)
        status = store_put_segment(store, &segment, err);
    if (!status)
        status = store_take_tail(store, segment.kind, ids, 6, err);
    struct fixture_document f;
    fixture_document_init(&f, 0, 50, 2, FIXTURE_WITH_VECTORS);
    if (!status)
        status = fixture_put(store, &f, err);
    for (int64_t id = 4; id <= 6 && !status; id++) {
        status = store_put_tail_row(store, id, 2, terms, sizeof terms, 3, err);
        if (!status)
            status = store_put_vector_tail_row(store, id, 2, err);
    }
    if (!status)
        status = store_remove_dead(store, STORE_KIND_VECTOR, 1, err);
    return status ? status : store_remove_segment(store, "b", err);
}

static enum status index_once(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        status = store_write_begin(store, err);
    if (!status)
        status = change_index(store, err);
    if (!status)
        status = store_write_commit(store, err);
    store_close(store); /* rolls back what is open */
    return status;
}

static enum status add_terms(void *ctx, const struct store_tail_row *row, struct error *err)
{
    size_t *n = ctx;
    (void)err;
    *n += row->n_terms;
    return STATUS_OK;
}

static enum status touch_vector(void *ctx, const struct store_vector_row *row, struct error *err)
{
    const struct store_vectors *vectors = ctx;
    uint16_t half[FIXTURE_DIM];
    (void)err;
    assert_int_equal(vectors->row_bytes, sizeof half);
    memcpy(half, (const char *)vectors->rows + row->slot * sizeof half, sizeof half);
    int n_ones = 0;
    for (size_t i = 0; i < FIXTURE_DIM; i++)
        n_ones += half[i] == 0x3C00;
    assert_int_equal(n_ones, 1);
    return STATUS_OK;
}

static enum status add_chunks(void *ctx, const struct store_document *document, struct error *err)
{
    size_t *n = ctx;
    (void)err;
    *n += document->n_chunks;
    return STATUS_OK;
}

static enum status read_all(struct store *store, struct arena *arena, struct error *err)
{
    struct store_counts counts;
    struct store_document document;
    struct store_passage passage;
    const char *value;
    struct store_vectors vectors;
    size_t n_terms = 0, n_chunks = 0, n_problems;
    enum status status = store_count(store, &counts, err);
    if (!status)
        status = store_each_document(store, add_chunks, &n_chunks, err);
    if (!status)
        status = store_each_tail(store, 0, SIZE_MAX, add_terms, &n_terms, err);
    if (!status)
        status = store_map_vectors(store, &vectors, err);
    if (!status)
        status = store_each_vector_tail(store, 0, SIZE_MAX, touch_vector, &vectors, err);
    if (!status)
        status = store_find_document(store, "/doc/000000", arena, &document, err);
    if (!status)
        status = store_get_neighbour(store, document.id, 1, arena, &passage, err);
    if (!status)
        status = store_get_meta(store, "model", arena, &value, err);
    if (!status) {
        assert_int_equal(n_chunks, counts.n_chunks);
        assert_int_equal(n_terms, 3 * counts.n_chunks);
        assert_string_equal(passage.chunk.text, "text 1");
        status = store_check(store, FIXTURE_DIM, fixture_say, NULL, &n_problems, err);
    }
    return status;
}

static enum status read_some(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    struct arena arena = {0};
    enum status status = store_open(ledger->folder, STORE_OPEN_READ, &store, err);
    if (status)
        return status;
    status = store_read_begin(store, err);
    if (!status)
        status = read_all(store, &arena, err);
    store_read_end(store);
    store_close(store);
    arena_clear(&arena);
    return status;
}

/* ---- everything else that reads and writes ---- */

static enum status count_segment(void *ctx, const struct store_segment *segment, struct error *err)
{
    (void)segment, (void)err;
    ++*(size_t *)ctx;
    return STATUS_OK;
}

static enum status count_dead(void *ctx, int64_t first, int64_t end, struct error *err)
{
    (void)err;
    *(size_t *)ctx += (size_t)(end - first);
    return STATUS_OK;
}

static enum status count_bytes(void *ctx, int64_t chunk_id, int64_t document_id,
                               const struct store_chunk *chunk, struct error *err)
{
    (void)chunk_id, (void)document_id, (void)err;
    *(size_t *)ctx += strlen(chunk->text);
    return STATUS_OK;
}

static enum status count_run(void *ctx, int64_t document_id, int64_t first, int64_t end,
                             struct error *err)
{
    (void)document_id;
    return count_dead(ctx, first, end, err);
}

static enum status count_path(void *ctx, const char *path, struct error *err)
{
    (void)err;
    *(size_t *)ctx += path[0] == '/';
    return STATUS_OK;
}

static enum status count_collection(void *ctx, const char *collection, size_t n_documents,
                                    struct error *err)
{
    (void)collection, (void)err;
    *(size_t *)ctx += n_documents;
    return STATUS_OK;
}

static enum status count_missing(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                                 struct error *err)
{
    return count_bytes(ctx, chunk_id, 0, chunk, err);
}

static enum status keep_id(void *ctx, int64_t chunk_id, struct error *err)
{
    (void)err;
    *(int64_t *)ctx = chunk_id;
    return STATUS_OK;
}

/* A text that lies on several pages, which SQLite has to put together. */
static const char *long_text(void)
{
    static char text[20000];
    memset(text, 'a', sizeof text - 1);
    return text;
}

static enum status read_lists(struct store *store, size_t n_documents, struct error *err)
{
    size_t n_segments = 0, n_dead = 0, n_ids = 0, n_bytes = 0, n_paths = 0, n_in = 0;
    enum status status = store_each_segment(store, count_segment, &n_segments, err);
    if (!status)
        status = store_each_dead(store, STORE_KIND_LEXICAL, count_dead, &n_dead, err);
    if (!status)
        status = store_each_chunk(store, 0, SIZE_MAX, count_bytes, &n_bytes, err);
    if (!status)
        status = store_each_chunk_run(store, count_run, &n_ids, err);
    if (!status)
        status = store_each_path(store, count_path, &n_paths, err);
    if (!status)
        status = store_each_collection(store, count_collection, &n_in, err);
    if (!status) {
        assert_int_equal(n_segments + n_dead, 0);
        assert_true(n_ids > n_documents && n_bytes > strlen(long_text()));
        assert_int_equal(n_paths, n_documents);
        assert_int_equal(n_in, n_documents);
    }
    return status;
}

static enum status read_vector(struct store *store, int64_t chunk_id, const uint16_t *expected,
                               size_t n_bytes, struct error *err)
{
    uint32_t slot = 0;
    bool has = false, is_right = false;
    enum status status = store_get_chunk_vector(store, chunk_id, &slot, &has, err);
    if (!status)
        status = store_check_vector(store, slot, expected, n_bytes, &is_right, err);
    assert_true(status || (has && is_right));
    if (!status)
        status = store_has_vector(store, fixture_hash("text 1"), &has, err);
    assert_true(status || has);
    return status;
}

static enum status read_one(struct store *store, int64_t chunk_id, struct error *err)
{
    struct arena arena = {0};
    struct store_document document;
    struct store_passage passage = {0};
    struct hash128 state;
    size_t n_lexical, n_vector;
    enum status status = store_get_passage(store, chunk_id, &arena, &passage, err);
    if (!status)
        status = store_get_document(store, passage.document_id, &arena, &document, err);
    if (!status)
        status = store_count_tail(store, &n_lexical, &n_vector, err);
    if (!status)
        status = store_state(store, &state, err);
    assert_true(status || strcmp(passage.path, document.path) == 0);
    arena_clear(&arena);
    return status;
}

/* A document more, whose second chunk gets a vector. */
static enum status put_one_more(struct store *store, struct error *err)
{
    struct fixture_document f;
    size_t n_bytes = 0;
    int64_t last = 0;
    fixture_document_init(&f, 99, 90, 2, FIXTURE_WITHOUT_VECTORS);
    f.chunks[0].text = long_text();
    f.chunks[0].hash = fixture_hash(long_text());
    enum status status = fixture_put(store, &f, err);
    if (!status)
        status = store_each_missing_vector(store, 0, SIZE_MAX, count_missing, &n_bytes, err);
    if (!status)
        status = store_each_missing_id(store, keep_id, &last, err);
    assert_true(status || (n_bytes > strlen(long_text()) && last > 0));
    if (!status)
        status = read_lists(store, N_DOCUMENTS_BEFORE + 1, err);
    if (!status)
        status = read_one(store, last - 1, err);
    if (!status)
        status = store_put_vector(store, f.chunks[1].hash, f.vectors[1], sizeof f.vectors[1], err);
    if (!status)
        status = store_link_vector(store, last, err);
    if (!status)
        status = read_vector(store, last, f.vectors[1], sizeof f.vectors[1], err);
    return status;
}

/* The rows of the document that went, as by who made a segment of them meanwhile. */
static enum status take_what_went(struct store *store, struct error *err)
{
    struct store_segment segment = {.name = "gone", .kind = STORE_KIND_LEXICAL, .n_rows = 2};
    enum { N_BEFORE = 3 * N_DOCUMENTS_BEFORE };
    static const int64_t ids[] = {N_BEFORE + 1, N_BEFORE + 2};
    enum status status = store_put_segment(store, &segment, err);
    return status ? status : store_take_tail(store, segment.kind, ids, 2, err);
}

static enum status do_the_rest(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    struct arena arena = {0};
    struct store_document document = {0};
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        status = store_write_begin(store, err);
    if (!status)
        status = put_one_more(store, err);
    if (!status)
        status = store_find_document(store, "/doc/000099", &arena, &document, err);
    if (!status)
        status = store_touch_document(store, document.id, 1, 2, 3, err);
    if (!status)
        status = store_set_meta(store, STORE_META_ANALYZER, "x", err);
    if (!status)
        status = store_remove_document(store, document.id, err);
    if (!status)
        status = take_what_went(store, err);
    if (!status)
        status = store_write_commit(store, err);
    store_close(store); /* rolls back what is open */
    arena_clear(&arena);
    return status;
}

static enum status follow_row(void *ctx, const struct audit_row *row, struct error *err)
{
    int64_t *last = ctx;
    (void)err;
    assert_int_equal(row->sequence, *last + 1);
    *last = row->sequence;
    return STATUS_OK;
}

static enum status follow_run(void *ctx, const struct audit_run *run, struct error *err)
{
    int64_t *n = ctx;
    (void)err;
    *n += run->n_rows;
    return STATUS_OK;
}

/* A row of settings, then everything that reads the trail: a failure never says that it is broken.
 */
static enum status audit(struct ledger *ledger, struct error *err)
{
    struct store *store = NULL;
    struct audit_verdict verdict = {0};
    const struct audit_filter filter = {.n_max = 100};
    int64_t last = 0, n = 0;
    enum status status = store_open(ledger->folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        status = store_audit_settings(
            store,
            &(struct store_settings){
                .keys = "threads", .collection = "c", .file_before = "", .file_after = "ab"},
            err);
    if (!status)
        status = store_audit_each(store, follow_row, &last, err);
    if (!status)
        status = store_audit_list(store, &filter, follow_run, &n, err);
    if (!status)
        status = store_audit_verify(store, AUDIT_EXTENT_WHOLE, NULL, &verdict, err);
    assert_false(verdict.is_broken);
    assert_true(status || (n == last && last == verdict.n_rows));
    store_close(store);
    return status;
}

/* A replaced vector file that could not be removed goes with the next compact. */
static void assert_sound(struct store *store)
{
    struct error err;
    size_t n_problems = 0;
    assert_ok(store_compact(store, &err));
    assert_ok(store_check(store, 0, fixture_say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
}

/* Sound, and everything acknowledged is there and whole. */
static void assert_library(struct ledger *ledger)
{
    struct error err;
    struct store *store;
    struct arena arena = {0};
    struct store_document document;
    fault_plan(NULL);
    assert_ok(store_open(ledger->folder, STORE_OPEN_WRITE, &store, &err));
    for (int i = 0; i < ledger->n_documents; i++) {
        char path[64];
        snprintf(path, sizeof path, "/doc/%06d", i);
        assert_ok(store_find_document(store, path, &arena, &document, &err));
        assert_true(document.n_chunks > 0);
    }
    assert_sound(store);
    store_close(store);
    arena_clear(&arena);
}

static void ledger_init(struct ledger *ledger)
{
    struct error err;
    char path[128];
    *ledger = (struct ledger){0};
    fixture_folder_make(ledger->folder);
    fault_plan(NULL);
    for (int i = 0; i < N_DOCUMENTS_BEFORE; i++)
        assert_ok(write_one(ledger, &err));
    snprintf(path, sizeof path, "%s/ragged.db", ledger->folder);
    assert_ok(file_read(path, RAGGED_LIMIT_FILE, &ledger->database, &err));
    fixture_vectors_path(ledger->folder, 1, path);
    assert_ok(file_read(path, RAGGED_LIMIT_FILE, &ledger->vectors, &err));
}

static void ledger_reset(struct ledger *ledger)
{
    struct error err;
    char path[128];
    fault_plan(NULL);
    fixture_folder_remove(ledger->folder);
    assert_ok(folder_make(ledger->folder, &err));
    snprintf(path, sizeof path, "%s/ragged.db", ledger->folder);
    assert_ok(file_replace(path, ledger->database.data, ledger->database.len, 0600, &err));
    fixture_vectors_path(ledger->folder, 1, path);
    assert_ok(file_replace(path, ledger->vectors.data, ledger->vectors.len, 0600, &err));
    ledger->n_documents = N_DOCUMENTS_BEFORE;
}

static void ledger_clear(struct ledger *ledger)
{
    fixture_folder_remove(ledger->folder);
    buf_clear(&ledger->database);
    buf_clear(&ledger->vectors);
}

static void run_plan(scenario run, struct ledger *ledger, const char *site, const char *suffix)
{
    bool is_every_place = getenv("RAGGED_TORTURE");
    long n_places = 0;
    int n = 1;
    for (; n < N_MAX; n += is_every_place || n < 50 ? 1 : 1 + n / 25) {
        struct error err = {0};
        char plan[64];
        snprintf(plan, sizeof plan, "%s:%d%s", site, n, suffix);
        ledger_reset(ledger);
        fault_plan(plan);
        enum status status = run(ledger, &err);
        n_places = fault_count(site);
        bool is_reached = n_places >= n;
        assert_library(ledger);
        if (status && status != STATUS_NOMEM && status != STATUS_IO)
            fail_msg("%s: %s (%s)", plan, err.message, status_name(status));
        if (status && !is_reached)
            fail_msg("%s: not reached, and yet: %s", plan, err.message);
        if (status)
            assert_true(err.message[0]);
        if (!is_reached)
            break;
    }
    printf("%s%s: %ld places\n", site, suffix, n_places);
    assert_true(n < N_MAX);
}

static void run_all_plans(scenario run)
{
    static const char *const sites[] = {"mem",         "sqlite.write", "sqlite.full",
                                        "sqlite.sync", "sqlite.read",  "sqlite.truncate",
                                        "sqlite.lock", "sqlite.open",  "file",
                                        "vectors",     "store.commit", "store.statement"};
    struct ledger ledger;
    ledger_init(&ledger);
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        run_plan(run, &ledger, sites[i], "");
        run_plan(run, &ledger, sites[i], "+");
    }
    ledger_clear(&ledger);
}

static void test_store_fault__writing(void **state)
{
    (void)state;
    run_all_plans(write_one);
}

static void test_store_fault__writing_on_after_a_failure(void **state)
{
    (void)state;
    run_all_plans(write_again);
}

static void test_store_fault__writing_parts(void **state)
{
    (void)state;
    run_all_plans(write_parts);
}

static void test_store_fault__compacting(void **state)
{
    (void)state;
    run_all_plans(compact);
}

static void test_store_fault__replacing_vectors(void **state)
{
    (void)state;
    run_all_plans(replace_vectors);
}

static void test_store_fault__indexing(void **state)
{
    (void)state;
    run_all_plans(index_once);
}

static void test_store_fault__the_rest(void **state)
{
    (void)state;
    run_all_plans(do_the_rest);
}

static void test_store_fault__auditing(void **state)
{
    (void)state;
    run_all_plans(audit);
}

static void test_store_fault__reading(void **state)
{
    (void)state;
    run_all_plans(read_some);
}

struct list {
    struct store *store;
    size_t n;
    enum status failing, after;
};

static enum status read_inside(struct store *store, struct error *err)
{
    struct arena arena = {0};
    struct store_passage passage;
    enum status status = store_get_passage(store, 1, &arena, &passage, err);
    arena_clear(&arena);
    return status;
}

static enum status fail_inside(void *ctx, const struct store_document *document, struct error *err)
{
    struct list *list = ctx;
    (void)document;
    if (list->n++ > 0)
        return STATUS_OK;
    fault_plan("sqlite.read:1+");
    list->failing = read_inside(list->store, err);
    fault_plan(NULL);
    list->after = read_inside(list->store, err);
    return STATUS_OK;
}

/* What can't be opened anew is said, by each call, until it can. */
static void test_store_fault__a_connection_that_stays_away(void **state)
{
    (void)state;
    struct ledger ledger;
    struct error err;
    struct store *store;
    struct store_counts counts;
    size_t n_problems = 0;
    ledger_init(&ledger);
    assert_ok(store_open(ledger.folder, STORE_OPEN_READ, &store, &err));
    fault_plan("sqlite.read:1+");
    assert_status(store_count(store, &counts, &err), STATUS_IO);
    fault_plan("sqlite.open:1+");
    for (int i = 0; i < 2; i++)
        assert_status(store_count(store, &counts, &err), STATUS_IO);
    assert_status(store_check(store, FIXTURE_DIM, fixture_say, NULL, &n_problems, &err), STATUS_IO);
    fault_plan(NULL);
    assert_ok(store_count(store, &counts, &err));
    assert_int_equal(counts.n_documents, N_DOCUMENTS_BEFORE);
    store_close(store);
    ledger_clear(&ledger);
}

/* The connection is opened anew, but not under a list that is being read. */
static void test_store_fault__a_failure_inside_a_list(void **state)
{
    (void)state;
    struct ledger ledger;
    struct error err;
    struct list list = {0};
    ledger_init(&ledger);
    assert_ok(store_open(ledger.folder, STORE_OPEN_READ, &list.store, &err));
    assert_ok(store_each_document(list.store, fail_inside, &list, &err));
    assert_int_equal(list.n, N_DOCUMENTS_BEFORE);
    assert_status(list.failing, STATUS_IO);
    assert_ok(list.after);
    assert_ok(read_inside(list.store, &err));
    store_close(list.store);
    ledger_clear(&ledger);
}

static enum status create_only(struct ledger *ledger, struct error *err)
{
    fixture_folder_remove(ledger->folder);
    ledger->n_documents = 0;
    return write_one(ledger, err);
}

static void test_store_fault__creating(void **state)
{
    (void)state;
    run_all_plans(create_only);
}

static void test_store_fault__a_full_disk_is_said(void **state)
{
    (void)state;
    struct ledger ledger;
    struct error err;
    ledger_init(&ledger);
    fault_plan("sqlite.full:1+");
    assert_status(write_one(&ledger, &err), STATUS_IO);
    assert_non_null(strstr(err.message, "disk full"));
    assert_non_null(strstr(err.hint, "free some space"));
    assert_library(&ledger);
    ledger_clear(&ledger);
}

/* --- a child that gets killed --- */

#define N_CHILD_DOCUMENTS 3

static int child_role(const char *folder)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return 1;
    for (int i = 0; i < N_CHILD_DOCUMENTS; i++) {
        if (fixture_save(store, i, i, 3, FIXTURE_WITH_VECTORS, &err))
            return 1;
        if (write(STDOUT_FILENO, "A", 1) != 1)
            return 1;
    }
    if (store_checkpoint(store, 0, &err) || store_compact(store, &err))
        return 1;
    store_close(store);
    return 0;
}

/* The same with vectors that are replaced, and segments. */
static int index_child_role(const char *folder)
{
    struct error err;
    struct store *store;
    if (store_open(folder, STORE_OPEN_WRITE, &store, &err))
        return 1;
    for (int i = 0; i < 2; i++)
        if (fixture_save(store, i, 3 * i, 3, FIXTURE_WITH_VECTORS, &err))
            return 1;
    if (store_write_begin(store, &err) || change_index(store, &err) ||
        store_write_commit(store, &err) || change_and_compact(store, &err))
        return 1;
    store_close(store);
    return 0;
}

/* How many documents the child acknowledged before it ended. */
static size_t run_child(const char *role, const char *folder, const char *plan,
                        int *out_wait_status)
{
    struct error err;
    struct process child;
    const char *const argv[] = {"/proc/self/exe", role, folder, NULL};
    char acknowledged[64];
    size_t n_acknowledged = 0;
    ssize_t n;
    setenv("RAGGED_FAULT", plan, 1);
    assert_ok(process_start(&(struct process_options){.argv = argv, .extra_fd = -1}, &child, &err));
    unsetenv("RAGGED_FAULT");
    while ((n = process_read(&child, acknowledged, sizeof acknowledged, 60000)) > 0)
        n_acknowledged += (size_t)n;
    assert_true(process_wait(&child, 60000, out_wait_status));
    return n_acknowledged;
}

static void assert_child_library(const char *folder, size_t n_acknowledged)
{
    struct error err;
    struct store *store;
    struct store_counts counts;
    int64_t generation;
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    assert_ok(store_count(store, &counts, &err));
    assert_true(counts.n_documents >= n_acknowledged);
    assert_true(counts.n_documents <= N_CHILD_DOCUMENTS);
    assert_ok(store_generation(store, &generation, &err));
    assert_int_equal(generation, counts.n_documents);
    assert_int_equal(fixture_n_problems(store), 0);
    assert_ok(fixture_save(store, 9, 9, 1, FIXTURE_WITH_VECTORS, &err));
    store_close(store);
}

static void assert_index_child_library(const char *folder, size_t n_acknowledged)
{
    struct error err;
    struct store *store;
    (void)n_acknowledged;
    assert_ok(store_open(folder, STORE_OPEN_WRITE, &store, &err));
    assert_sound(store);
    store_close(store);
}

static const struct role {
    const char *name;
    int (*run)(const char *folder);
    void (*check)(const char *folder, size_t n_acknowledged);
    size_t n_acknowledged; /* when nobody kills it */
} roles[] = {
    {"add", child_role, assert_child_library, N_CHILD_DOCUMENTS},
    {"index", index_child_role, assert_index_child_library, 0},
};

static void kill_everywhere(const struct role *role, const char *site)
{
    int n = 1;
    for (; n < N_MAX; n++) {
        char folder[64], plan[64];
        int wait_status = 0;
        fixture_folder_make(folder);
        snprintf(plan, sizeof plan, "kill@%s:%d", site, n);
        size_t n_acknowledged = run_child(role->name, folder, plan, &wait_status);
        role->check(folder, n_acknowledged);
        fixture_folder_remove(folder);
        if (WIFEXITED(wait_status)) {
            assert_int_equal(WEXITSTATUS(wait_status), 0);
            assert_int_equal(n_acknowledged, role->n_acknowledged);
            break;
        }
        assert_int_equal(WTERMSIG(wait_status), SIGKILL);
    }
    printf("%s, kill@%s: %d places\n", role->name, site, n - 1);
    assert_true(n > 1 && n < N_MAX);
}

static void test_store_fault__killed(void **state)
{
    (void)state;
    static const char *const sites[] = {"sqlite.write", "sqlite.sync",     "sqlite.truncate",
                                        "store.commit", "store.committed", "file",
                                        "vectors"};
    fault_plan(NULL);
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++)
        for (size_t j = 0; j < sizeof roles / sizeof roles[0]; j++)
            kill_everywhere(&roles[j], sites[i]);
}

int main(int argc, char **argv)
{
    store_use_mem();
    if (argc == 3)
        return roles[strcmp(argv[1], roles[1].name) == 0].run(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_fault__writing),
        cmocka_unit_test(test_store_fault__writing_on_after_a_failure),
        cmocka_unit_test(test_store_fault__writing_parts),
        cmocka_unit_test(test_store_fault__compacting),
        cmocka_unit_test(test_store_fault__replacing_vectors),
        cmocka_unit_test(test_store_fault__indexing),
        cmocka_unit_test(test_store_fault__the_rest),
        cmocka_unit_test(test_store_fault__auditing),
        cmocka_unit_test(test_store_fault__reading),
        cmocka_unit_test(test_store_fault__a_failure_inside_a_list),
        cmocka_unit_test(test_store_fault__a_connection_that_stays_away),
        cmocka_unit_test(test_store_fault__creating),
        cmocka_unit_test(test_store_fault__a_full_disk_is_said),
        cmocka_unit_test(test_store_fault__killed),
    };
    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}

#else

static void test_store_fault__needs_a_fault_build(void **state)
{
    (void)state;
    skip_because("faults are injected in FAULT=1 builds only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_fault__needs_a_fault_build),
    };
    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}

#endif
