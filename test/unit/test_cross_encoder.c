#include "../reference_model.h"
#include "base/fault.h"
#include "nn/cross_encoder.h"
#include "nn/tokenizer.h"

static const struct shape shapes[] = {
    {"mean_tokens", "", 2, 24, 3, 40, SHAPE_CLASSIFIER},
    {"mean_tokens", "bert.", 6, 48, 12, 64, SHAPE_CLASSIFIER},
    {"cls_token", "bert.", 1, 7, 1, 5, SHAPE_CLASSIFIER},
};

static struct error err;

static const char query[] = "a b c";
static const char *const passages[] = {"d", "", "e f g h i j", "a b c",
                                       "k l m n o p q r s t u v w x y z a b c d e f g h i j k"};
#define N_PASSAGES (sizeof passages / sizeof passages[0])

static size_t encode_pair(const struct model *m, const char *passage, int32_t *ids, uint8_t *types,
                          size_t n_max)
{
    struct model_config config;
    struct tokenizer tokenizer = {0};
    assert_ok(model_config_read(m->folder, &config, &err));
    assert_ok(tokenizer_open(m->folder, &config, &tokenizer, &err));
    const struct tokenizer_pair pair = {
        .a = query, .a_len = strlen(query), .b = passage, .b_len = strlen(passage)};
    size_t n = tokenizer_encode_pair(&tokenizer, &pair, ids, types, n_max);
    tokenizer_close(&tokenizer);
    return n;
}

/* A score adds up what was rounded in every component. */
static double tolerance_of(const char *kernel)
{
    return strstr(kernel, "fp32") ? 2e-5 : strstr(kernel, "int16") ? 2e-2 : 1;
}

static void check_kernel(const struct model *m, const char *kernel)
{
    struct cross_encoder *encoder = NULL;
    struct cross_encoder_scratch *scratch = NULL;
    struct encoder_text inputs[N_PASSAGES];
    const struct encoder_text question = {query, strlen(query)};
    float scores[N_PASSAGES], alone;
    assert_ok(cross_encoder_open(&(struct encoder_options){.folder = m->folder, .kernel = kernel},
                                 &encoder, &err));
    assert_int_equal(cross_encoder_n_tokens_max(encoder), N_POSITIONS);
    assert_ok(cross_encoder_scratch_new(encoder, &scratch, &err));
    for (size_t i = 0; i < N_PASSAGES; i++)
        inputs[i] = (struct encoder_text){passages[i], strlen(passages[i])};
    assert_ok(cross_encoder_score(encoder, scratch, &question, inputs, N_PASSAGES, scores, &err));
    for (size_t i = 0; i < N_PASSAGES; i++) {
        int32_t ids[N_POSITIONS];
        uint8_t types[N_POSITIONS];
        size_t n = encode_pair(m, passages[i], ids, types, N_POSITIONS);
        double expected = reference_score(m, ids, types, n);
        if (!(fabs((double)scores[i] - expected) < tolerance_of(kernel)))
            fail_msg("%s, dim %zu, passage %zu: %.9g, expected %.9g", kernel, m->shape->dim, i,
                     (double)scores[i], expected);
        assert_ok(cross_encoder_score(encoder, scratch, &question, &inputs[i], 1, &alone, &err));
        assert_memory_equal(&alone, &scores[i], sizeof alone);
    }
    cross_encoder_scratch_free(scratch);
    cross_encoder_close(encoder);
}

static void test_cross_encoder__scores_match_double_precision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct model m;
        model_init(&m, &shapes[i], 200 + i);
        for (size_t k = 0; nn_kernel_name(k); k++) {
            if (nn_kernel_runs(nn_kernel_name(k)))
                check_kernel(&m, nn_kernel_name(k));
        }
        model_clear(&m);
    }
}

static void test_cross_encoder__pairs_are_cut_at_the_passage(void **state)
{
    (void)state;
    struct model m;
    int32_t ids[N_POSITIONS];
    uint8_t types[N_POSITIONS];
    model_init(&m, &shapes[0], 1);
    static const int32_t whole[] = {2, 5, 6, 7, 3, 9, 10, 11, 12, 13, 14, 3};
    static const uint8_t whole_types[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(encode_pair(&m, passages[2], ids, types, N_POSITIONS), 12);
    assert_memory_equal(ids, whole, sizeof whole);
    assert_memory_equal(types, whole_types, sizeof whole_types);
    static const int32_t cut[] = {2, 5, 6, 7, 3, 9, 10, 11, 3};
    assert_int_equal(encode_pair(&m, passages[2], ids, types, 9), 9);
    assert_memory_equal(ids, cut, sizeof cut);
    static const int32_t halved[] = {2, 5, 6, 3, 9, 10, 11, 3};
    assert_int_equal(encode_pair(&m, passages[2], ids, types, 8), 8);
    assert_memory_equal(ids, halved, sizeof halved);
    model_clear(&m);
}

static void test_cross_encoder__other_models_are_refused(void **state)
{
    (void)state;
    static const struct shape plain = {"mean_tokens", "", 2, 24, 3, 40, SHAPE_PLAIN};
    struct model m;
    struct cross_encoder *encoder = NULL;
    model_init(&m, &plain, 1);
    assert_status(cross_encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err),
                  STATUS_INVALID);
    assert_non_null(strstr(err.message, "names no classifier"));
    model_clear(&m);
}

static void test_cross_encoder__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    struct model m;
    enum status status = STATUS_NOMEM;
    model_init(&m, &shapes[0], 1);
    const struct encoder_text text = {query, strlen(query)};
    for (int n = 1; status != STATUS_OK; n++) {
        char plan[32];
        float score;
        struct cross_encoder *encoder = NULL;
        struct cross_encoder_scratch *scratch = NULL;
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        status = cross_encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err);
        if (!status)
            status = cross_encoder_scratch_new(encoder, &scratch, &err);
        if (!status)
            status = cross_encoder_score(encoder, scratch, &text, &text, 1, &score, &err);
        fault_plan(NULL);
        cross_encoder_scratch_free(scratch);
        cross_encoder_close(encoder);
    }
    model_clear(&m);
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_encoder__scores_match_double_precision),
        cmocka_unit_test(test_cross_encoder__pairs_are_cut_at_the_passage),
        cmocka_unit_test(test_cross_encoder__other_models_are_refused),
        cmocka_unit_test(test_cross_encoder__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
