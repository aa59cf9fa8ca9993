/* Blobs that nobody wrote are refused, and never read beyond their bytes. */
#include "../dice.h"
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "answer/answer_cache.h"
#include "base/mem.h"
#include "cache/blob.h"
#include "cache/lru.h"
#include "search/search.h"
#include "search/search_cache.h"

#define N_HITS 3

static struct error err;

static const struct engine_hit hits[N_HITS] = {
    {.chunk_id = 7,
     .document_id = INT64_MIN,
     .score = 0.5,
     .lexical_rank = 1,
     .has_vector = true,
     .path = "/a",
     .short_path = "a",
     .title = "t",
     .heading = "",
     .kind = "pdf",
     .collection = "c",
     .text = "some text",
     .page = 3,
     .byte_end = UINT64_MAX,
     .meta = "{}"},
    {.path = "",
     .short_path = "",
     .title = "",
     .heading = "",
     .kind = "",
     .collection = "",
     .text = "",
     .is_reranked = true},
    {.path = "/b/c",
     .short_path = "c",
     .title = "",
     .heading = "h",
     .kind = "text",
     .collection = "",
     .text = "another",
     .mtime_ms = -1,
     .line_end = UINT32_MAX},
};

static void write_hits(struct buf *out)
{
    struct engine_hits all = {.hit = mem_array(N_HITS, sizeof *hits),
                              .n = N_HITS,
                              .mode = ENGINE_MODE_VECTOR,
                              .relevance = 0.25,
                              .generation = 9,
                              .warning = "careful"};
    struct blob blob = blob_writer(out);
    memcpy(all.hit, hits, sizeof hits);
    assert_true(hits_pass(&blob, &all));
    mem_free(all.hit);
}

/* In a block of its own size, so that a sanitizer sees a step too far. */
static bool read_hits(const char *bytes, size_t len, struct engine_hits *out)
{
    struct blob blob = blob_reader((struct span){bytes, len});
    return hits_pass(&blob, out) && blob.in.n_left == 0;
}

static void test_hits_blob__comes_back(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct engine_hits read = {0};
    write_hits(&bytes);
    assert_true(read_hits(bytes.data, bytes.len, &read));
    assert_int_equal(read.n, N_HITS);
    assert_int_equal(read.mode, ENGINE_MODE_VECTOR);
    assert_string_equal(read.warning, "careful");
    for (size_t i = 0; i < N_HITS; i++) {
        const struct engine_hit *a = &hits[i], *b = &read.hit[i];
        assert_true(a->chunk_id == b->chunk_id && a->document_id == b->document_id);
        assert_true(a->byte_end == b->byte_end && a->mtime_ms == b->mtime_ms);
        assert_true(a->line_end == b->line_end && a->is_reranked == b->is_reranked);
        assert_string_equal(a->text, b->text);
        assert_true((a->meta == NULL) == (b->meta == NULL));
    }
    engine_hits_clear(&read);
    buf_clear(&bytes);
}

static void test_hits_blob__cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    write_hits(&bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct engine_hits read = {0};
        char *exact = mem_alloc(len); /* a byte behind it is nobody's */
        memcpy(exact, bytes.data, len);
        assert_false(read_hits(exact, len, &read));
        engine_hits_clear(&read);
        mem_free(exact);
    }
    buf_clear(&bytes);
}

/* Changed bytes give hits that hold together, or none. */
static void test_hits_blob__changed_bytes_do_no_harm(void **state)
{
    (void)state;
    struct buf bytes = {0};
    size_t n_read = 0;
    write_hits(&bytes);
    struct dice dice = {4};
    for (int i = 0; i < 20000; i++) {
        struct engine_hits read = {0};
        char *copy = mem_alloc(bytes.len);
        memcpy(copy, bytes.data, bytes.len);
        for (int k = dice_below(&dice, 3); k >= 0; k--)
            copy[dice_roll(&dice) % bytes.len] =
                (char)(dice_below(&dice, 3) ? dice_roll(&dice) : UINT64_MAX);
        if (read_hits(copy, bytes.len, &read)) {
            n_read++;
            for (size_t k = 0; k < read.n; k++)
                assert_true(strlen(read.hit[k].text) < bytes.len && read.hit[k].score < 1e308);
        }
        engine_hits_clear(&read);
        mem_free(copy);
    }
    assert_in_range(n_read, 1, 19999);
    buf_clear(&bytes);
}

/* A citation must lie within the passage that it names. */
static void test_hits_blob__citations_stay_in_their_passages(void **state)
{
    (void)state;
    static const struct engine_citation citations[] = {
        {.number = 1, .i_hit = 0, .quote_start = 5, .quote_len = 4},  /* its end */
        {.number = 1, .i_hit = 0, .quote_start = 5, .quote_len = 5},  /* one beyond */
        {.number = 1, .i_hit = 0, .quote_start = 10, .quote_len = 0}, /* behind it */
        {.number = 1, .i_hit = N_HITS, .quote_start = 0, .quote_len = 0},
        {.number = 1, .i_hit = 0, .quote_start = SIZE_MAX, .quote_len = 2},
    };
    for (size_t i = 0; i < sizeof citations / sizeof citations[0]; i++) {
        struct buf bytes = {0};
        struct blob blob = blob_writer(&bytes);
        struct engine_hit copy[N_HITS];
        struct engine_citation citation = citations[i];
        const char *text = "an answer";
        memcpy(copy, hits, sizeof hits);
        struct engine_answer answer = {.hits = {.hit = copy, .n = N_HITS},
                                       .generator = "g",
                                       .model = "",
                                       .reasons = "",
                                       .label = "",
                                       .finish = "stop",
                                       .citations = &citation,
                                       .n_citations = 1};
        assert_int_equal(answer_pass(&blob, &answer, &text), i == 0);
        buf_clear(&bytes);
    }
}

static void test_lru__drops_the_oldest_and_counts(void **state)
{
    (void)state;
    struct lru lru = {0};
    struct span found;
    for (size_t i = 0; i < 1000; i++) {
        struct hash128 key = hash128_of(&i, sizeof i);
        assert_ok(lru_put(&lru, &key, &i, sizeof i, &err));
    }
    size_t first = 0, second = 1;
    struct hash128 first_key = hash128_of(&first, sizeof first);
    struct hash128 second_key = hash128_of(&second, sizeof second);
    assert_int_equal(lru.n, 1000);
    assert_int_equal(lru.n_bytes, 1000 * lru_entry_bytes(sizeof first));
    assert_true(lru_find(&lru, &first_key, &found));
    assert_memory_equal(found.bytes, &first, sizeof first);
    assert_true(lru_drop_oldest(&lru));
    assert_false(lru_find(&lru, &second_key, &found));
    assert_true(lru_find(&lru, &first_key, &found));
    assert_ok(lru_put(&lru, &first_key, "xyz", 3, &err));
    assert_int_equal(lru.n, 999);
    assert_int_equal(lru.n_bytes, 998 * lru_entry_bytes(sizeof first) + lru_entry_bytes(3));
    for (size_t i = 0; i < 998; i++)
        assert_true(lru_drop_oldest(&lru));
    assert_true(lru_find(&lru, &first_key, &found));
    lru_clear(&lru);
    assert_false(lru_drop_oldest(&lru));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hits_blob__comes_back),
        cmocka_unit_test(test_hits_blob__cut_anywhere_is_refused),
        cmocka_unit_test(test_hits_blob__changed_bytes_do_no_harm),
        cmocka_unit_test(test_hits_blob__citations_stay_in_their_passages),
        cmocka_unit_test(test_lru__drops_the_oldest_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
