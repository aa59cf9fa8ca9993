#include "../random_model.h"
#include "base/fault.h"
#include "nn/model_config.h"

static const struct shape shape = {"cls_token", "", 1, 24, 3, 40, SHAPE_PLAIN};

/* What a file of a model folder turns into; an empty text takes the file away. */
static const struct {
    const char *name, *text;
    enum pooling pooling;
    enum casing casing;
    bool is_normalised;
    size_t n_tokens_max, position_offset, n_labels;
} cases[] = {
#define SIZES                                                                                     \
    "\"num_hidden_layers\":1,\"hidden_size\":24,\"num_attention_heads\":3,\"intermediate_size\":" \
    "40,"                                                                                         \
    "\"vocab_size\":40,\"max_position_embeddings\":24,\"type_vocab_size\":2"
#define CLS POOLING_CLS, CASING_UNCASED, true
#define AS_BERT 24, 0, 0
#define WITH_CASING(casing) POOLING_CLS, casing, true, AS_BERT
    {"none.json", "", CLS, AS_BERT},
    {"1_Pooling/config.json", "", POOLING_MEAN, CASING_UNCASED, true, AS_BERT},
    {"1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}", CLS, AS_BERT},
    {"1_Pooling/config.json", "{\"pooling_mode\":\"mean\",\"include_prompt\":true}", POOLING_MEAN,
     CASING_UNCASED, true, AS_BERT},
    {"modules.json", "[{\"type\":\"a.Transformer\"},{\"type\":\"a.Pooling\"}]", POOLING_CLS,
     CASING_UNCASED, false, AS_BERT},
    {"modules.json", "[{\"type\":\"Transformer\"},{\"type\":\"a.b.Normalize\"}]", CLS, AS_BERT},
    {"modules.json", "[{\"type\":\"Normalize\"},{\"type\":\"Transformer\"}]", CLS, AS_BERT},
    {"1_Pooling/config.json",
     "{\"word_embedding_dimension\":24,\"pooling_mode_cls_token\":false,\"pooling_mode\":null,"
     "\"pooling_mode_mean_tokens\":true,\"include_prompt\":null}",
     POOLING_MEAN, CASING_UNCASED, true, AS_BERT},
    {"sentence_bert_config.json", "{\"max_seq_length\":null,\"do_lower_case\":null}", CLS, AS_BERT},
    {"sentence_bert_config.json", "{}", CLS, AS_BERT},
    {"config.json",
     "{\"model_type\":null,\"hidden_act\":null,\"position_embedding_type\":null," SIZES "}", CLS,
     AS_BERT},
    {"sentence_bert_config.json", "{\"max_seq_length\":9,\"do_lower_case\":false}", CLS, 9, 0, 0},
    {"sentence_bert_config.json", "{\"max_seq_length\":9,\"do_lower_case\":true}", CLS, 9, 0, 0},
    {"tokenizer_config.json", "{\"do_lower_case\":false}", WITH_CASING(CASING_CASED)},
    {"tokenizer_config.json", "{\"strip_accents\":false}", WITH_CASING(CASING_LOWER)},
    {"tokenizer_config.json", "{\"do_lower_case\":false,\"strip_accents\":true}",
     WITH_CASING(CASING_STRIPPED)},
    {"tokenizer_config.json", "{\"do_lower_case\":true,\"strip_accents\":null}", CLS, AS_BERT},
    {"config.json", "{\"model_type\":\"xlm-roberta\"," SIZES "}", CLS, 22, 2, 0},
    {"config.json", "{\"model_type\":\"xlm-roberta\",\"pad_token_id\":3," SIZES "}", CLS, 20, 4, 0},
    {"config.json", "{\"architectures\":[\"BertModel\"],\"id2label\":{\"0\":\"a\"}," SIZES "}", CLS,
     AS_BERT},
    {"config.json",
     "{\"architectures\":[\"BertForSequenceClassification\"],\"id2label\":{\"0\":\"a\"}," SIZES "}",
     POOLING_CLS, CASING_UNCASED, false, 24, 0, 1},
    {"config.json", "{\"architectures\":[\"BertForSequenceClassification\"]," SIZES "}",
     POOLING_CLS, CASING_UNCASED, false, 24, 0, 2},
};

