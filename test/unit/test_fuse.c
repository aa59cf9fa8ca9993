#include "../testing.h"

#include <stdlib.h>

#include "engine/fuse.h"
#include "engine/rrf.h"

static struct error err;

/* The definitions, the slow way. */
static double lexical_with_neighbour(const struct fuse_row *rows, const float *lexical, size_t n,
                                     size_t i)
{
    float before = i > 0 && rows[i - 1].document_id == rows[i].document_id ? lexical[i - 1] : 0;
    float behind = i + 1 < n && rows[i + 1].document_id == rows[i].document_id ? lexical[i + 1] : 0;
    return (double)lexical[i] + 0.2 * (double)(before > behind ? before : behind);
}

static double expected_score(const struct fuse_row *rows, const float *lexical, size_t n,
                             const struct fuse_candidate *candidates, size_t n_candidates, size_t i)
{
    double best_lexical = 0, best_cosine = 0;
    for (size_t k = 0; k < n_candidates; k++) {
        double score = lexical_with_neighbour(rows, lexical, n, candidates[k].i_row);
        if (score > best_lexical)
            best_lexical = score;
    }
    for (size_t k = 0; k < n; k++) {
        if (!rows[k].is_allowed)
            continue;
        if ((double)rows[k].cosine > best_cosine)
            best_cosine = (double)rows[k].cosine;
    }
    double cosine = rows[i].cosine > 0 ? (double)rows[i].cosine : 0;
    return (best_cosine > 0 ? 0.6 * cosine / best_cosine : 0) +
           (best_lexical > 0 ? 0.4 * lexical_with_neighbour(rows, lexical, n, i) / best_lexical
                             : 0);
}

static void test_fuse__scores_both_legs_of_every_candidate(void **state)
{
    (void)state;
    srand(3);
    enum { N = 3000 };
    static struct fuse_row rows[N];
    static float lexical[N];
    for (size_t i = 0; i < N; i++) {
        rows[i] = (struct fuse_row){.chunk_id = (int64_t)i,
                                    .document_id = (int64_t)(i / 4),
                                    .cosine = (float)(rand() % 2000 - 1000) / 1000.0f,
                                    .is_allowed = rand() % 5 != 0};
        lexical[i] = rand() % 3 ? 0.0f : (float)(rand() % 500) / 50.0f;
    }
    struct fuse_input input = {
        .rows = rows, .lexical = lexical, .n_rows = N, .mode = ENGINE_MODE_HYBRID, .n_leg = 100};
    struct arena arena = {0};
    struct fuse_candidate *got;
    size_t n;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_in_range(n, 100, 200);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[got[i].i_row].is_allowed);
        assert_float_equal((float)got[i].score,
                           (float)expected_score(rows, lexical, N, got, n, got[i].i_row), 1e-6f);
        if (i > 0)
            assert_true(got[i - 1].score > got[i].score ||
                        (got[i - 1].score == got[i].score && got[i - 1].i_row < got[i].i_row));
    }
    /* A row outside the candidates is outside the best 100 of both legs. */
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].lexical_rank > 0 || got[i].vector_rank > 0);
    arena_clear(&arena);
}

static void test_fuse__takes_the_exact_best_of_a_leg(void **state)
{
    (void)state;
    struct fuse_row rows[6] = {{.cosine = -2}, {.cosine = -2}, {.cosine = -2},
                               {.cosine = -2}, {.cosine = -2}, {.cosine = -2}};
    float lexical[6] = {1, 5, 0, 5, 3, 2};
    for (int i = 0; i < 6; i++) {
        rows[i].is_allowed = i != 4;
        rows[i].document_id = i;
    }
    struct fuse_input input = {
        .rows = rows, .lexical = lexical, .n_rows = 6, .mode = ENGINE_MODE_LEXICAL, .n_leg = 3};
    struct arena arena = {0};
    struct fuse_candidate *got;
    size_t n;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(got[0].i_row, 1); /* ties: the older chunk first */
    assert_int_equal(got[1].i_row, 3);
    assert_int_equal(got[2].i_row, 5);
    assert_float_equal((float)got[0].score, 1.0f, 1e-9f);
    assert_int_equal(got[0].lexical_rank, 1);
    assert_int_equal(got[0].vector_rank, 0);
    arena_clear(&arena);
}

