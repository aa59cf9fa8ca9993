#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "lexical/lexical.h"

#define N_ROWS 200
#define N_WORDS 40
#define ROW_WORDS_MAX 60

static struct error err;

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* Rows of made-up words: their numbers, to count by hand, and their text. */
struct library {
    struct analyzer *analyzer;
    int row[N_ROWS][ROW_WORDS_MAX];
    size_t row_len[N_ROWS];
    struct buf blob[N_ROWS];
    uint32_t n_terms[N_ROWS];
};

/* Words of one to twelve letters, many with a common beginning, so that prefixes collide. */
static void append_word(struct buf *out, int word)
{
    if (out->len > 0)
        buf_append_char(out, ' ');
    buf_printf(out, "%s%c%c", word % 2 ? "longbeginn" : "", 'a' + word / 7, 'a' + word % 7);
}

static struct library *library_new(void)
{
    static struct library library;
    uint32_t seed = 11;
    library = (struct library){0};
    assert_ok(analyzer_new("none", &library.analyzer, &err));
    for (size_t i = 0; i < N_ROWS; i++) {
        struct buf text = {0};
        library.row_len[i] = next_random(&seed) % ROW_WORDS_MAX;
        for (size_t k = 0; k < library.row_len[i]; k++) {
            uint32_t r = next_random(&seed);
            library.row[i][k] = (int)((r % N_WORDS) * ((r >> 16) % N_WORDS) / N_WORDS);
            append_word(&text, library.row[i][k]);
        }
        const char *texts[] = {buf_text(&text)};
        assert_ok(lexical_terms_encode(library.analyzer, texts, &text.len, 1, &library.blob[i],
                                       &library.n_terms[i], &err));
        assert_int_equal(library.n_terms[i], library.row_len[i]);
        buf_clear(&text);
    }
    return &library;
}

static void library_clear(struct library *library)
{
    for (size_t i = 0; i < N_ROWS; i++)
        buf_clear(&library->blob[i]);
    analyzer_free(library->analyzer);
}

static double count_in_row(const struct library *library, size_t i_row, int word)
{
    double n = 0;
    for (size_t k = 0; k < library->row_len[i_row]; k++)
        n += library->row[i_row][k] == word;
    return n;
}

/* BM25 as the formula says, over numbers instead of strings. */
static double expected_score(const struct library *library, size_t i_row, const int *words,
                             size_t n_words, struct lexical_params params)
{
    double score = 0, mean = 0;
    for (size_t i = 0; i < N_ROWS; i++)
        mean += (double)library->row_len[i] / N_ROWS;
    for (size_t k = 0; k < n_words; k++) {
        double df = 0, tf = count_in_row(library, i_row, words[k]);
        for (size_t i = 0; i < N_ROWS; i++)
            df += count_in_row(library, i, words[k]) > 0;
        if (tf == 0)
            continue;
        score +=
            log(1 + (N_ROWS - df + .5) / (df + .5)) * tf * (params.k1 + 1) /
            (tf + params.k1 * (1 - params.b + params.b * (double)library->row_len[i_row] / mean));
    }
    return score;
}

static void parse(struct library *library, const char *text, struct arena *arena,
                  struct lexical_query *out)
{
    assert_ok(lexical_query_parse(library->analyzer, text, strlen(text), arena, out, &err));
}

static void test_bm25__equals_the_formula(void **state)
{
    (void)state;
    struct library *library = library_new();
    static const struct lexical_params params[] = {{1.5, .75}, {.9, .4}, {2, 0}, {0, 1}};
    uint32_t seed = 5;
    for (size_t round = 0; round < 40; round++) {
        int words[6];
        size_t n_words = 1 + round % 6;
        struct buf text = {0};
        for (size_t k = 0; k < n_words; k++) {
            words[k] = (int)(next_random(&seed) % N_WORDS);
            append_word(&text, words[k]);
        }
        struct arena arena = {0};
        struct lexical_query query;
        struct lexical_tail *tail;
        struct lexical_stats stats = {0};
        parse(library, text.data, &arena, &query);
        assert_ok(lexical_tail_new(&query, &tail, &err));
        for (size_t i = 0; i < N_ROWS; i++)
            assert_ok(lexical_tail_add(tail, library->blob[i].data, library->blob[i].len,
                                       library->n_terms[i], &err));
        const int32_t *scores;
        size_t n;
        lexical_tail_count(tail, &stats, &query);
        lexical_query_weigh(&query, &stats, params[round % 4]);
        assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
        assert_int_equal(n, N_ROWS);
        for (size_t i = 0; i < n; i++) {
            double expected = expected_score(library, i, words, n_words, params[round % 4]);
            assert_true(fabs(scores[i] / query.scale - expected) <=
                        1e-6 * fmax(1, expected) + .5 * (double)n_words / query.scale);
        }
        lexical_tail_free(tail);
        arena_clear(&arena);
        buf_clear(&text);
    }
    library_clear(library);
}

