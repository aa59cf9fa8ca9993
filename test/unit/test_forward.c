#include "../reference_model.h"
#include "nn/nn.h"

static const struct shape shapes[] = {
    {"mean_tokens", "", 2, 24, 3, 40, SHAPE_PLAIN},
    {"cls_token", "", 2, 24, 3, 40, SHAPE_PLAIN},
    {"mean_tokens", "bert.", 1, 7, 1, 5, SHAPE_PLAIN},
    {"cls_token", "", 3, 20, 4, 33, SHAPE_PLAIN},
    {"mean_tokens", "", 2, 64, 1, 96, SHAPE_PLAIN},
    {"mean_tokens", "", 1, 100, 2, 17, SHAPE_PLAIN},
    {"mean_tokens", "", 1, 1, 1, 1, SHAPE_PLAIN},
    {"cls_token", "bert.", 2, 48, 12, 8, SHAPE_PLAIN},
    {"mean_tokens", "", 12, 24, 3, 40, SHAPE_PLAIN},
    {"cls_token", "", 12, 64, 2, 96, SHAPE_PLAIN},
    {"mean_tokens", "", 2, 96, 3, 64, SHAPE_ROBERTA},
    {"cls_token", "", 6, 24, 4, 40, SHAPE_ROBERTA | SHAPE_RAW},
    {"mean_tokens", "", 2, 24, 3, 40, SHAPE_RAW},
    {"cls_token", "bert.", 2, 24, 3, 40, SHAPE_RAW},
    {"mean_tokens", "", 2, 96, 3, 100, SHAPE_HALVES},
};

static const char *const texts[] = {"", "a", "b c d e f g",
                                    "z z z z z z z z z z z z z z z z z z z z",
                                    "q w e r t y [MASK] u i o p a s d f g h j k l z x c v b n m"};
#define N_TEXTS (sizeof texts / sizeof texts[0])

/* Random weights are worse than trained ones: every layer amplifies what was rounded. */
static double tolerance_of(const char *kernel)
{
    return strstr(kernel, "fp32") ? 2e-5 : strstr(kernel, "int16") ? 5e-3 : 0.15;
}

static void check_kernel(const struct model *m, const char *kernel)
{
    struct error err;
    struct encoder *encoder = NULL;
    struct encoder_scratch *scratch = NULL;
    struct encoder_text inputs[N_TEXTS];
    float out[N_TEXTS * WIDTH_MAX];
    double expected[WIDTH_MAX];
    size_t dim = m->shape->dim;
    assert_ok(encoder_open(&(struct encoder_options){.folder = m->folder, .kernel = kernel},
                           &encoder, &err));
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    for (size_t i = 0; i < N_TEXTS; i++)
        inputs[i] = (struct encoder_text){texts[i], strlen(texts[i])};
    assert_ok(encoder_encode(encoder, scratch, inputs, N_TEXTS, out, &err));
    for (size_t i = 0; i < N_TEXTS; i++) {
        int32_t ids[N_POSITIONS];
        size_t n = encoder_tokenize(encoder, texts[i], strlen(texts[i]), ids,
                                    encoder_n_tokens_max(encoder));
        reference_run(m, ids, n, expected);
        for (size_t c = 0; c < dim; c++) {
            if (!(fabs((double)out[i * dim + c] - expected[c]) < tolerance_of(kernel)))
                fail_msg("%s, dim %zu, text %zu: component %zu is %.9g, expected %.9g", kernel, dim,
                         i, c, (double)out[i * dim + c], expected[c]);
        }
    }
    encoder_scratch_free(scratch);
    encoder_close(encoder);
}

static void test_forward__other_shapes_match_double_precision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct model m;
        model_init(&m, &shapes[i], 100 + i);
        for (size_t k = 0; nn_kernel_name(k); k++) {
            if (nn_kernel_runs(nn_kernel_name(k)))
                check_kernel(&m, nn_kernel_name(k));
        }
        model_clear(&m);
    }
}

