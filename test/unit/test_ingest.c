/* The two passes of an ingest without an encoder: what is stored does not depend on threads, on the
 * features that only make it faster, or on where it was stopped. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "ingest/ingest.h"
#include "ingest/ingest_job.h"
#include "library/library.h"
#include "search/search.h"

#define N_RECORDS 700
#define N_SENTENCES 40

static struct error err;

struct record {
    char path[32], title[32];
    char *text;
    struct text_block block;
};

static struct record records[N_RECORDS];

static void make_records(void)
{
    static const char *const words[] = {"amber", "river", "harbour", "granite", "willow", "ferry"};
    unsigned seed = 7;
    for (size_t i = 0; i < N_RECORDS; i++) {
        struct buf text = {0};
        struct record *r = &records[i];
        for (size_t k = 0; k < N_SENTENCES; k++) {
            seed = seed * 1103515245 + 12345;
            buf_printf(&text, "Mark%zu %s of the %s and line %zu. ", i, words[(seed >> 16) % 6],
                       words[(seed >> 20) % 6], k);
        }
        snprintf(r->path, sizeof r->path, "/records/%04zu", i);
        snprintf(r->title, sizeof r->title, "Record %zu", i);
        size_t len = text.len;
        r->text = buf_take(&text, NULL);
        r->block = (struct text_block){
            .kind = TEXT_BLOCK_PARAGRAPH, .text = r->text, .len = len, .line = 1};
    }
}

static void get_record(void *ctx, size_t i, struct ingest_job *job, uint64_t *out_bytes)
{
    (void)ctx;
    job->path = records[i].path;
    job->record = &records[i].block;
    job->n_record = 1;
    job->record_title = records[i].title;
    *out_bytes = records[i].block.len;
}

struct library {
    char *folder;
    struct engine *engine;
};

/* The embedder is a server that is not there: passages are counted by estimate. */
static void library_open(struct library *library, unsigned n_threads, struct features features,
                         const char *url)
{
    if (!library->folder)
        assert_ok(folder_make_temporary("/tmp", "ingest", &library->folder, &err));
    struct engine_options options = engine_options_default();
    options.data_folder = library->folder;
    options.embedding_backend = "openai";
    options.embedding_model = "none";
    options.embedding_url = url;
    options.n_threads = n_threads;
    options.chunk_tokens = 64;
    options.features = features;
    assert_ok(engine_open(&options, &library->engine, &err));
}

static void library_close(struct library *library)
{
    engine_close(library->engine);
    library->engine = NULL;
}

static void library_remove(struct library *library)
{
    library_close(library);
    assert_ok(folder_remove(library->folder, &err));
    mem_free(library->folder);
    library->folder = NULL;
}

static struct engine_add_result add(struct library *library, size_t n,
                                    struct engine_add_options options)
{
    struct ingest_source source = {.n = n, .get = get_record};
    struct engine_add_result result = {0};
    assert_ok(ingest_run(library->engine, &source, &options, &result, &err));
    assert_int_equal(result.n[ENGINE_FILE_FAILED], 0);
    return result;
}

static enum status append_chunk(void *ctx, int64_t chunk_id, int64_t document_id,
                                const struct store_chunk *chunk, struct error *error)
{
    (void)chunk_id, (void)error;
    buf_printf(ctx, "%lld|%s|%s\n", (long long)document_id, chunk->heading, chunk->text);
    return STATUS_OK;
}

/* Every passage with its document, in the order of ids. */
static char *contents_of(const struct library *library)
{
    struct store *store = NULL;
    struct buf text = {0};
    assert_ok(store_open(library->folder, STORE_OPEN_READ, &store, &err));
    assert_ok(store_each_chunk(store, 0, SIZE_MAX, append_chunk, &text, &err));
    store_close(store);
    assert_false(text.failed);
    return buf_take(&text, NULL);
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    print_message("%s\n", line);
}