static void test_bm25__counts_repeated_query_words(void **state)
{
    (void)state;
    struct library *library = library_new();
    struct arena arena = {0};
    struct lexical_query query;
    parse(library, "zulu alpha zulu Zulu", &arena, &query);
    assert_int_equal(query.n_terms, 2);
    assert_string_equal(query.terms[0].term, "alpha");
    assert_true(query.terms[0].weight == 1 && query.terms[1].weight == 3);
    parse(library, "", &arena, &query);
    assert_int_equal(query.n_terms, 0);
    arena_clear(&arena);
    library_clear(library);
}

static void test_bm25__keeps_a_query_of_function_words(void **state)
{
    (void)state;
    struct analyzer *analyzer;
    struct arena arena = {0};
    struct lexical_query query;
    assert_ok(analyzer_new("english", &analyzer, &err));
    assert_ok(lexical_query_parse(analyzer, "who is it", 9, &arena, &query, &err));
    assert_int_equal(query.n_terms, 3);
    assert_ok(lexical_query_parse(analyzer, "who is king", 11, &arena, &query, &err));
    assert_int_equal(query.n_terms, 1);
    assert_ok(lexical_query_parse(analyzer, "cafe\xCC\x81", 6, &arena, &query, &err));
    assert_string_equal(query.terms[0].term, "caf\xC3\xA9");
    arena_clear(&arena);
    analyzer_free(analyzer);
}

