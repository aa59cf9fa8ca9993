/* Phrases, prefixes and exclusions: tail and index against a naive look at the words. */
#include "lexical_fixture.h"

#define GAP 17 /* between the last position of the heading and the first of the text */
#define N_CLAUSES_MAX 4

struct made_clause {
    enum lexical_clause_kind kind;
    bool is_excluded;
    uint32_t words[4];
    size_t n;
    struct buf text;
};

static size_t position_of(const struct made_row *row, size_t i)
{
    bool has_gap = row->n_heading > 0 && i >= row->n_heading;
    return i + (has_gap ? GAP - 1 : 0);
}

static bool has_phrase(const struct made_row *row, const uint32_t *words, size_t n)
{
    for (size_t i = 0; i + n <= row->n; i++) {
        size_t k = 0;
        while (k < n && row->words[i + k] == words[k] &&
               position_of(row, i + k) == position_of(row, i) + k)
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static bool has_prefix(const struct made_row *row, const struct buf *prefix)
{
    bool has_it = false;
    for (size_t i = 0; i < row->n && !has_it; i++) {
        struct buf word = {0};
        append_word(&word, row->words[i]);
        has_it = word.len >= prefix->len && memcmp(word.data, prefix->data, prefix->len) == 0;
        buf_clear(&word);
    }
    return has_it;
}

static bool is_wanted(const struct made_row *row, const struct made_clause *clauses, size_t n)
{
    bool is = true;
    for (size_t i = 0; i < n; i++) {
        const struct made_clause *c = &clauses[i];
        if (c->kind == LEXICAL_PHRASE)
            is &= has_phrase(row, c->words, c->n) != c->is_excluded;
        if (c->kind == LEXICAL_PREFIX && c->is_excluded)
            is &= !has_prefix(row, &c->text);
        for (size_t k = 0; c->kind == LEXICAL_WORDS && c->is_excluded && k < c->n; k++)
            is &= !has_phrase(row, c->words + k, 1);
    }
    return is;
}

static void make_clause(struct made_clause *out, const struct made_rows *made, uint32_t *seed)
{
    const struct made_row *row = &made->rows[next_random(seed) % made->n];
    *out = (struct made_clause){.kind = next_random(seed) % 3,
                                .is_excluded = next_random(seed) % 3 == 0,
                                .n = 1 + next_random(seed) % 4};
    /* Half of the phrases are in some row. */
    size_t start = row->n > out->n ? next_random(seed) % (row->n - out->n) : 0;
    bool is_copy = row->n > out->n && next_random(seed) % 2;
    for (size_t i = 0; i < out->n; i++) {
        out->words[i] = is_copy ? row->words[start + i] : next_word(seed, made->n_words);
        if (out->kind != LEXICAL_PREFIX || i == 0)
            append_word(&out->text, out->words[i]);
    }
    if (out->kind == LEXICAL_PREFIX)
        buf_truncate(&out->text, 1 + next_random(seed) % out->text.len);
}

static void check_query(const struct made_rows *made, const struct made_segment *segment,
                        uint32_t *seed)
{
    struct made_clause made_clauses[N_CLAUSES_MAX];
    struct lexical_clause clauses[N_CLAUSES_MAX];
    size_t n = 1 + next_random(seed) % N_CLAUSES_MAX, n_words = bitmap_n_words(made->n);
    uint64_t by_tail[64], by_index[64];
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_tail *tail;
    struct lexical_lookup *lookup;
    assert_true(n_words <= 64);
    for (size_t i = 0; i < n; i++) {
        make_clause(&made_clauses[i], made, seed);
        clauses[i] = (struct lexical_clause){made_clauses[i].text.data, made_clauses[i].text.len,
                                             made_clauses[i].kind, made_clauses[i].is_excluded};
    }
    assert_ok(lexical_query_build(made->analyzer, clauses, n, &arena, &query, &err));
    assert_ok(lexical_tail_new(&query, &tail, &err));
    tail_add_rows(tail, made, 0, made->n);
    assert_ok(lexical_lookup_new(segment->index, &query, &lookup, &err));
    memset(by_tail, 0xFF, sizeof by_tail);
    memset(by_index, 0xFF, sizeof by_index);
    lexical_tail_restrict(tail, by_tail);
    assert_ok(lexical_lookup_restrict(lookup, by_index, &err));
    for (size_t i = 0; i < made->n; i++) {
        bool expected = is_wanted(&made->rows[i], made_clauses, n);
        assert_true(expected || lexical_query_is_restricted(&query));
        assert_int_equal(bitmap_has(by_tail, i), expected);
        assert_int_equal(bitmap_has(by_index, i), expected);
    }
    lexical_tail_free(tail);
    lexical_lookup_free(lookup);
    for (size_t i = 0; i < n; i++)
        buf_clear(&made_clauses[i].text);
    arena_clear(&arena);
}

static void test_lexical_query__restricts_like_a_naive_look(void **state)
{
    (void)state;
    uint32_t seed = 4711;
    printf("seed %u\n", seed);
    for (size_t round = 0; round < 12; round++) {
        struct made_rows made = made_rows_new(1 + next_random(&seed) % (round % 3 ? 200 : 4000), 30,
                                              3 + next_random(&seed) % 60, next_random(&seed));
        struct made_segment segment = made_segment_of(&made, 0, made.n);
        for (size_t i = 0; i < 60; i++)
            check_query(&made, &segment, &seed);
        made_segment_clear(&segment);
        made_rows_clear(&made);
    }
}

/* One English text as tail and as segment. */
static bool matches(const char *text, const struct lexical_clause *clauses, size_t n,
                    bool has_positions)
{
    struct made_rows made = {.n = 1, .rows = calloc(1, sizeof *made.rows)};
    struct made_row *row = made.rows;
    size_t len = strlen(text);
    uint64_t by_tail = 1, by_index = 1;
    struct arena arena = {0};
    struct lexical_query query;
    struct lexical_tail *tail;
    struct lexical_lookup *lookup;
    assert_ok(analyzer_new("english", &made.analyzer, &err));
    assert_ok(lexical_terms_encode(made.analyzer, &text, &len, 1, &row->blob, &row->n_terms, &err));
    if (!has_positions)
        buf_truncate(&row->blob, strlen(row->blob.data));
    struct made_segment segment = made_segment_of(&made, 0, 1);
    assert_ok(lexical_query_build(made.analyzer, clauses, n, &arena, &query, &err));
    assert_ok(lexical_tail_new(&query, &tail, &err));
    tail_add_rows(tail, &made, 0, 1);
    assert_ok(lexical_lookup_new(segment.index, &query, &lookup, &err));
    lexical_tail_restrict(tail, &by_tail);
    assert_ok(lexical_lookup_restrict(lookup, &by_index, &err));
    assert_int_equal(by_tail, by_index);
    lexical_tail_free(tail);
    lexical_lookup_free(lookup);
    arena_clear(&arena);
    made_segment_clear(&segment);
    made_rows_clear(&made);
    return by_tail == 1;
}

static bool phrase_matches(const char *text, const char *phrase, bool is_excluded)
{
    struct lexical_clause clause = {phrase, strlen(phrase), LEXICAL_PHRASE, is_excluded};
    return matches(text, &clause, 1, true);
}

static void test_lexical_query__matches_phrases_in_either_spelling(void **state)
{
    (void)state;
    assert_true(phrase_matches("the state of the art today", "State of the Arts", false));
    assert_false(phrase_matches("the state of art", "state of the art", false));
    assert_true(phrase_matches("see foo.bar baz", "foo bar baz", false));
    assert_true(phrase_matches("see foo bar baz", "foo.bar baz", false));
    assert_true(phrase_matches("call getFileName now", "get file name now", false));
    assert_true(phrase_matches("ask (東京都庁) now", "東京都", false));
    assert_false(phrase_matches("京都 東京", "東京都", false));
    assert_true(phrase_matches("anything", "...", false));
    assert_false(phrase_matches("a foo bar", "foo bar", true));
    assert_true(phrase_matches("a bar foo", "foo bar", true));
    /* An excluded compound is not each of its parts. */
    struct lexical_clause excluded = {"foo.bar baz", 11, LEXICAL_WORDS, true};
    assert_true(matches("a foo alone", &excluded, 1, true));
    assert_false(matches("some foo.bar", &excluded, 1, true));
    assert_false(matches("some baz", &excluded, 1, true));
}

static void test_lexical_query__finds_no_phrase_without_positions(void **state)
{
    (void)state;
    struct lexical_clause two = {"foo bar", 7, LEXICAL_PHRASE, false};
    struct lexical_clause one = {"foo", 3, LEXICAL_PHRASE, false};
    struct lexical_clause same = {"foo foo", 7, LEXICAL_PHRASE, false};
    assert_false(matches("foo bar", &two, 1, false));
    assert_false(matches("foo foo foo", &same, 1, false));
    assert_true(matches("foo bar", &one, 1, false));
}

static void test_lexical_query__builds_terms_and_weights(void **state)
{
    (void)state;
    struct analyzer *analyzer;
    struct arena arena = {0};
    struct lexical_query query;
    const struct lexical_clause clauses[] = {
        {"What is the Art", 15, LEXICAL_WORDS, false},
        {"state of the art", 16, LEXICAL_PHRASE, false},
        {"AR", 2, LEXICAL_PREFIX, false},
        {"war", 3, LEXICAL_WORDS, true},
    };
    static const struct {
        const char *term;
        double weight;
        bool is_prefix;
    } expected[] = {{"ar", 1, true},     {"art", 2, false}, {"of", 0, false},
                    {"state", 1, false}, {"the", 0, false}, {"war", 0, false}};
    assert_ok(analyzer_new("english", &analyzer, &err));
    assert_ok(lexical_query_build(analyzer, clauses, 4, &arena, &query, &err));
    assert_int_equal(query.n_terms, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(query.terms[i].term, expected[i].term);
        assert_true(query.terms[i].weight == expected[i].weight);
        assert_int_equal(query.terms[i].is_prefix, expected[i].is_prefix);
    }
    assert_int_equal(query.n_constraints, 2);
    assert_int_equal(query.constraints[0].n, 4);
    assert_string_equal(query.terms[query.constraints[0].i_terms[3]].term, "art");
    assert_true(query.constraints[1].is_excluded && !query.constraints[0].is_excluded);
    assert_ok(lexical_query_build(analyzer, clauses + 3, 1, &arena, &query, &err));
    assert_true(lexical_query_is_restricted(&query));
    assert_ok(lexical_query_build(analyzer, clauses, 1, &arena, &query, &err));
    assert_false(lexical_query_is_restricted(&query));
    assert_ok(lexical_query_build(analyzer, clauses, 0, &arena, &query, &err));
    assert_int_equal(query.n_terms, 0);
    arena_clear(&arena);
    analyzer_free(analyzer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexical_query__restricts_like_a_naive_look),
        cmocka_unit_test(test_lexical_query__matches_phrases_in_either_spelling),
        cmocka_unit_test(test_lexical_query__finds_no_phrase_without_positions),
        cmocka_unit_test(test_lexical_query__builds_terms_and_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