static void check(const struct library *library)
{
    size_t n_problems = 1;
    assert_ok(engine_check(library->engine, ENGINE_CHECK_ALL, say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
}

static void expect_found(const struct library *library, size_t i)
{
    char query[32];
    struct engine_hits hits = {0};
    struct engine_search_options options = engine_search_options_default();
    options.mode = ENGINE_MODE_LEXICAL;
    snprintf(query, sizeof query, "mark%zu", i);
    assert_ok(engine_search(library->engine, query, &options, &hits, &err));
    assert_true(hits.n > 0);
    assert_string_equal(hits.hit[0].path, records[i].path);
    engine_hits_clear(&hits);
}

static const struct engine_add_options deferred = {.is_deferred = true};

static void test_ingest__is_the_same_for_any_threads_and_without_features(void **state)
{
    (void)state;
    static const struct {
        unsigned n_threads;
        struct features features;
    } ways[] = {
        {1, {{false}}},
        {2, {{false}}},
        {7, {{false}}},
        {2, {.is_off = {[FEATURE_ASYNC_BACKPRESSURE] = true}}},
        {2, {.is_off = {[FEATURE_INCREMENTAL_INDEXING] = true}}},
    };
    char *expected = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct library library = {0};
        library_open(&library, ways[i].n_threads, ways[i].features, NULL);
        struct engine_add_result result = add(&library, N_RECORDS, deferred);
        assert_int_equal(result.n[ENGINE_FILE_ADDED], N_RECORDS);
        assert_int_equal(result.n_vectors_deferred, result.n_chunks);
        assert_int_equal(result.index_error.status, STATUS_OK);
        char *contents = contents_of(&library);
        if (expected)
            assert_string_equal(contents, expected);
        else
            expected = mem_text(contents);
        check(&library);
        expect_found(&library, 0);
        expect_found(&library, N_RECORDS - 1);
        mem_free(contents);
        library_remove(&library);
    }
    mem_free(expected);
}

static void test_ingest__large_groups_leave_no_tail(void **state)
{
    (void)state;
    struct library library = {0};
    struct engine_status status;
    library_open(&library, 2, (struct features){{false}}, NULL);
    add(&library, N_RECORDS, deferred);
    assert_ok(engine_status(library.engine, &status, &err));
    assert_true(status.n_chunks > 4096);
    assert_true(status.n_segments > 0);
    assert_true(status.n_tail < 2048);
    library_remove(&library);
}

static void test_ingest__without_the_feature_everything_is_read_again(void **state)
{
    (void)state;
    struct library library = {0};
    library_open(&library, 2, (struct features){{false}}, NULL);
    add(&library, 20, deferred);
    assert_int_equal(add(&library, 20, deferred).n[ENGINE_FILE_UNCHANGED], 20);
    library_close(&library);
    library_open(&library, 2, (struct features){.is_off = {[FEATURE_INCREMENTAL_INDEXING] = true}},
                 NULL);
    assert_int_equal(add(&library, 20, deferred).n[ENGINE_FILE_UPDATED], 20);
    check(&library);
    expect_found(&library, 19);
    library_remove(&library);
}

static void test_ingest__a_server_that_is_away_costs_the_vectors_only(void **state)
{
    (void)state;
    struct library library = {0};
    library_open(&library, 2, (struct features){{false}}, "http://127.0.0.1:9/v1");
    struct engine_add_result result = add(&library, 20, (struct engine_add_options){0});
    assert_int_equal(result.n[ENGINE_FILE_ADDED], 20);
    assert_status(result.vector_error.status, STATUS_REMOTE);
    assert_int_equal(result.n_vectors_deferred, result.n_chunks);
    expect_found(&library, 7);
    check(&library);
    library_close(&library);

    library_open(&library, 2, (struct features){.is_off = {[FEATURE_GRACEFUL_DEGRADATION] = true}},
                 "http://127.0.0.1:9/v1");
    struct ingest_source source = {.n = 20, .get = get_record};
    struct engine_add_options options = {0};
    assert_status(ingest_run(library.engine, &source, &options, &result, &err), STATUS_REMOTE);
    library_remove(&library);
}

struct stopping {
    struct cancel cancel;
    size_t n_left; /* documents until it is asked to stop */
};

static void count_down(void *ctx, const struct engine_file_report *report)
{
    struct stopping *stopping = ctx;
    assert_int_not_equal(report->result, ENGINE_FILE_FAILED);
    if (stopping->n_left-- == 0)
        atomic_store(&stopping->cancel.requested, 1);
}

static void test_ingest__goes_on_where_it_was_stopped(void **state)
{
    (void)state;
    struct library whole = {0}, library = {0};
    library_open(&whole, 2, (struct features){{false}}, NULL);
    add(&whole, N_RECORDS, deferred);
    for (size_t n_before = 0; n_before < N_RECORDS; n_before += 150) {
        struct stopping stopping = {.n_left = n_before};
        struct ingest_source source = {.n = N_RECORDS, .get = get_record};
        struct engine_add_options options = {.is_deferred = true,
                                             .cancel = &stopping.cancel,
                                             .on_file = count_down,
                                             .ctx = &stopping};
        struct engine_add_result result = {0};
        library_open(&library, 2, (struct features){{false}}, NULL);
        assert_status(ingest_run(library.engine, &source, &options, &result, &err),
                      STATUS_CANCELLED);
        assert_true(result.n[ENGINE_FILE_ADDED] > n_before);
        assert_int_equal(result.index_error.status, STATUS_OK);
        check(&library);
        assert_int_equal(add(&library, N_RECORDS, deferred).n[ENGINE_FILE_ADDED],
                         N_RECORDS - result.n[ENGINE_FILE_ADDED]);
        char *contents = contents_of(&library), *expected = contents_of(&whole);
        assert_string_equal(contents, expected);
        mem_free(contents);
        mem_free(expected);
        check(&library);
        library_remove(&library);
    }
    library_remove(&whole);
}

int main(int argc, char **argv)
{
    (void)argc;
    char *end = strrchr(argv[0], '/'), parser[4096];
    snprintf(parser, sizeof parser, "%.*s/../../ragged-parse", (int)(end ? end - argv[0] : 0),
             end ? argv[0] : ".");
    setenv("RAGGED_PARSE", parser, 1);
    engine_process_init();
    make_records();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ingest__is_the_same_for_any_threads_and_without_features),
        cmocka_unit_test(test_ingest__large_groups_leave_no_tail),
        cmocka_unit_test(test_ingest__without_the_feature_everything_is_read_again),
        cmocka_unit_test(test_ingest__a_server_that_is_away_costs_the_vectors_only),
        cmocka_unit_test(test_ingest__goes_on_where_it_was_stopped),
    };
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < N_RECORDS; i++)
        mem_free(records[i].text);
    return n_failed;
}