static void test_bm25__scores_nothing(void **state)
{
    (void)state;
    struct library *library = library_new();
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_tail *tail;
    struct lexical_stats stats = {0};
    const int32_t *scores;
    size_t n;
    parse(library, "absent", &arena, &query);
    assert_ok(lexical_tail_new(&query, &tail, &err));
    lexical_tail_count(tail, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
    assert_int_equal(n, 0);
    assert_ok(lexical_tail_add(tail, library->blob[0].data, library->blob[0].len,
                               library->n_terms[0], &err));
    assert_ok(lexical_tail_add(tail, "", 0, 0, &err));
    lexical_tail_count(tail, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
    assert_int_equal(n, 2);
    assert_true(scores[0] == 0 && scores[1] == 0);
    assert_true(query.terms[0].idf > 0);
    lexical_tail_free(tail);
    lexical_tail_free(NULL);
    arena_clear(&arena);
    library_clear(library);
}

/* A word that every row has weighs next to nothing, but its rows are hits. */
static void test_bm25__finds_what_is_everywhere(void **state)
{
    (void)state;
    struct library *library = library_new();
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_tail *tail;
    struct lexical_stats stats = {.n_rows = 100000000, .n_terms = 1000000000};
    const int32_t *scores;
    size_t n;
    parse(library, "aa", &arena, &query);
    query.terms[0].df = stats.n_rows;
    assert_ok(lexical_tail_new(&query, &tail, &err));
    assert_ok(lexical_tail_add(tail, "\2aa\1", 4, 900000, &err));
    lexical_tail_count(tail, &stats, &query);
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
    assert_int_equal(scores[0], 1);
    assert_int_equal(stats.n_terms, 1000000000 + LEXICAL_LENGTH_MAX);
    lexical_tail_free(tail);
    arena_clear(&arena);
    library_clear(library);
}

/* However long the question: the sum of its scores stays a 32-bit number. */
static void test_bm25__keeps_sums_in_range(void **state)
{
    (void)state;
    struct library *library = library_new();
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_stats stats = {.n_rows = 1000000000, .n_terms = 1000000000};
    parse(library, "aa", &arena, &query);
    query.terms[0].weight = 30000;
    lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
    assert_true(query.scale < 65536 && query.terms[0].factor <= (float)(1 << 30));
    assert_true(query.terms[0].factor > (float)(1 << 28));
    arena_clear(&arena);
    library_clear(library);
}

/* Each byte of a row replaced, each length cut: a status, never a crash, and never a trace of the
 * refused row. */
static void test_bm25__refuses_damaged_rows(void **state)
{
    (void)state;
    struct library *library = library_new();
    struct arena arena = {0};
    struct lexical_query query;
    const struct lexical_clause clauses[] = {
        {"aa longbeginnab longbeginnzz zz", 31, LEXICAL_WORDS, 0},
        {"long", 4, LEXICAL_PREFIX, 0},
        {"longbeginnab aa", 15, LEXICAL_PHRASE, 1}};
    assert_ok(lexical_query_build(library->analyzer, clauses, 3, &arena, &query, &err));
    const struct buf *blob = &library->blob[1];
    size_t n_refused = 0;
    for (size_t at = 0; at < blob->len; at++) {
        static const unsigned char values[] = {0, 1, 0x7F, 0x80, 0xFF};
        for (size_t v = 0; v <= sizeof values; v++) {
            size_t len = v == sizeof values ? at : blob->len;
            /* A copy of its own, so that a read past the end is seen. */
            char *copy = malloc(len + 1);
            assert_non_null(copy);
            memcpy(copy, blob->data, len);
            if (v < sizeof values)
                copy[at] = (char)values[v];
            struct lexical_tail *tail;
            struct lexical_stats stats = {0};
            assert_ok(lexical_tail_new(&query, &tail, &err));
            enum status status = lexical_tail_add(tail, copy, len, 5, &err);
            assert_true(status == STATUS_OK || status == STATUS_DAMAGED);
            const int32_t *scores;
            size_t n;
            assert_ok(lexical_tail_add(tail, "", 0, 0, &err));
            lexical_tail_count(tail, &stats, &query);
            lexical_query_weigh(&query, &stats, LEXICAL_PARAMS_DEFAULT);
            assert_ok(lexical_tail_scores(tail, &scores, &n, &err));
            assert_int_equal(n, status == STATUS_OK ? 2 : 1);
            assert_true(scores[n - 1] == 0);
            n_refused += status == STATUS_DAMAGED;
            lexical_tail_free(tail);
            free(copy);
        }
    }
    assert_true(n_refused > 0);
    arena_clear(&arena);
    library_clear(library);
}

static void test_bm25__weighs_coverage_by_rarity(void **state)
{
    (void)state;
    struct analyzer *analyzer;
    struct arena arena = {0};
    struct lexical_query query;
    double share = -1;
    assert_ok(analyzer_new("english", &analyzer, &err));
    assert_ok(lexical_query_parse(analyzer, "rare common", 11, &arena, &query, &err));
    query.terms[0].idf = 1; /* common */
    query.terms[1].idf = 3;
    assert_ok(lexical_coverage(analyzer, &query, "It is COMMON.", 13, &share, &err));
    assert_true(fabs(share - .25) < 1e-12);
    assert_ok(lexical_coverage(analyzer, &query, "a rare and common", 17, &share, &err));
    assert_true(fabs(share - 1) < 1e-12);
    assert_ok(lexical_coverage(analyzer, &query, "neither", 7, &share, &err));
    assert_true(share == 0);
    arena_clear(&arena);
    analyzer_free(analyzer);
}

#ifdef RAGGED_FAULT
static enum status score_all(const struct buf *blob, uint32_t n_terms, struct lexical_query *query,
                             int32_t *out)
{
    struct lexical_tail *tail = NULL;
    struct lexical_stats stats = {0};
    const int32_t *scores = NULL;
    size_t n = 0;
    enum status status = lexical_tail_new(query, &tail, &err);
    if (!status)
        status = lexical_tail_add(tail, blob->data, blob->len, n_terms, &err);
    if (!status) {
        lexical_tail_count(tail, &stats, query);
        lexical_query_weigh(query, &stats, LEXICAL_PARAMS_DEFAULT);
        status = lexical_tail_scores(tail, &scores, &n, &err);
    }
    if (!status)
        *out = scores[0];
    lexical_tail_free(tail);
    return status;
}

static enum status run_all(struct analyzer *analyzer, int32_t *out)
{
    const char *texts[] = {"first title", "the first body of words"};
    const size_t lens[] = {strlen(texts[0]), strlen(texts[1])};
    const struct lexical_clause clauses[] = {{"first words", 11, LEXICAL_WORDS, false},
                                             {"first body", 10, LEXICAL_PHRASE, false},
                                             {"tit", 3, LEXICAL_PREFIX, false}};
    struct buf blob = {0};
    struct arena arena = {0};
    struct lexical_query query = {0};
    uint32_t n_terms = 0;
    int32_t score = 0;
    double share;
    enum status status = lexical_terms_encode(analyzer, texts, lens, 2, &blob, &n_terms, &err);
    if (status)
        assert_true(blob.len == 0 && n_terms == 0);
    if (!status)
        status = lexical_query_build(analyzer, clauses, 3, &arena, &query, &err);
    if (!status)
        status = score_all(&blob, n_terms, &query, &score);
    if (!status)
        status = lexical_coverage(analyzer, &query, texts[0], lens[0], &share, &err);
    if (!status)
        *out = score;
    arena_clear(&arena);
    buf_clear(&blob);
    return status;
}
#endif

static void test_bm25__reports_each_lack_of_memory(void **state)
{
    (void)state;
#ifndef RAGGED_FAULT
    skip_because("needs FAULT=1");
#else
    struct analyzer *analyzer;
    assert_ok(analyzer_new("english", &analyzer, &err));
    int32_t score = -1;
    int n = 1;
    for (;; n++) {
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        enum status status = run_all(analyzer, &score);
        fault_plan(NULL);
        if (status == STATUS_OK)
            break;
        assert_status(status, STATUS_NOMEM);
        assert_true(score == -1);
    }
    assert_true(n > 8 && score > 0);
    analyzer_free(analyzer);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bm25__equals_the_formula),
        cmocka_unit_test(test_bm25__counts_repeated_query_words),
        cmocka_unit_test(test_bm25__keeps_a_query_of_function_words),
        cmocka_unit_test(test_bm25__scores_nothing),
        cmocka_unit_test(test_bm25__finds_what_is_everywhere),
        cmocka_unit_test(test_bm25__keeps_sums_in_range),
        cmocka_unit_test(test_bm25__refuses_damaged_rows),
        cmocka_unit_test(test_bm25__weighs_coverage_by_rarity),
        cmocka_unit_test(test_bm25__reports_each_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