static void test_model_config__files_decide(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err;
        struct model m;
        struct model_config config;
        char path[128];
        model_init(&m, &shape, 1);
        snprintf(path, sizeof path, "%s/%s", m.folder, cases[i].name);
        if (cases[i].text[0])
            write_file(&m, cases[i].name, cases[i].text, strlen(cases[i].text));
        else
            unlink(path);
        assert_ok(model_config_read(m.folder, &config, &err));
        model_clear(&m);
        if (config.pooling != cases[i].pooling || config.casing != cases[i].casing ||
            config.is_normalised != cases[i].is_normalised ||
            config.n_tokens_max != cases[i].n_tokens_max ||
            config.position_offset != cases[i].position_offset ||
            config.n_labels != cases[i].n_labels)
            fail_msg("%s %s is read wrongly", cases[i].name, cases[i].text);
    }
}

/* What people call it, and something when it does not say. */
static void test_model_config__has_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *field, *name;
    } named[] = {
        {"", "bert"},
        {"\"_name_or_path\":\"\",", "bert"},
        {"\"_name_or_path\":\"author/\",", "bert"},
        {"\"_name_or_path\":\"Author/My_Model v1.5\",", "my_model-v1.5"},
        {"\"_name_or_path\":\"\xC3\xA9t\xC3\xA9\",", "--t--"},
        {"\"_name_or_path\":\"a-name-that-is-much-longer-than-there-is-room-for-in-it\",",
         "a-name-that-is-much-longer-than-there-is-room-f"},
    };
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        struct error err;
        struct model m;
        struct model_config config;
        char text[512];
        model_init(&m, &shape, 1);
        snprintf(text, sizeof text, "{%s" SIZES "}", named[i].field);
        write_file(&m, "config.json", text, strlen(text));
        assert_ok(model_config_read(m.folder, &config, &err));
        assert_string_equal(config.name, named[i].name);
        model_clear(&m);
    }
}

/* Lower case is wanted twice, by two files. */
static void test_model_config__lower_case_adds_up(void **state)
{
    (void)state;
    static const struct {
        const char *tokenizer;
        enum casing casing;
    } rows[] = {
        {"{\"do_lower_case\":false,\"strip_accents\":false}", CASING_LOWER},
        {"{\"do_lower_case\":false,\"strip_accents\":true}", CASING_UNCASED},
        {"{\"do_lower_case\":true,\"strip_accents\":false}", CASING_LOWER},
        {"{\"do_lower_case\":true}", CASING_UNCASED},
    };
    static const char wanted[] = "{\"do_lower_case\":true}";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err;
        struct model m;
        struct model_config config;
        model_init(&m, &shape, 1);
        write_file(&m, "sentence_bert_config.json", wanted, sizeof wanted - 1);
        write_file(&m, "tokenizer_config.json", rows[i].tokenizer, strlen(rows[i].tokenizer));
        assert_ok(model_config_read(m.folder, &config, &err));
        assert_int_equal(config.casing, rows[i].casing);
        assert_true(config.lowers_text);
        model_clear(&m);
    }
}

#ifdef RAGGED_FAULT
static void test_model_config__without_memory_says_so(void **state)
{
    (void)state;
    struct error err;
    struct model m;
    struct model_config config;
    enum status status = STATUS_NOMEM;
    int n = 0;
    model_init(&m, &shape, 1);
    while (status == STATUS_NOMEM) {
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", ++n);
        fault_plan(plan);
        status = model_config_read(m.folder, &config, &err);
        fault_plan(NULL);
    }
    assert_status(status, STATUS_OK);
    assert_true(n > 5); /* a path for each of the files at least */
    model_clear(&m);
}
#endif

/* A model that would be computed wrongly is refused, with the field's name. */
static void test_model_config__refuses_what_it_can_not_compute(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *said;
        enum status status;
    } refused[] = {
        {"\"model_type\":\"gpt2\",", "model_type", STATUS_INVALID},
        {"\"model_type\":7,", "model_type", STATUS_FORMAT},
        {"\"hidden_act\":\"relu\",", "hidden_act", STATUS_INVALID},
        {"\"position_embedding_type\":\"relative_key\",", "position_embedding_type",
         STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct error err;
        struct model m;
        struct model_config config;
        char text[512];
        model_init(&m, &shape, 1);
        snprintf(text, sizeof text, "{%s" SIZES "}", refused[i].fields);
        write_file(&m, "config.json", text, strlen(text));
        assert_status(model_config_read(m.folder, &config, &err), refused[i].status);
        if (!strstr(err.message, refused[i].said))
            fail_msg("%s: %s", refused[i].fields, err.message);
        model_clear(&m);
    }
}