static void test_fuse__words_count_whole_where_there_is_no_vector(void **state)
{
    (void)state;
    struct fuse_row rows[4] = {
        {.document_id = 0, .cosine = 0.8f, .is_allowed = true},
        {.document_id = 1, .cosine = FUSE_NO_VECTOR, .is_allowed = true},
        {.document_id = 2, .cosine = 0.4f, .is_allowed = true},
        {.document_id = 3, .cosine = FUSE_NO_VECTOR, .is_allowed = true},
    };
    const float lexical[4] = {5, 9, 10, 0};
    const size_t order[3] = {1, 0, 2};
    const float score[3] = {0.9f, 0.8f, 0.7f};
    struct fuse_input input = {
        .rows = rows, .lexical = lexical, .n_rows = 4, .mode = ENGINE_MODE_HYBRID, .n_leg = 100};
    struct arena arena = {0};
    struct fuse_candidate *got;
    size_t n;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].i_row, order[i]);
        assert_float_equal((float)got[i].score, score[i], 1e-6f);
    }
    assert_int_equal(got[0].vector_rank, 0);
    assert_float_equal((float)got[0].vector_part, 0.0f, 1e-9f);
    /* Meaning alone has nothing to say about them. */
    input.mode = ENGINE_MODE_VECTOR;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 2);
    arena_clear(&arena);
}

static void test_fuse__reciprocal_ranks_look_at_places_only(void **state)
{
    (void)state;
    struct fuse_row rows[5] = {
        {.document_id = 0, .cosine = 0.9f, .is_allowed = true},
        {.document_id = 1, .cosine = 0.1f, .is_allowed = true},
        {.document_id = 2, .cosine = 0.2f, .is_allowed = true},
        {.document_id = 3, .cosine = FUSE_NO_VECTOR, .is_allowed = true},
        {.document_id = 4, .cosine = 0.3f, .is_allowed = true},
    };
    const float lexical[5] = {2, 9, 8, 7, 0};
    /* Places by meaning 1 4 3 - 2, by words 4 1 2 3 -; without a vector words count whole. */
    const double score[5] = {30.5 / 61 + 30.5 / 64, 30.5 / 64 + 30.5 / 61, 30.5 / 63 + 30.5 / 62,
                             61.0 / 63, 30.5 / 62};
    const size_t order[5] = {0, 1, 2, 3, 4};
    struct fuse_input input = {.rows = rows,
                               .lexical = lexical,
                               .n_rows = 5,
                               .mode = ENGINE_MODE_HYBRID,
                               .n_leg = 100,
                               .fusion = ENGINE_FUSION_RRF};
    struct arena arena = {0};
    struct fuse_candidate *got;
    size_t n;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].i_row, order[i]);
        assert_float_equal((float)got[i].score, (float)score[i], 1e-6f);
        assert_float_equal((float)(got[i].vector_part + got[i].lexical_part), (float)score[i],
                           1e-6f);
    }
    assert_float_equal((float)rrf_part(1, 2), 0.5f, 1e-9f);
    assert_float_equal((float)rrf_part(0, 2), 0.0f, 1e-9f);
    /* One leg alone is scored as ever. */
    input.mode = ENGINE_MODE_VECTOR;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 4);
    assert_float_equal((float)got[1].score, 0.3f / 0.9f, 1e-6f);
    arena_clear(&arena);
}

static void test_fuse__empty_input_gives_nothing(void **state)
{
    (void)state;
    struct fuse_input input = {.mode = ENGINE_MODE_HYBRID, .n_leg = 100};
    struct arena arena = {0};
    struct fuse_candidate *got;
    size_t n = 9;
    assert_ok(fuse_rank(&input, &arena, &got, &n, &err));
    assert_int_equal(n, 0);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuse__scores_both_legs_of_every_candidate),
        cmocka_unit_test(test_fuse__takes_the_exact_best_of_a_leg),
        cmocka_unit_test(test_fuse__words_count_whole_where_there_is_no_vector),
        cmocka_unit_test(test_fuse__reciprocal_ranks_look_at_places_only),
        cmocka_unit_test(test_fuse__empty_input_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