static void test_forward__fingerprints_tell_trainings_apart(void **state)
{
    (void)state;
    char seen[3][128];
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct error err;
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], seed / 2);
        assert_ok(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err));
        snprintf(seen[seed], sizeof seen[seed], "%s", encoder_fingerprint(encoder));
        encoder_close(encoder);
        model_clear(&m);
    }
    assert_string_equal(seen[0], seen[1]);
    assert_string_not_equal(seen[1], seen[2]);
}

static const struct bad_file {
    const char *name, *text;
    enum status status;
    const char *words;
} bad_files[] = {
#define CONFIG(fields) "config.json", "{" fields "}"
#define SIZES                                                                                 \
    "\"num_hidden_layers\":2,\"hidden_size\":24,\"num_attention_heads\":3,\"vocab_size\":40," \
    "\"max_position_embeddings\":24,\"type_vocab_size\":2"
    {"config.json", "", STATUS_FORMAT, "bad JSON"},
    {"config.json", "[]", STATUS_FORMAT, "\"num_hidden_layers\" is missing"},
    {CONFIG("\"model_type\":\"roberta\""), STATUS_INVALID, "\"model_type\" is \"roberta\""},
    {CONFIG("\"model_type\":7"), STATUS_FORMAT, "\"model_type\" is not a text"},
    {CONFIG("\"hidden_act\":\"relu\""), STATUS_INVALID, "\"hidden_act\" is \"relu\""},
    {CONFIG("\"position_embedding_type\":\"relative_key\""), STATUS_INVALID, "relative_key"},
    {CONFIG("\"num_hidden_layers\":0"), STATUS_FORMAT, "\"num_hidden_layers\" is 0"},
    {CONFIG("\"num_hidden_layers\":-1"), STATUS_FORMAT, "\"num_hidden_layers\" is -1"},
    {CONFIG("\"num_hidden_layers\":2.0"), STATUS_FORMAT, "not an integer"},
    {CONFIG("\"num_hidden_layers\":1000000"), STATUS_FORMAT, "not between 1 and 96"},
    {CONFIG(SIZES ",\"intermediate_size\":9999999"), STATUS_FORMAT, "\"intermediate_size\""},
    {CONFIG(SIZES ",\"intermediate_size\":41"), STATUS_FORMAT,
     "tensor \"encoder.layer.0.intermediate.dense.weight\" at offset"},
    {CONFIG(SIZES ",\"intermediate_size\":40,\"layer_norm_eps\":-1"), STATUS_FORMAT,
     "\"layer_norm_eps\""},
    {"config.json",
     "{\"num_hidden_layers\":3,\"hidden_size\":24,\"num_attention_heads\":3,\"vocab_size\":40,"
     "\"max_position_embeddings\":24,\"type_vocab_size\":2,\"intermediate_size\":40}",
     STATUS_FORMAT, "tensor \"encoder.layer.2.attention.self.query.weight\" is missing"},
    {"config.json",
     "{\"num_hidden_layers\":2,\"hidden_size\":24,\"num_attention_heads\":5,\"vocab_size\":40,"
     "\"max_position_embeddings\":24,\"type_vocab_size\":2,\"intermediate_size\":40}",
     STATUS_FORMAT, "not a multiple of 5 heads"},
    {"1_Pooling/config.json", "{}", STATUS_INVALID, "0 pooling modes"},
    {"1_Pooling/config.json", "{\"pooling_mode_max_tokens\":true}", STATUS_INVALID,
     "pooling_mode_max_tokens"},
    {"1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}",
     STATUS_INVALID, "2 pooling modes"},
    {"1_Pooling/config.json", "{\"pooling_mode\":\"max\"}", STATUS_INVALID,
     "\"pooling_mode\" is \"max\"; only \"mean\" and \"cls\""},
    {"1_Pooling/config.json", "{\"pooling_mode\":\"cls\",\"include_prompt\":false}", STATUS_INVALID,
     "\"include_prompt\""},
    {CONFIG("\"model_type\":\"xlm-roberta\"," SIZES
            ",\"intermediate_size\":40,\"pad_token_id\":-1"),
     STATUS_FORMAT, "\"pad_token_id\" is -1"},
    {CONFIG("\"model_type\":\"xlm-roberta\"," SIZES
            ",\"intermediate_size\":40,\"pad_token_id\":21"),
     STATUS_FORMAT, "\"pad_token_id\" leaves too few of 24 positions"},
    {"sentence_bert_config.json", "{\"do_lower_case\":1}", STATUS_FORMAT, "\"do_lower_case\""},
    {"sentence_bert_config.json", "{\"max_seq_length\":0}", STATUS_FORMAT, "\"max_seq_length\""},
    {"sentence_bert_config.json", "{\"max_seq_length\":\"x\"}", STATUS_FORMAT,
     "\"max_seq_length\""},
    {"modules.json", "[{\"type\":\"sentence_transformers.models.Dense\"}]", STATUS_INVALID,
     "models.Dense"},
    {"tokenizer_config.json", "{\"do_lower_case\":1}", STATUS_FORMAT, "\"do_lower_case\""},
    {"tokenizer_config.json", "{\"strip_accents\":\"no\"}", STATUS_FORMAT, "\"strip_accents\""},
    {"tokenizer_config.json", "{\"tokenize_chinese_chars\":false}", STATUS_INVALID,
     "\"tokenize_chinese_chars\""},
    {"model.safetensors", "\2\0\0\0", STATUS_FORMAT, "offset 0"},
    {"vocab.txt", "[CLS]\n", STATUS_FORMAT, "\"[UNK]\""},
};