/* The same of the other files, and of numbers that can't be. */
static void test_model_config__refuses_other_files(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *said;
        enum status status;
    } refused[] = {
        {"config.json", "[", "config.json\": bad JSON", STATUS_FORMAT},
        {"modules.json", "[", "modules.json\": bad JSON", STATUS_FORMAT},
        {"config.json", "{}", "num_hidden_layers", STATUS_FORMAT},
        {"config.json", "{\"num_hidden_layers\":0}", "not between 1", STATUS_FORMAT},
        {"config.json", "{\"num_hidden_layers\":97}", "not between 1", STATUS_FORMAT},
        {"config.json", "{\"num_hidden_layers\":-1}", "not between 1", STATUS_FORMAT},
        {"config.json", "{\"num_hidden_layers\":\"1\"}", "not an integer", STATUS_FORMAT},
        {"config.json",
         "{\"num_hidden_layers\":1,\"hidden_size\":25,\"num_attention_heads\":3,"
         "\"intermediate_size\":40,\"vocab_size\":40,\"max_position_embeddings\":24,"
         "\"type_vocab_size\":2}",
         "not a multiple of 3 heads", STATUS_FORMAT},
        {"config.json", "{\"hidden_act\":1}", "hidden_act", STATUS_FORMAT},
        {"config.json", "{\"layer_norm_eps\":0.11," SIZES "}", "layer_norm_eps", STATUS_FORMAT},
        {"config.json", "{\"layer_norm_eps\":-1," SIZES "}", "layer_norm_eps", STATUS_FORMAT},
        {"config.json", "{\"model_type\":\"xlm-roberta\",\"pad_token_id\":21," SIZES "}",
         "too few of 24", STATUS_FORMAT},
        {"config.json", "{\"model_type\":\"xlm-roberta\",\"pad_token_id\":65536," SIZES "}",
         "pad_token_id", STATUS_FORMAT},
        {"modules.json", "[{\"type\":\"Dense\"}]", "\"Dense\"", STATUS_INVALID},
        {"1_Pooling/config.json", "{\"pooling_mode\":\"max\"}", "\"max\"", STATUS_INVALID},
        {"1_Pooling/config.json", "{\"pooling_mode\":1}", "pooling_mode", STATUS_FORMAT},
        {"1_Pooling/config.json", "{\"include_prompt\":false}", "include_prompt", STATUS_INVALID},
        {"1_Pooling/config.json", "{}", "0 pooling modes", STATUS_INVALID},
        {"1_Pooling/config.json", "{\"pooling_mode_max_tokens\":true}", "pooling_mode_max_tokens",
         STATUS_INVALID},
        {"1_Pooling/config.json",
         "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true}", "2 pooling modes",
         STATUS_INVALID},
        {"sentence_bert_config.json", "{\"do_lower_case\":1}", "do_lower_case", STATUS_FORMAT},
        {"sentence_bert_config.json", "{\"max_seq_length\":2}", "max_seq_length", STATUS_FORMAT},
        {"tokenizer_config.json", "{\"do_lower_case\":\"x\"}", "do_lower_case", STATUS_FORMAT},
        {"tokenizer_config.json", "{\"strip_accents\":7}", "strip_accents", STATUS_FORMAT},
        {"tokenizer_config.json", "{\"tokenize_chinese_chars\":false}", "tokenize_chinese_chars",
         STATUS_INVALID},
        {"tokenizer_config.json", "{\"do_basic_tokenize\":false}", "do_basic_tokenize",
         STATUS_INVALID},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct error err = {0};
        struct model m;
        struct model_config config;
        model_init(&m, &shape, 1);
        write_file(&m, refused[i].file, refused[i].text, strlen(refused[i].text));
        enum status status = model_config_read(m.folder, &config, &err);
        if (status != refused[i].status || !strstr(err.message, refused[i].said))
            fail_msg("%s %s: %s (%s)", refused[i].file, refused[i].text, err.message,
                     status_name(status));
        model_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_config__files_decide),
        cmocka_unit_test(test_model_config__has_a_name),
        cmocka_unit_test(test_model_config__lower_case_adds_up),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_model_config__without_memory_says_so),
#endif
        cmocka_unit_test(test_model_config__refuses_what_it_can_not_compute),
        cmocka_unit_test(test_model_config__refuses_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
