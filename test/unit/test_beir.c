#include "../testing.h"

#include "eval/beir.h"

/* Values worked out by hand from trec_eval's definitions. */
static void test_beir__measures_by_hand(void **state)
{
    (void)state;
    struct beir_judgement judgements[] = {{"b", 1}, {"a", 2}, {"z", 1}};
    struct beir_query query = {.id = "1", .judgements = judgements, .n_judgements = 3};
    const char *ranking[] = {"x", "a", "y", "b"};
    /* dcg = 2/log2(3) + 1/log2(5); ideal = 2/log2(2) + 1/log2(3) + 1/log2(4) */
    assert_float_equal((float)beir_ndcg(&query, ranking, 4, 10),
                       (float)((2 / 1.5849625 + 1 / 2.3219281) / (2 + 1 / 1.5849625 + 0.5)), 1e-6f);
    assert_float_equal((float)beir_recall(&query, ranking, 4, 10), 2.0f / 3, 1e-6f);
    assert_float_equal((float)beir_recall(&query, ranking, 4, 2), 1.0f / 3, 1e-6f);
    assert_float_equal((float)beir_reciprocal_rank(&query, ranking, 4, 10), 0.5f, 1e-6f);
    assert_float_equal((float)beir_ndcg(&query, ranking, 0, 10), 0.0f, 1e-9f);
    assert_float_equal((float)beir_ndcg(&query, ranking, 4, 1), 0.0f, 1e-9f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beir__measures_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
