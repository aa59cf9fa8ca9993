#include "../testing.h"

#include <stdlib.h>

#include "search/fuse.h"
#include "search/search.h"

static double max_of(double a, double b)
{
    return a > b ? a : b;
}

/* The definition, the slow way. */
static double expected_score(const struct fuse_candidate *candidates, size_t n,
                             const struct fuse_candidate *c)
{
    double best_lexical = 0, best_cosine = 0;
    for (size_t k = 0; k < n; k++) {
        best_lexical =
            max_of(best_lexical, candidates[k].lexical + 0.2 * candidates[k].near_lexical);
        best_cosine = max_of(best_cosine, candidates[k].cosine);
    }
    return 0.6 * max_of(c->cosine, 0) / best_cosine +
           0.4 * (c->lexical + 0.2 * c->near_lexical) / best_lexical;
}

static void test_fuse__scores_both_legs_of_every_candidate(void **state)
{
    (void)state;
    srand(3);
    enum { N = 150 };
    struct fuse_candidate candidates[N];
    for (size_t i = 0; i < N; i++)
        candidates[i] = (struct fuse_candidate){
            .chunk_id = (int64_t)i + 1,
            .has_vector = true,
            .cosine = (double)(rand() % 2000 - 1000) / 1000,
            .lexical = rand() % 3 ? 0 : (double)(rand() % 500) / 50,
            .near_lexical = rand() % 2 ? 0 : (double)(rand() % 500) / 50,
        };
    fuse_rank(ENGINE_MODE_HYBRID, ENGINE_FUSION_CONVEX, candidates, N);
    for (size_t i = 0; i < N; i++) {
        const struct fuse_candidate *c = &candidates[i];
        assert_float_equal((float)c->score, (float)expected_score(candidates, N, c), 1e-6f);
        assert_float_equal((float)c->score, (float)(c->lexical_part + c->vector_part), 1e-6f);
        if (i > 0)
            assert_true(c[-1].score > c->score ||
                        (c[-1].score == c->score && c[-1].chunk_id < c->chunk_id));
    }
}

static void test_fuse__union_keeps_both_ranks(void **state)
{
    (void)state;
    const struct leg_hit lexical[] = {{7, 1, 5.0}, {3, 2, 4.0}, {9, 1, 3.0}};
    const struct leg_hit vector[] = {{3, 2, 0.9}, {8, 4, 0.8}};
    struct fuse_candidate out[5];
    assert_int_equal(fuse_union(lexical, 3, vector, 2, out), 4);
    const int64_t ids[] = {3, 7, 8, 9}, documents[] = {2, 1, 4, 1};
    const size_t lexical_ranks[] = {2, 1, 0, 3}, vector_ranks[] = {1, 0, 2, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out[i].chunk_id, ids[i]);
        assert_int_equal(out[i].document_id, documents[i]);
        assert_int_equal(out[i].lexical_rank, lexical_ranks[i]);
        assert_int_equal(out[i].vector_rank, vector_ranks[i]);
    }
    assert_int_equal(fuse_union(NULL, 0, NULL, 0, out), 0);
}

static void test_fuse__words_count_whole_where_there_is_no_vector(void **state)
{
    (void)state;
    struct fuse_candidate candidates[3] = {
        {.chunk_id = 1, .lexical = 5, .has_vector = true, .cosine = 0.8},
        {.chunk_id = 2, .lexical = 9},
        {.chunk_id = 3, .lexical = 10, .has_vector = true, .cosine = 0.4},
    };
    const int64_t order[3] = {2, 1, 3};
    const float score[3] = {0.9f, 0.8f, 0.7f};
    fuse_rank(ENGINE_MODE_HYBRID, ENGINE_FUSION_CONVEX, candidates, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(candidates[i].chunk_id, order[i]);
        assert_float_equal((float)candidates[i].score, score[i], 1e-6f);
    }
    assert_float_equal((float)candidates[0].vector_part, 0.0f, 1e-9f);
}

static void test_fuse__one_leg_is_its_score_over_its_best(void **state)
{
    (void)state;
    struct fuse_candidate candidates[3] = {
        {.chunk_id = 4, .lexical = 2, .has_vector = true, .cosine = 0.9},
        {.chunk_id = 5, .lexical = 4, .has_vector = true, .cosine = 0.3},
        {.chunk_id = 6, .lexical = 4, .has_vector = true, .cosine = -0.3},
    };
    fuse_rank(ENGINE_MODE_LEXICAL, ENGINE_FUSION_CONVEX, candidates, 3);
    assert_int_equal(candidates[0].chunk_id, 5); /* ties: the older chunk first */
    assert_float_equal((float)candidates[0].score, 1.0f, 1e-9f);
    assert_float_equal((float)candidates[2].score, 0.5f, 1e-9f);
    for (size_t i = 0; i < 3; i++)
        candidates[i].lexical_part = candidates[i].vector_part = 0;
    fuse_rank(ENGINE_MODE_VECTOR, ENGINE_FUSION_CONVEX, candidates, 3);
    assert_int_equal(candidates[0].chunk_id, 4);
    assert_float_equal((float)candidates[2].score, 0.0f, 1e-9f);
}

static void test_fuse__ranks_alone_count_when_asked(void **state)
{
    (void)state;
    struct fuse_candidate candidates[4] = {
        {.chunk_id = 1, .lexical_rank = 1, .vector_rank = 3, .has_vector = true, .cosine = 0.1},
        {.chunk_id = 2, .lexical_rank = 2, .has_vector = true, .cosine = 0.9},
        {.chunk_id = 3, .vector_rank = 1, .has_vector = true, .cosine = 0.8},
        {.chunk_id = 4, .lexical_rank = 3}, /* no vector: its words count whole */
    };
    const int64_t order[4] = {1, 4, 3, 2};
    fuse_rank(ENGINE_MODE_HYBRID, ENGINE_FUSION_RRF, candidates, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(candidates[i].chunk_id, order[i]);
    assert_float_equal((float)candidates[0].score, (float)(0.5 * (61.0 / 61 + 61.0 / 63)), 1e-6f);
    assert_float_equal((float)candidates[3].score, (float)(0.5 * 61 / 62), 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuse__scores_both_legs_of_every_candidate),
        cmocka_unit_test(test_fuse__union_keeps_both_ranks),
        cmocka_unit_test(test_fuse__words_count_whole_where_there_is_no_vector),
        cmocka_unit_test(test_fuse__ranks_alone_count_when_asked),
        cmocka_unit_test(test_fuse__one_leg_is_its_score_over_its_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