static void test_forward__bad_model_files_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        const struct bad_file *bad = &bad_files[i];
        struct error err = {0};
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], 1);
        write_file(&m, bad->name, bad->text, strlen(bad->text));
        enum status status =
            encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err);
        model_clear(&m);
        if (status != bad->status || !strstr(err.message, bad->words) || encoder)
            fail_msg("%s %s: \"%s\" (%s) does not say \"%s\"", bad->name, bad->text, err.message,
                     status_name(status), bad->words);
    }
}

static void test_forward__a_longer_vocabulary_than_the_model_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct model m;
    struct encoder *encoder = NULL;
    struct buf text = {0};
    model_init(&m, &shapes[0], 1);
    buf_append_text(&text, "[UNK]\n[CLS]\n[SEP]\n");
    for (int i = 3; i <= N_VOCABULARY; i++)
        buf_printf(&text, "w%d\n", i);
    write_file(&m, "vocab.txt", text.data, text.len);
    assert_status(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err),
                  STATUS_FORMAT);
    assert_non_null(strstr(err.message, "41 pieces"));
    buf_clear(&text);
    model_clear(&m);
}

static void test_forward__the_shorter_limit_of_tokens_wins(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n_tokens_max;
    } cases[] = {{"{\"max_seq_length\":10}", 10},
                 {"{\"max_seq_length\":5000}", N_POSITIONS},
                 {"{\"max_seq_length\":null}", N_POSITIONS},
                 {"{}", N_POSITIONS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err;
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], 1);
        write_file(&m, "sentence_bert_config.json", cases[i].text, strlen(cases[i].text));
        assert_ok(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err));
        assert_int_equal(encoder_n_tokens_max(encoder), cases[i].n_tokens_max);
        encoder_close(encoder);
        model_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward__other_shapes_match_double_precision),
        cmocka_unit_test(test_forward__fingerprints_tell_trainings_apart),
        cmocka_unit_test(test_forward__bad_model_files_are_refused_by_name),
        cmocka_unit_test(test_forward__a_longer_vocabulary_than_the_model_is_refused),
        cmocka_unit_test(test_forward__the_shorter_limit_of_tokens_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
